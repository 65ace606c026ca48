"""Which files `inspect` takes, and in which order; what of them may drive a terminal."""

from __future__ import annotations

from pathlib import Path

from compline_edge.display import legible
from compline_edge.inspection import sources


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_sources_when_a_folder_is_named_then_its_recordings_and_chats_come_in_sorted_order(
    tmp_path: Path,
) -> None:
    touch(tmp_path, "b/2.AMR", "b/10.wav", "a.txt", "c.jsonl")
    chosen = sources([tmp_path])
    assert [path.relative_to(tmp_path).as_posix() for path in chosen.files] == [
        "a.txt",
        "b/10.wav",
        "b/2.AMR",
        "c.jsonl",
    ]


def test_sources_when_other_and_hidden_files_lie_there_then_they_are_counted_and_left(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", ".b.wav", "c.wav.part", "d.pdf", ".trash/e.wav")
    chosen = sources([tmp_path])
    assert [path.name for path in chosen.files] == ["a.wav"]
    assert (chosen.others, chosen.problems) == (3, ())


def test_sources_when_files_are_named_outright_then_they_keep_their_order_whatever_they_are(
    tmp_path: Path,
) -> None:
    named = [tmp_path / "z.pdf", tmp_path / "missing.wav"]
    touch(tmp_path, "z.pdf")
    assert sources(named).files == tuple(named)


def test_sources_when_a_folder_gives_nothing_then_it_is_a_problem_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    touch(tmp_path, "full/a.wav", "void/b.pdf")
    chosen = sources([tmp_path / "void", tmp_path / "full"])
    assert [path.name for path in chosen.files] == ["a.wav"]
    assert len(chosen.problems) == 1
    assert str(tmp_path / "void") in chosen.problems[0]


def test_legible_when_a_text_could_drive_the_terminal_then_it_cannot_any_more() -> None:
    assert legible("你好\x1b[31m\x07\u202e\nb") == "你好\ufffd[31m\ufffd\ufffd\nb"


def test_legible_when_a_text_is_harmless_then_it_stays() -> None:
    assert legible("您好，请问 100% [ok]\n") == "您好，请问 100% [ok]\n"
