"""Loading rule packs from a models folder: what is broken is named, the rest goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline_edge.senses.pack_files import Loaded
from compline_edge.senses.rule_packs import load_rules
from compline_shared.rule import RulePack
from compline_shared.rule_pack import RulePackError

RULE = "{} | threat | veto | 威胁 | t\n  when: any(打断腿)\n"


def _write(models: Path, name: str, body: str, *, language: str = "zh-CN", version: int = 1) -> None:
    folder = models / "rules" / "zh-CN"
    folder.mkdir(parents=True, exist_ok=True)
    head = f"@pack {name}\n@version {version}\n@language {language}\n"
    (folder / f"{name}.rules").write_text(head + body, encoding="utf-8")


def _ids(loaded: Loaded[RulePack]) -> list[list[int]]:
    return [[rule.id for rule in pack.rules] for pack in loaded.packs]


def test_rules_when_sound_then_all_are_loaded_and_the_highest_version_counts(tmp_path: Path) -> None:
    _write(tmp_path, "own", RULE.format(20001), version=7)
    _write(tmp_path, "base", RULE.format(1), version=3)
    loaded = load_rules(tmp_path, "zh-CN")
    assert (_ids(loaded), loaded.problems, loaded.version, loaded.sound()) == (
        [[1], [20001]],
        (),
        7,
        loaded.packs,
    )


def test_rules_when_a_line_is_broken_then_it_is_named_and_the_rest_is_loaded(tmp_path: Path) -> None:
    _write(tmp_path, "base", RULE.format(1) + "2 | bad\n" + RULE.format(3))
    loaded = load_rules(tmp_path, "zh-CN")
    assert (_ids(loaded), [problem[:14] for problem in loaded.problems]) == ([[1, 3]], ["base.rules:6: "])


def test_rules_when_anything_is_broken_then_asking_for_sound_ones_raises(tmp_path: Path) -> None:
    _write(tmp_path, "base", "2 | bad\n")
    with pytest.raises(RulePackError, match=r"base\.rules:4: a rule begins with 5 fields"):
        load_rules(tmp_path, "zh-CN").sound()


def test_rules_when_two_packs_have_one_id_then_the_first_keeps_it(tmp_path: Path) -> None:
    _write(tmp_path, "a", RULE.format(1))
    _write(tmp_path, "b", RULE.format(1) + RULE.format(2))
    loaded = load_rules(tmp_path, "zh-CN")
    assert (_ids(loaded), loaded.problems) == (
        [[1], [2]],
        ("b.rules:4: rule 1: a.rules has this id; give it a new one",),
    )


def test_rules_when_a_pack_is_of_another_language_then_it_is_named(tmp_path: Path) -> None:
    _write(tmp_path, "a", RULE.format(1), language="zh-TW")
    loaded = load_rules(tmp_path, "zh-CN")
    assert (loaded.packs, loaded.problems) == (
        (),
        ("a.rules: its language is zh-TW, its folder's zh-CN; move it",),
    )


def test_rules_when_a_header_is_broken_then_the_pack_is_left_out(tmp_path: Path) -> None:
    _write(tmp_path, "a", RULE.format(1), version=0)
    loaded = load_rules(tmp_path, "zh-CN")
    assert (loaded.packs, len(loaded.problems)) == ((), 2)


def test_rules_when_there_are_none_then_nothing_is_wrong(tmp_path: Path) -> None:
    loaded = load_rules(tmp_path, "xx")
    assert (loaded.packs, loaded.problems, loaded.version) == ((), (), 0)
