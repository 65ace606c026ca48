"""Every bad input ends in one clear sentence that names it, and the rest goes on."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.speech import SAMPLE_RATE
from compline_edge.senses.recording import open_recording
from tests.audio import ENCODINGS, Encoding, encode, speechlike
from tests.edge_program import MODELS, Inspected, edge, inspect
from tests.privacy.day import recording

BY_NAME = {encoding.name: encoding for encoding in ENCODINGS}
INDEX_AT_END = {"m4a-aac", "mp4-aac", "3gp-aac", "3gp-libopencore_amrnb"}
TEN_HOURS = 36_000
KEY = "00112233445566778899aabbccddeeff"
ABUSE = "你这个老赖，你去死吧"
LIMIT_HOURS = 0.02


def spoken(path: Path, encoding: Encoding, *, options: dict[str, str] | None = None) -> Path:
    rate = encoding.rates[0]
    return encode(path, speechlike(6, rate=rate)[None], rate=rate, encoding=encoding, options=options)


def clearly_spoken(path: Path, encoding: Encoding) -> Path:
    """Six seconds that the model can follow: what only resembles speech is rightly not judged."""
    with open_recording(recording("first-reminder")) as call:
        speech = np.concatenate(list(call.blocks()), axis=1)[:, : 6 * SAMPLE_RATE]
    return encode(path, speech, rate=SAMPLE_RATE, encoding=encoding)


def cut(path: Path, encoding: Encoding) -> None:
    os.truncate(spoken(path, encoding), int(path.stat().st_size * 0.6))


def encrypted(path: Path) -> None:
    options = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": KEY, "encryption_kid": KEY}
    spoken(path, BY_NAME["mp4-aac"], options=options)


def wav_head(size: int) -> bytes:
    head = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt "
    return head + struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 16_000, 2, 16) + b"data" + struct.pack("<I", size)


def ten_hours(path: Path) -> None:
    size = TEN_HOURS * 16_000
    path.write_bytes(wav_head(size))
    os.truncate(path, 44 + size)  # a sparse file


def silence(path: Path) -> None:
    encode(path, np.zeros((1, 48_000), np.int16), rate=16_000, encoding=BY_NAME["m4a-aac"])


def long_message(path: Path) -> None:
    path.write_text(f"您好\n{'a' * 5_100_000}\n{ABUSE}\n", encoding="utf-8")


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty.mp3": (lambda p: p.touch(), "empty"),
    "empty-chat.txt": (lambda p: p.touch(), "empty"),
    "blank-chat.jsonl": (lambda p: p.write_text("\n \n"), "empty"),
    "encrypted.mp4": (encrypted, "encrypted"),
    "locked.amr": (lambda p: p.write_bytes(b"PK\x03\x04" + bytes(60)), "encrypted"),
    "no-seconds.wav": (lambda p: p.write_bytes(wav_head(0)), "empty"),
    "no-seconds.amr": (lambda p: p.write_bytes(b"#!AMR\n"), "empty"),
    "picture.wav": (lambda p: p.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(4_000)), "unreadable"),
    "picture.txt": (lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500)), "unreadable"),
    "silent.m4a": (silence, "silent"),
    "ten-hours.wav": (ten_hours, "too_long"),
} | {
    f"cut-{e.name}{e.suffix}": (
        lambda p, e=e: cut(p, e),
        "unreadable" if e.name in INDEX_AT_END else "truncated",
    )
    for e in ENCODINGS
}
"""Files that cannot be judged in full: how each is made, and the reason that its row gives."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bad-input")
    folder = place / "files"
    folder.mkdir()
    for name, (make, _) in BAD.items():
        make(folder / name)
    clearly_spoken(folder / "good.wav", BY_NAME["wav-pcm_s16le"])
    clearly_spoken(folder / "renamed.wav", BY_NAME["mp3-libmp3lame"])
    (folder / "broken-line.jsonl").write_text(
        '{"msgid": "a",\n[1]\n{"msgid": "1", "action": "send", "from": "wang", '
        f'"tolist": ["wmX"], "roomid": "", "msgtime": 1795100000000, "msgtype": "text", '
        f'"text": {{"content": "{ABUSE}"}}}}\n',
        encoding="utf-8",
    )
    long_message(folder / "long-message.txt")
    (place / "compline.toml").write_text(f"[edge]\nlongest_call_hours = {LIMIT_HOURS}\n", encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def judged(place: Path) -> Inspected:
    return inspect(
        "--config", place / "compline.toml", place / "files", place / "missing.wav", home=place / "home"
    )


def is_clear(sentence: str, name: str) -> bool:
    """Whether it is one line that begins with the file's name, says something to do and ends with a full stop."""
    return re.fullmatch(rf"{re.escape(name)}[ :][^\n]+[:;.] [^\n]+\.", sentence) is not None


@pytest.mark.parametrize("name", BAD)
def test_inspect_when_a_file_is_bad_then_its_row_gives_the_reason_and_the_sentence(
    judged: Inspected, name: str
) -> None:
    (row,) = judged.of(name)
    assert row["abstained"] == BAD[name][1]
    assert row["coverage"] < 1 or BAD[name][1] == "silent"
    assert is_clear(row["error"], name), row["error"]


def test_inspect_when_files_are_bad_then_stderr_has_just_one_line_for_each(judged: Inspected) -> None:
    wrong = [row["error"] for row in judged.rows if "error" in row]
    assert list(judged.sentences) == wrong
    assert judged.code == 1


def test_inspect_when_other_files_are_bad_then_the_good_one_is_judged_all_the_same(judged: Inspected) -> None:
    (row,) = judged.of("good.wav")
    assert (row["abstained"], row["coverage"], "error" in row) == (None, 1.0, False)


def test_inspect_when_only_the_good_one_is_there_then_nothing_is_wrong(place: Path, tmp_path: Path) -> None:
    alone = inspect(place / "files" / "good.wav", home=tmp_path / "home")
    assert (alone.code, alone.sentences) == (0, ())


def test_inspect_when_a_file_is_renamed_then_it_is_judged_by_its_content_and_told(
    place: Path, tmp_path: Path
) -> None:
    alone = inspect(place / "files" / "renamed.wav", home=tmp_path / "home")
    (row,) = alone.rows
    assert (alone.code, row["abstained"], row["coverage"]) == (1, None, 1.0)
    assert row["duration_s"] == pytest.approx(6, abs=0.3)  # an MP3 is padded to whole frames
    assert "mp3" in row["error"]
    assert is_clear(row["error"], "renamed.wav")


def test_inspect_when_ten_hours_are_too_long_then_the_first_part_is_judged_and_counted(
    judged: Inspected,
) -> None:
    (row,) = judged.of("ten-hours.wav")
    assert row["duration_s"] == TEN_HOURS
    assert row["coverage"] == pytest.approx(LIMIT_HOURS / 10, abs=0.001)


def test_inspect_when_an_end_is_cut_off_then_the_readable_part_is_counted(judged: Inspected) -> None:
    (row,) = judged.of("cut-wav-pcm_s16le.wav")
    assert row["duration_s"] == pytest.approx(6, abs=0.1)
    assert row["coverage"] == pytest.approx(0.6, abs=0.02)


def test_inspect_when_json_lines_are_broken_then_the_others_are_judged(judged: Inspected) -> None:
    first, second, third = judged.of("broken-line.jsonl")
    assert [first["line"], second["line"], third["line"]] == [1, 2, 3]
    assert [first["abstained"], second["abstained"], third["abstained"]] == ["unreadable", "unreadable", None]
    assert re.search(r"line 1 .*: .*\.$", first["error"])
    assert re.search(r"line 2 .*: .*\.$", second["error"])
    assert third["findings"][0]["category"] == "abuse"


def test_inspect_when_a_message_has_5_mb_then_it_alone_is_left_out(judged: Inspected) -> None:
    before, large, after = judged.of("long-message.txt")
    assert [before["abstained"], large["abstained"], after["abstained"]] == [None, "too_large", None]
    assert re.search(r"line 2 has 5\.1 MB.*: .*\.$", large["error"])
    assert after["findings"][0]["category"] == "abuse"


def test_inspect_when_a_file_is_missing_then_a_sentence_says_so(judged: Inspected) -> None:
    (row,) = judged.of("missing.wav")
    assert row["abstained"] == "unreadable"
    assert is_clear(row["error"], "missing.wav")


def test_inspect_when_a_folder_holds_nothing_then_a_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    found = inspect(tmp_path / "nothing", home=tmp_path / "home")
    assert (found.code, found.rows, len(found.sentences)) == (1, (), 1)
    assert re.search(r"nothing holds no recording and no chat export: .*\.$", found.sentences[0])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_inspect_when_a_file_and_a_folder_may_not_be_read_then_a_sentence_says_so_for_each(
    tmp_path: Path,
) -> None:
    (tmp_path / "call.wav").touch(mode=0)
    (tmp_path / "closed").mkdir(mode=0)
    found = inspect(tmp_path / "call.wav", tmp_path / "closed", home=tmp_path / "home")
    assert found.code == 1
    assert "Permission denied" in found.rows[0]["error"]
    assert any("cannot be entered" in sentence for sentence in found.sentences)


def test_inspect_when_a_lexicon_has_a_broken_line_then_it_is_named_and_the_rest_is_used(
    tmp_path: Path,
) -> None:
    lexicon = tmp_path / "models" / "lexicons" / "zh-CN" / "own.lex"
    lexicon.parent.mkdir(parents=True)
    lexicon.write_text(
        "@pack own\n@version 1\n@language zh-CN\n@category abuse\n"
        "1001 | grave | 坏人 | not: - | 坏人 | bad person | text\n"
        "1002 | serious | 老赖 | not: - | 老赖 | deadbeat | text\n",
        encoding="utf-8",
    )
    for part in MODELS.iterdir():
        if part.is_dir() and part.name != "lexicons":
            (tmp_path / "models" / part.name).symlink_to(part)
    (tmp_path / "chat.txt").write_text(ABUSE, encoding="utf-8")
    found = inspect("--models", tmp_path / "models", tmp_path / "chat.txt", home=tmp_path / "home")
    assert found.code == 1
    assert [f["term"] for f in found.rows[0]["findings"]] == [1002]
    (sentence,) = found.sentences
    assert sentence.startswith("own.lex:5: ")


def test_inspect_when_it_prints_a_table_then_what_could_not_be_judged_stands_in_it(
    place: Path, tmp_path: Path
) -> None:
    done = edge(
        "inspect", place / "files" / "empty.mp3", place / "files" / "good.wav", home=tmp_path / "home"
    )
    assert done.returncode == 1
    assert re.search(r"^empty\.mp3 +not judged: empty", done.stdout, re.MULTILINE)
    assert "2 inspected, 0 with findings, 1 not judged in full, 1 with an error" in done.stdout
    assert done.stderr.count("\n") == 1
