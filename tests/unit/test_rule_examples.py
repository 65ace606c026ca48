"""The examples of a pack are run, those that do not hold are named, and packs are checked as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline_edge.core.evidence import EmotionShare, Side, VoiceLevel
from compline_edge.core.rule_examples import check_examples
from compline_edge.rules_check import check_files
from compline_shared.rule import Feeling
from compline_shared.rule_pack import parse_rules
from compline_shared.taxonomy import Category, Role
from tests.rule_calls import HEAD, call

RULE = "7 | threat | veto | 威胁 | t\n  when: collector any(打断腿)\n"
HOLDS = "  + collector 0-3 打断腿\n  - other 0-3 打断腿\n"


def test_examples_when_they_hold_then_nothing_is_named() -> None:
    assert check_examples(parse_rules(HEAD + RULE + HOLDS, name="a.rules")) == ()


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        (
            "- collector 0-3 打断腿",
            "a.rules:7: rule 7 fires on this example; narrow its conditions, or write + before the example",
        ),
        (
            "+ other 0-3 打断腿",
            "a.rules:7: rule 7 does not fire on this example; widen its conditions, or write - before the example",
        ),
        (
            "+ mixed ; collector 0-3 打断腿",  # unknown
            "a.rules:7: rule 7 does not fire on this example; widen its conditions, or write - before the example",
        ),
    ],
)
def test_examples_when_one_must_fail_then_it_is_named(example: str, problem: str) -> None:
    assert check_examples(parse_rules(f"{HEAD}{RULE}  {example}\n", name="a.rules")) == (problem,)


def test_example_when_it_is_no_call_then_it_is_written() -> None:
    assert (call("written ; collector 1-1 好").sample_rate, call("narrow").sample_rate) == (None, 8_000)


def test_example_when_told_then_all_of_it_becomes_evidence() -> None:
    heard = call(
        "other 3-5 你说 ; collector 0-3 你好 ; silence 5-20 ; level other 3-5 -20 dBFS ; emotion other sad 70% ; "
        "noticed other 3-4 entry 2001 ; noticed other 3-4 entry 20001 ; unclear other"
    )
    assert (heard.duration, heard.sample_rate, heard.apart) == (20.0, 16_000, True)
    assert [(u.role, u.text) for u in heard.utterances] == [(Role.COLLECTOR, "你好"), (Role.OTHER, "你说")]
    assert heard.sides == (Side(Role.COLLECTOR, 3.0, 1.0), Side(Role.OTHER, 2.0, 1.0, followed=False))
    assert heard.levels == (VoiceLevel(Role.OTHER, 3.0, 5.0, -20.0),)
    assert heard.emotions == (EmotionShare(Role.OTHER, Feeling.SAD, 0.7),)
    assert [(n.category, n.entry) for n in heard.noticed] == [
        (Category.THREAT, 2001),
        (Category.MISSING_DISCLOSURE, 20001),
    ]


def test_example_when_mixed_then_nobody_is_known() -> None:
    heard = call("mixed ; collector 0-3 你好 ; other 3-5 你说 ; level collector 0-3 -20 dBFS")
    assert (heard.apart, heard.sides) == (False, (Side(Role.UNKNOWN, 5.0, 1.0),))
    assert {u.role for u in heard.utterances} | {v.role for v in heard.levels or ()} == {Role.UNKNOWN}


def test_files_when_checked_then_broken_lines_and_examples_are_named(tmp_path: Path) -> None:
    good, bad, gone, foreign = (tmp_path / f"{name}.rules" for name in ("good", "bad", "gone", "foreign"))
    good.write_text(HEAD + RULE + HOLDS, encoding="utf-8")
    bad.write_text(f"{HEAD}{RULE}  + mixed\n8 | bad\n", encoding="utf-8")
    foreign.write_bytes(HEAD.encode() + "打断腿".encode("gb18030"))
    problems = check_files([good, bad, gone, foreign])
    assert [problem.partition("; ")[0] for problem in problems] == [
        "bad.rules:8: a rule begins with 5 fields divided by |, this line has 2",
        f"bad.rules:5: rule 7: {good} has this id",
        "bad.rules:7: rule 7 does not fire on this example",
        "gone.rules: the file cannot be read (No such file or directory)",
        "foreign.rules:5: the file is not UTF-8",
    ]


def test_files_when_two_packs_use_an_id_then_the_second_is_named_whatever_its_language(
    tmp_path: Path,
) -> None:
    first, other, twice = (tmp_path / f"{name}.rules" for name in ("first", "other", "twice"))
    first.write_text(HEAD + RULE + HOLDS, encoding="utf-8")
    other.write_text(HEAD.replace("zh-CN", "en") + RULE + HOLDS, encoding="utf-8")
    twice.write_text(HEAD + RULE.replace("7 |", "8 |") + HOLDS, encoding="utf-8")
    assert check_files([first, first, twice]) == ()
    (problem,) = check_files([first, twice, other])
    assert problem == f"other.rules:5: rule 7: {first} has this id; give it a new one"
