"""Loading packs from a models folder: what is broken is named, the rest goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline_edge.senses.pack_files import Loaded
from compline_edge.senses.packs import load_packs
from compline_shared.lexicon import LexiconError, Pack

ENTRY = "{} | veto | 打断腿 | not: - | 打断腿 | breaks legs\n"


def _write(models: Path, name: str, body: str, *, language: str = "zh-CN", version: int = 1) -> None:
    folder = models / "lexicons" / "zh-CN"
    folder.mkdir(parents=True, exist_ok=True)
    head = f"@pack {name}\n@version {version}\n@language {language}\n@category threat\n"
    (folder / f"{name}.lex").write_text(head + body, encoding="utf-8")


def _ids(loaded: Loaded[Pack]) -> list[int]:
    return [entry.id for pack in loaded.packs for entry in pack.entries]


def test_packs_when_sound_then_all_are_loaded_and_the_highest_version_counts(tmp_path: Path) -> None:
    _write(tmp_path, "own", ENTRY.format(20001), version=7)
    _write(tmp_path, "starter", ENTRY.format(2001), version=3)
    loaded = load_packs(tmp_path, "zh-CN")
    assert (_ids(loaded), loaded.problems, loaded.version, loaded.sound()) == (
        [20001, 2001],
        (),
        7,
        loaded.packs,
    )


def test_packs_when_a_line_is_broken_then_it_is_named_and_the_rest_is_loaded(tmp_path: Path) -> None:
    _write(tmp_path, "starter", ENTRY.format(2001) + "2002 | bad\n" + ENTRY.format(2003))
    loaded = load_packs(tmp_path, "zh-CN")
    assert (_ids(loaded), [problem[:14] for problem in loaded.problems]) == ([2001, 2003], ["starter.lex:6:"])


def test_packs_when_anything_is_broken_then_asking_for_sound_ones_raises(tmp_path: Path) -> None:
    _write(tmp_path, "starter", "2002 | bad\n")
    with pytest.raises(LexiconError, match=r"starter\.lex:5: an entry has 6 or 7 fields"):
        load_packs(tmp_path, "zh-CN").sound()


def test_packs_when_two_have_one_id_then_the_first_keeps_it(tmp_path: Path) -> None:
    _write(tmp_path, "a", ENTRY.format(2001))
    _write(tmp_path, "b", ENTRY.format(2001) + ENTRY.format(2002))
    loaded = load_packs(tmp_path, "zh-CN")
    assert (_ids(loaded), loaded.problems) == (
        [2001, 2002],
        ("b.lex:5: entry 2001: a.lex has this id; give it a new one",),
    )


def test_packs_when_one_is_of_another_language_then_it_is_named(tmp_path: Path) -> None:
    _write(tmp_path, "a", ENTRY.format(2001), language="zh-TW")
    loaded = load_packs(tmp_path, "zh-CN")
    assert (loaded.packs, loaded.problems) == (
        (),
        ("a.lex: its language is zh-TW, its folder's zh-CN; move it",),
    )


def test_packs_when_one_is_not_utf8_then_its_line_is_named(tmp_path: Path) -> None:
    _write(tmp_path, "a", ENTRY.format(2001))
    path = tmp_path / "lexicons/zh-CN/a.lex"
    path.write_bytes(path.read_bytes() + "打断腿".encode("gb18030"))
    assert load_packs(tmp_path, "zh-CN").problems == ("a.lex:6: the file is not UTF-8; save it as UTF-8",)


def test_packs_when_one_cannot_be_read_then_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "lexicons/zh-CN/a.lex").mkdir(parents=True)
    assert (
        load_packs(tmp_path, "zh-CN")
        .problems[0]
        .startswith("a.lex: the file cannot be read (Is a directory)")
    )


def test_packs_when_there_are_none_then_it_says_so(tmp_path: Path) -> None:
    loaded = load_packs(tmp_path, "xx")
    assert (loaded.packs, loaded.version, "no lexicon" in loaded.problems[0]) == ((), 0, True)
