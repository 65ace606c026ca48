"""Rule packs under arbitrary input: named errors only, nothing lost in writing, sound three-valued judging."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import assert_never

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compline_edge.core.anchors import narrowed
from compline_edge.core.approximate import nearly
from compline_edge.core.disclosure import CLEAR_TEXT, ENOUGH_SPEECH, WIDE_BAND
from compline_edge.core.evidence import Evidence, Side
from compline_edge.core.notices import notice_given
from compline_edge.core.outcome import Hit, Outcome, Seen, Truth, both, either, opposite
from compline_edge.core.rule_examples import evidence_of
from compline_edge.core.rules import CompiledRules, compile_rules, evaluate
from compline_edge.core.speech import Utterance
from compline_shared.rule import (
    AllOf,
    Anchor,
    Anchored,
    And,
    AnyOf,
    Comparison,
    Condition,
    Duration,
    Emotion,
    Entries,
    Example,
    Feeling,
    Interruptions,
    Level,
    LongInterruption,
    Medium,
    NoneOf,
    Not,
    OfCategory,
    Or,
    Rate,
    Recording,
    Relation,
    RelativeLevel,
    Repeated,
    Rule,
    RulePack,
    Said,
    Saying,
    Scene,
    Silence,
    Similar,
    Test,
    Through,
    Wording,
    happens,
)
from compline_shared.rule_grammar import RULE_CATEGORIES
from compline_shared.rule_pack import parse_rules, read_rules
from compline_shared.taxonomy import Category, Role, Severity
from compline_shared.template import parse_template
from tests.rule_print import print_pack

BASE = Path(__file__).resolve().parents[2] / "models/rules/zh-CN/base.rules"
PHRASES = ("苹果香蕉", "桌子椅子", "电影音乐")
SLOTS = {"stop": ("别再打了", "不要再打")}

WORDINGS = tuple(Wording(text, parse_template(text, SLOTS)) for text in (*PHRASES, "{不要/别}再打", "<stop>"))
WHOS = (None, Role.COLLECTOR, Role.OTHER)
SAID = (AnyOf, AllOf, Repeated, Similar)
MEASURED = (Silence, Rate, Interruptions, LongInterruption)
LOUD = (Level, RelativeLevel)
ABSENT = (NoneOf,)
PLACELESS = (NoneOf, Emotion, Duration, Through)

seconds = st.integers(1, 9_999).map(lambda tenths: tenths / 10)


@st.composite
def sayings(draw: st.DrawFn) -> tuple[Saying, ...]:
    """Phrases, entries and categories, none twice."""
    found: dict[Saying, None] = {}
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(1, 65_535))
        choices: list[Saying] = [*WORDINGS, Entries(first, draw(st.integers(first, 65_535)))]
        choices.append(OfCategory(draw(st.sampled_from(sorted(RULE_CATEGORIES)))))
        found[draw(st.sampled_from(choices))] = None
    return tuple(found)


@st.composite
def some_test(draw: st.DrawFn, kinds: tuple[type[Test], ...]) -> Test:
    """A test of one of these kinds."""
    who, comparison = draw(st.sampled_from(WHOS)), draw(st.sampled_from(Comparison))
    within = draw(st.none() | seconds)
    lasting = draw(st.just(0.0) | seconds)
    kind = draw(st.sampled_from(kinds))
    if kind is AnyOf or kind is AllOf or kind is NoneOf:
        return kind(who, draw(sayings()))
    if kind is Repeated:
        return Repeated(who, draw(st.integers(2, 4)), within, draw(sayings()))
    if kind is Similar:
        return Similar(who, draw(st.integers(60, 100)), (draw(st.sampled_from(WORDINGS)),))
    if kind is Silence or kind is LongInterruption:
        return kind(who, draw(seconds))
    if kind is Rate:
        return Rate(who, comparison, draw(st.integers(1, 300)) / 10)
    if kind is Interruptions:
        return Interruptions(who, draw(st.integers(1, 5)), within)
    if kind is Level:
        return Level(who, comparison, draw(st.integers(-120, 0)), lasting)
    if kind is RelativeLevel:
        return RelativeLevel(who, comparison, draw(st.integers(1, 60)), lasting)
    if kind is Emotion:
        return Emotion(who, draw(st.sampled_from(Feeling)), draw(st.integers(0, 99)))
    if kind is Duration:
        return Duration(comparison, draw(seconds))
    return Through(draw(st.sampled_from(Medium)))


@st.composite
def anchored(draw: st.DrawFn, kinds: tuple[type[Test], ...], depth: int) -> Condition:
    """A test that happens, or none, in relation to something that happens."""
    placed = tuple(kind for kind in kinds if kind not in PLACELESS)
    anchors = []
    for _ in range(draw(st.integers(1, 2))):
        relation = draw(st.sampled_from(Relation))
        within = draw(seconds if relation is Relation.NEAR else st.none() | seconds)
        target: Condition = draw(some_test(placed))
        if depth:
            candidate = draw(conditions(kinds, depth - 1))
            target = candidate if happens(candidate) else target
        anchors.append(Anchor(relation, within, target))
    return Anchored(draw(some_test((*placed, NoneOf))), tuple(anchors))


@st.composite
def conditions(draw: st.DrawFn, kinds: tuple[type[Test], ...], depth: int = 2) -> Condition:
    """A condition over tests of these kinds."""
    shape = draw(st.sampled_from(["test", "anchored", "not", "and", "or"] if depth else ["test"]))
    match shape:
        case "test":
            return draw(some_test(kinds))
        case "anchored":
            return draw(anchored(kinds, depth - 1))
        case "not":
            return Not(draw(conditions(kinds, depth - 1)))
        case _:
            parts = tuple(draw(conditions(kinds, depth - 1)) for _ in range(draw(st.integers(2, 3))))
            return And(parts) if shape == "and" else Or(parts)


@st.composite
def dialogues(draw: st.DrawFn) -> tuple[Said, ...]:
    """Turns one behind the other, some with phrases."""
    said, start = [], 0.0
    for _ in range(draw(st.integers(1, 6))):
        role = draw(st.sampled_from([Role.COLLECTOR, Role.OTHER]))
        lasts, pause = draw(st.integers(1, 8)), draw(st.integers(0, 4))
        text = draw(st.sampled_from([*PHRASES, "别再打了", "嗯", "今天天气很好", "苹果相交桌子椅子"]))
        said.append(Said(role, start, start + lasts, text))
        start += lasts + pause
    return tuple(said)


def _pack(*conditions: Condition) -> RulePack:
    rules = tuple(
        Rule(number, Category.THREAT, Severity.NOTICE, "一条规则", "a rule", (condition,), (), number)
        for number, condition in enumerate(conditions, 1)
    )
    return RulePack("try", 1, "zh-CN", tuple(SLOTS.items()), rules, "try.rules")


def _truth(condition: Condition, evidence: Evidence) -> Truth:
    fired = {n.rule for n in evaluate(compile_rules(_pack(condition, Not(condition))), evidence)}
    return Truth.TRUE if 1 in fired else Truth.FALSE if 2 in fired else Truth.UNKNOWN


@cache
def _lines() -> tuple[str, ...]:
    return tuple(BASE.read_text("utf-8").splitlines())


@cache
def _shipped() -> CompiledRules:
    return compile_rules(parse_rules(BASE.read_text("utf-8"), name=BASE.name))


@given(st.data())
def test_reading_when_lines_are_spoilt_then_only_sentences_with_a_line_come_of_it(
    data: st.DataObject,
) -> None:
    lines = list(data.draw(st.lists(st.sampled_from(_lines()), max_size=20)))
    for place in data.draw(st.lists(st.integers(0, 19), max_size=6)):
        if place < len(lines) and lines[place]:
            at = data.draw(st.integers(0, len(lines[place])))
            cut = data.draw(st.integers(0, 3))
            put = data.draw(st.text("()/%;|@+- ~{}[]<>你1aany\u3000", max_size=3) | st.text(max_size=2))
            lines[place] = lines[place][:at] + put + lines[place][at + cut :]
    text = "\n".join(lines)
    _, problems = read_rules(text, name="p.rules")
    for problem in problems:
        named = re.match(r"p\.rules:(\d+): .", problem)
        assert named is not None
        assert 1 <= int(named[1]) <= max(1, len(text.splitlines()))


@given(st.text(max_size=200))
def test_reading_when_text_is_arbitrary_then_only_sentences_with_a_line_come_of_it(text: str) -> None:
    assert all(re.match(r"p\.rules:\d+: .", problem) for problem in read_rules(text, name="p.rules")[1])


@given(st.lists(conditions((*SAID, *MEASURED, *LOUD, *PLACELESS)), min_size=1, max_size=3))
def test_pack_when_written_and_read_again_then_it_is_the_same(conditions: list[Condition]) -> None:
    pack = _pack(*conditions)
    assert parse_rules(print_pack(pack), name="again.rules") == pack


outcomes = st.builds(
    Outcome,
    st.sampled_from(Truth),
    st.integers(0, 100),
    st.just(Seen()),
)


def _known(outcome: Outcome) -> tuple[Truth, int]:
    """Truth and confidence, of which an unknown outcome has none."""
    return outcome.truth, 0 if outcome.truth is Truth.UNKNOWN else outcome.confidence


@given(outcomes, outcomes, outcomes)
def test_and_or_not_when_joined_then_their_laws_hold(a: Outcome, b: Outcome, c: Outcome) -> None:
    assert _known(both([a, b])) == _known(both([b, a]))
    assert _known(either([a, b])) == _known(either([b, a]))
    assert _known(both([a, both([b, c])])) == _known(both([a, b, c]))
    assert _known(either([a, either([b, c])])) == _known(either([a, b, c]))
    assert _known(opposite(both([a, b]))) == _known(either([opposite(a), opposite(b)]))
    assert _known(opposite(opposite(a))) == _known(a)
    assert both([a, either([b, c])]).truth is either([both([a, b]), both([a, c])]).truth
    assert both([a, either([a, b])]).truth is a.truth
    assert both([a, opposite(a)]).truth is not Truth.TRUE


@settings(deadline=None)
@given(conditions((*SAID, *ABSENT)), dialogues(), st.integers(0, 60), st.integers(0, 9))
def test_silence_when_added_then_no_phrase_condition_changes(
    condition: Condition, said: tuple[Said, ...], start: int, lasts: int
) -> None:
    evidence = evidence_of(Example(True, said, 1))
    silent = Utterance("", Role.COLLECTOR, start, start + lasts, 1.0)
    more = replace(evidence, utterances=(*evidence.utterances, silent))
    rules = compile_rules(_pack(condition, Not(condition)))
    assert evaluate(rules, more) == evaluate(rules, evidence)


@settings(deadline=None)
@given(
    conditions((*SAID, *MEASURED, *ABSENT)), dialogues(), st.sampled_from([Recording.MIXED, Recording.NARROW])
)
def test_evidence_when_taken_away_then_nothing_true_becomes_false_or_the_other_way_round(
    condition: Condition, said: tuple[Said, ...], less: Recording
) -> None:
    scenes: tuple[Scene, ...] = (*said, less)
    whole = _truth(condition, evidence_of(Example(True, said, 1)))
    poor = _truth(condition, evidence_of(Example(True, scenes, 1)))
    assert Truth.UNKNOWN in {whole, poor} or whole is poor


@given(
    st.booleans(),
    st.floats(0, 20),
    st.floats(0, 1),
    st.sampled_from([8_000, 16_000, 44_100]),
    st.booleans(),
    st.booleans(),
    st.sets(st.sampled_from([9001, 9499, 9500, 9999]), max_size=2),
)
def test_shipped_absences_when_judged_then_both_are_claimed_only_where_the_limits_allow(
    apart: bool,
    speech: float,
    clarity: float,
    sample_rate: int,
    followed: bool,
    whole: bool,
    given_: set[int],
) -> None:
    role = Role.COLLECTOR if apart else Role.UNKNOWN
    notices = tuple(notice_given(n, role=role, start=0.0, end=1.0, confidence=50) for n in sorted(given_))
    evidence = Evidence(
        duration=60.0,
        noticed=notices,
        sides=(Side(role, speech, clarity, followed),),
        apart=apart,
        sample_rate=sample_rate,
        whole=whole,
    )
    enough = speech >= ENOUGH_SPEECH and clarity >= CLEAR_TEXT and sample_rate >= WIDE_BAND
    claimed = [n.rule for n in evaluate(_shipped(), evidence) if n.rule in (1, 2)]
    assert claimed == ([1, 2] if enough and followed and whole and not given_ else [])


hits = st.builds(
    lambda start, lasts, confidence: Hit(start, start + lasts, Role.OTHER, confidence),
    st.integers(0, 30),
    st.integers(0, 5),
    st.integers(0, 100),
)


@given(st.lists(hits, max_size=8).map(tuple), st.lists(hits, min_size=1, max_size=8).map(tuple), st.data())
def test_anchors_when_judged_then_as_by_trying_every_pair(
    seen: tuple[Hit, ...], targets: tuple[Hit, ...], data: st.DataObject
) -> None:
    relation = data.draw(st.sampled_from(Relation))
    within = data.draw(st.integers(0, 10) if relation is Relation.NEAR else st.none() | st.integers(0, 10))
    reach = 1_000 if within is None else within
    first = min(target.start for target in targets)

    def related(hit: Hit, target: Hit) -> bool:
        match relation:
            case Relation.BEFORE:
                return 0 <= target.start - hit.end <= reach and (within is not None or target.start == first)
            case Relation.AFTER:
                return 0 <= hit.start - target.end <= reach
            case Relation.NEAR:
                return target.start - hit.end <= reach and hit.start - target.end <= reach
        assert_never(relation)

    target = Outcome(Truth.TRUE, 90, Seen(targets))
    kept = narrowed(Seen(seen), Anchor(relation, within, AnyOf(None, ())), target)
    expected = [(h.start, h.end) for h in seen if any(related(h, target) for target in targets)]
    assert ([(h.start, h.end) for h in kept.hits], kept.possible) == (expected, ())


def _least(stream: str, key: str) -> list[int]:
    """Least edit distance of `key` from what ends at each place, by the usual table."""
    before, found = list(range(len(key) + 1)), []
    for char in stream:
        now = [0]
        for place, wanted in enumerate(key, 1):
            now.append(min(before[place - 1] + (wanted != char), before[place] + 1, now[-1] + 1))
        found.append(now[-1])
        before = now
    return found


@given(st.text("abc", max_size=40), st.text("abc", min_size=1, max_size=32), st.integers(0, 12))
def test_nearly_when_asked_then_as_by_the_usual_table(stream: str, key: str, most: int) -> None:
    assume(most < len(key))
    least = _least(stream, key)
    found = nearly(stream, key, most=most)
    assert bool(found) is any(errors <= most for errors in least)
    assert all(least[end - 1] == errors <= most for _, end, errors in found)
