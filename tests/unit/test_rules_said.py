"""What rules make of what is said: phrases, roles, repetition, anchors, and what was not understood."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compline_edge.core.notices import notice_given
from compline_edge.core.outcome import Truth
from compline_edge.core.rules import compile_rules, evaluate
from compline_edge.core.speech import Token, Utterance
from compline_shared.rule_pack import parse_rules
from compline_shared.taxonomy import Role, Severity, Technique
from tests.rule_calls import HEAD, call, found, truth

TALK = "collector 0-10 你好请问今天方便还款吗 ; other 10-20 你们不要再打电话了 ; collector 20-30 那你什么时候处理"
TRUE, UNKNOWN, FALSE = Truth.TRUE, Truth.UNKNOWN, Truth.FALSE


@pytest.mark.parametrize(
    ("condition", "scenes", "expected"),
    [
        ("any(方便还款 / 马上还钱)", TALK, TRUE),
        ("any(马上还钱)", TALK, FALSE),
        ("any(<stop>)", TALK, TRUE),
        ("any(今天~4还款)", TALK, TRUE),
        ("any(芳便还款)", TALK, TRUE),  # the same sounds
        ("all(方便还款 / 什么时候)", TALK, TRUE),
        ("all(方便还款 / 马上还钱)", TALK, FALSE),
        ("none(马上还钱)", TALK, TRUE),
        ("none(方便还款)", TALK, FALSE),
        ("collector any(方便还款)", TALK, TRUE),
        ("other any(方便还款)", TALK, FALSE),
        ("unknown any(方便还款)", TALK, UNKNOWN),  # nobody unknown speaks: too little to tell
        ("unknown any(方便还款)", f"mixed ; {TALK}", TRUE),
        ("collector any(方便还款)", f"mixed ; {TALK}", UNKNOWN),  # somebody said it
        ("collector any(马上还钱)", f"mixed ; {TALK}", FALSE),  # nobody did
        ("collector none(方便还款)", f"mixed ; {TALK}", UNKNOWN),
        ("collector none(马上还钱)", f"mixed ; {TALK}", TRUE),
        ("any(马上还钱)", f"unclear collector ; {TALK}", UNKNOWN),
        ("collector none(马上还钱)", f"unclear collector ; {TALK}", UNKNOWN),
        ("other none(马上还钱)", f"unclear collector ; {TALK}", TRUE),
        ("any(方便还款)", f"unclear collector ; {TALK}", TRUE),
        ("none(马上还钱)", f"narrow ; {TALK}", UNKNOWN),
        ("collector none(马上还钱)", "collector 0-7 你好", UNKNOWN),  # too short
        ("none(马上还钱)", "written ; collector 0-0 你好", TRUE),
        ("similar 80% (方便还款吗)", TALK, TRUE),
        ("similar 60% (方便付款吧)", TALK, TRUE),
        ("similar 100% (方便付款吧)", TALK, FALSE),
        ("collector similar 60% (方便付款吧)", f"mixed ; {TALK}", UNKNOWN),
    ],
)
def test_phrases_when_judged_then(condition: str, scenes: str, expected: Truth) -> None:
    assert truth(condition, call(scenes)) is expected


NOTICED = "noticed collector 1-2 entry 2005 ; noticed collector 20-21 entry 2010 ; noticed other 40-41 category abuse"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("any(entry 2005)", TRUE),
        ("any(entry 2006 to 2010)", TRUE),
        ("any(entry 2006 to 2009)", FALSE),
        ("any(category threat)", TRUE),
        ("other any(category threat)", FALSE),
        ("any(category abuse)", TRUE),
        ("any(category privacy)", FALSE),
        ("any(马上还钱 / category abuse)", TRUE),
        ("repeated 2 times (category threat)", TRUE),
        ("repeated 2 times in 20 s (category threat)", TRUE),  # 19 s from beginning to beginning
        ("repeated 2 times in 18 s (category threat)", FALSE),
        ("repeated 3 times (category threat)", FALSE),
        ("repeated 3 times (category threat / category abuse)", TRUE),
        ("repeated 2 times (entry 2005 / category threat) before any(category abuse)", TRUE),
        ("repeated 2 times (category threat) within 25 s before any(category abuse)", FALSE),
    ],
)
def test_sightings_when_judged_then(condition: str, expected: Truth) -> None:
    assert truth(condition, call(f"written ; {NOTICED}")) is expected


def test_repetition_when_sightings_overlap_then_they_count_once() -> None:
    twice = call("written ; noticed collector 1-3 category threat ; noticed collector 2-4 entry 2001")
    assert truth("repeated 2 times (category threat)", twice) is FALSE


def test_repetition_when_one_speaker_is_unknown_then_it_is_unknown() -> None:
    heard = call("written ; noticed collector 1-3 category threat ; noticed unknown 5-6 category threat")
    assert truth("collector repeated 2 times (category threat)", heard) is UNKNOWN


STORY = (
    "written ; collector 0-0 苹果香蕉 ; other 10-10 桌子椅子 ; "
    "collector 20-20 苹果香蕉 ; collector 100-100 电影音乐"
)
"""A at 0 and 20, B at 10, C at 100."""


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("any(苹果香蕉) before any(桌子椅子)", TRUE),
        ("any(苹果香蕉) after any(桌子椅子)", TRUE),
        ("any(电影音乐) before any(桌子椅子)", FALSE),
        ("any(桌子椅子) after any(电影音乐)", FALSE),
        ("any(桌子椅子) before any(苹果香蕉)", FALSE),  # before its first
        ("any(桌子椅子) within 15 s before any(苹果香蕉)", TRUE),  # before any of them
        ("any(桌子椅子) within 5 s before any(苹果香蕉)", FALSE),
        ("any(电影音乐) within 30 s after any(苹果香蕉)", FALSE),
        ("any(电影音乐) within 80 s after any(苹果香蕉)", TRUE),
        ("any(桌子椅子) within 9 s of any(苹果香蕉)", FALSE),
        ("any(桌子椅子) within 10 s of any(苹果香蕉)", TRUE),
        ("any(苹果香蕉) within 10 s of any(桌子椅子)", TRUE),
        ("any(电影音乐) after (any(桌子椅子) after any(苹果香蕉))", TRUE),
        ("any(电影音乐) after (any(苹果香蕉) after any(电影音乐))", FALSE),
        ("any(苹果香蕉) after any(桌子椅子) before any(电影音乐)", TRUE),
        ("any(苹果香蕉) after (any(电影音乐) or any(桌子椅子))", TRUE),
        ("any(苹果香蕉) before (any(电影音乐) and any(桌子椅子))", TRUE),
        ("all(苹果香蕉 / 电影音乐) after any(桌子椅子)", TRUE),
        ("all(苹果香蕉 / 电影音乐) before any(桌子椅子)", FALSE),
        ("none(电影音乐) before any(桌子椅子)", TRUE),
        ("none(苹果香蕉) before any(桌子椅子)", FALSE),
        ("none(苹果香蕉) before any(篮球足球)", FALSE),  # there is no such moment
        ("not any(苹果香蕉) before any(篮球足球)", TRUE),
        ("similar 75% (苹果香蕉) after any(桌子椅子)", TRUE),
    ],
)
def test_anchors_when_judged_then(condition: str, expected: Truth) -> None:
    assert truth(condition, call(STORY)) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("any(苹果香蕉) after collector any(桌子椅子)", UNKNOWN),  # it may have been he
        ("any(苹果香蕉) before collector any(桌子椅子)", UNKNOWN),
        ("any(电影音乐) before collector any(桌子椅子)", FALSE),
        ("none(电影音乐) after collector any(桌子椅子)", UNKNOWN),
        ("none(篮球足球) after collector any(桌子椅子)", UNKNOWN),
        ("collector any(桌子椅子) after any(苹果香蕉)", UNKNOWN),
        ("any(苹果香蕉) after (any(桌子椅子) and emotion angry above 50%)", UNKNOWN),
        ("any(苹果香蕉) after (any(桌子椅子) or collector any(桌子椅子))", TRUE),
    ],
)
def test_anchors_when_it_is_not_known_who_spoke_then(condition: str, expected: Truth) -> None:
    unknown = call(STORY.replace("other", "unknown"))
    assert truth(condition, unknown) is expected


@pytest.mark.parametrize("later", ["不要再打", "桌子椅子"])  # heard after it, not heard at all
def test_anchors_when_the_other_side_was_not_understood_then_it_may_have_said_it_before(later: str) -> None:
    condition = f"collector any(方便还款) after other any({later})"
    assert [truth(condition, call(f"{scenes}{TALK}")) for scenes in ("", "unclear other ; ")] == [
        FALSE,
        UNKNOWN,
    ]


def test_before_when_an_earlier_hit_is_possible_then_it_is_not_sure_what_came_first() -> None:
    story = "written ; unknown 5-5 苹果香蕉 ; other 10-10 桌子椅子 ; collector 20-20 苹果香蕉"
    assert truth("other any(桌子椅子) before collector any(苹果香蕉)", call(story)) is UNKNOWN


def test_message_when_it_holds_both_then_their_order_in_it_counts() -> None:
    message = call("written ; collector 7-7 苹果香蕉然后桌子椅子")
    assert [
        truth(condition, message)
        for condition in ("any(苹果香蕉) before any(桌子椅子)", "any(苹果香蕉) after any(桌子椅子)")
    ] == [TRUE, FALSE]


def test_finding_when_a_phrase_is_found_then_everything_about_it_is_told() -> None:
    noticed = found("collector any(方便还款)", call(TALK))[0]
    assert (
        noticed.rule,
        noticed.technique,
        noticed.role,
        noticed.phrase,
        noticed.entry,
        noticed.confidence,
    ) == (
        1,
        Technique.RULE,
        Role.COLLECTOR,
        "一条规则",
        0,
        95,
    )
    assert 5.0 < noticed.start < noticed.end < 10.0


def test_finding_when_tokens_have_times_then_it_lies_there_and_is_no_surer_than_they_are() -> None:
    tokens = tuple(Token(c, "x", 2.0 + n, 2.5 + n, 0.5) for n, c in enumerate("你好方便还款"))
    said = (Utterance("你好方便还款", Role.COLLECTOR, 0, 30, 1.0, (Token("外", "wai", 0, 1, 1), *tokens)),)
    noticed = found("any(方便还款)", replace(call(TALK), utterances=said))[0]
    assert (noticed.start, noticed.end, noticed.confidence) == (4.0, 7.5, round(95 * 0.5))


def test_finding_when_several_hits_fit_then_it_lies_at_the_surest() -> None:
    heard = replace(
        call(TALK),
        noticed=tuple(
            notice_given(9001, role=Role.COLLECTOR, start=start, end=start + 1, confidence=confidence)
            for start, confidence in ((1, 40), (5, 70), (9, 70))
        ),
    )
    assert [(n.start, n.confidence) for n in found("any(entry 9001)", heard)] == [(5, 70)]


def test_finding_when_it_rests_on_several_things_then_it_is_as_sure_as_the_least() -> None:
    condition = "any(方便还款) and similar 60% (方便付款吧) and none(马上还钱)"
    assert [(n.confidence, n.technique) for n in found(condition, call(TALK))] == [(48, Technique.RULE)]


def test_finding_when_one_of_two_is_enough_then_it_is_as_sure_as_the_surer() -> None:
    assert found("similar 60% (方便付款吧) or any(方便还款)", call(TALK))[0].confidence == 95


def test_finding_when_anchored_then_it_is_no_surer_than_its_anchor() -> None:
    heard = "written ; collector 0-0 芳便还款 ; collector 5-5 什么时候"
    sure, anchored = (
        found(c, call(heard))[0] for c in ("any(什么时候)", "any(什么时候) after any(方便还款)")
    )
    assert (sure.confidence, anchored.confidence < 80) == (95, True)


VETO = "1 | threat | veto | 一条规则 | a rule\n  when: {}\n"


@pytest.mark.parametrize(
    ("condition", "severity"),
    [
        ("any(方便还款)", Severity.VETO),
        ("any(芳便还款)", Severity.SERIOUS),
        ("similar 80% (方便还款)", Severity.SERIOUS),
        ("any(芳便还款 / 什么时候)", Severity.VETO),  # one that is written is enough
        ("any(芳便还款) or any(什么时候)", Severity.VETO),
        ("any(芳便还款) and any(什么时候)", Severity.SERIOUS),
        ("any(什么时候) after any(芳便还款)", Severity.SERIOUS),
        ("none(马上还钱) after any(芳便还款)", Severity.SERIOUS),
        ("repeated 2 times (芳便还款 / 什么时候)", Severity.SERIOUS),
    ],
)
def test_severity_when_words_only_sound_alike_then_there_is_no_veto(
    condition: str, severity: Severity
) -> None:
    rules = compile_rules(parse_rules(HEAD + VETO.format(condition), name="veto.rules"))
    assert [n.severity for n in evaluate(rules, call(TALK))] == [severity]


def test_severity_when_the_lexicon_found_it_by_sound_then_there_is_no_veto() -> None:
    rules = compile_rules(parse_rules(HEAD + VETO.format("any(entry 9001)"), name="veto.rules"))
    given = notice_given(9001, role=Role.COLLECTOR, start=1, end=2, confidence=80)
    heard = [replace(call(TALK), noticed=(replace(given, technique=t),)) for t in list(Technique)[:2]]
    assert [evaluate(rules, h)[0].severity for h in heard] == [Severity.VETO, Severity.SERIOUS]


def test_absence_when_claimed_then_it_lies_at_the_end_and_is_an_absence() -> None:
    noticed = found("collector none(马上还钱)", call(TALK))[0]
    assert (noticed.start, noticed.technique, noticed.role, noticed.confidence) == (
        30.0,
        Technique.ABSENCE,
        Role.COLLECTOR,
        48,
    )


def test_absence_when_sides_are_mixed_then_nobody_is_named() -> None:
    assert found("collector none(马上还钱)", call(f"mixed ; {TALK}"))[0].role is Role.UNKNOWN


def test_absence_when_anchored_then_it_lies_where_it_was_due() -> None:
    noticed = found("collector none(核对身份) before other any(不要再打)", call(TALK))[0]
    assert (10 < noticed.start < 20, noticed.technique, noticed.role) == (
        True,
        Technique.ABSENCE,
        Role.COLLECTOR,
    )


def test_absence_when_a_part_of_the_recording_is_missing_then_it_is_unknown() -> None:
    assert truth("collector none(马上还钱)", replace(call(TALK), whole=False)) is UNKNOWN


def test_findings_when_rules_fire_then_they_are_in_order_of_time() -> None:
    starts = [n.start for n in found("any(不要再打)", call(TALK)) + found("any(方便还款)", call(TALK))]
    assert starts == sorted(starts, reverse=True)
