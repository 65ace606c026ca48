"""How sightings are weighed by what was read at their place, and the path that says which spelling was heard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compline_edge.confirming import Confirming
from compline_edge.core.confirmation import UNCONFIRMED, apart, confirmed, read_between
from compline_edge.core.noticed import Noticed
from compline_edge.core.phrase_lattice import build
from compline_edge.core.phrase_path import best_path
from compline_edge.core.phrase_scorer import PhraseScorer
from compline_edge.core.speech import Token, Utterance
from compline_edge.core.spotter import Spotted
from compline_edge.core.spotter_thresholds import Thresholds
from compline_edge.core.syllables import INDEX, SYLLABLES, reading
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.reading import TextReader
from compline_shared.taxonomy import Category, Role, Severity, Technique
from compline_shared.template import Choice, Gap

THRESHOLDS = Thresholds(
    model="by hand", base=-2.0, syllable=1.0, rarity=0.0, gap=0.5, context=1.5, silence=0.0, floor=16.0,
    fuzzy=0.1, other_reading=0.1, slope=1.0, centre=0.0, commonness={},
)  # fmt: skip


def sounds(text: str) -> list[int]:
    """Usual readings."""
    return [reading(character) for character in text]


def sighting(confidence: int = 90) -> Noticed:
    """A threat that was spotted."""
    return Noticed(
        category=Category.THREAT,
        severity=Severity.SERIOUS,
        confidence=confidence,
        role=Role.COLLECTOR,
        technique=Technique.LEXICON_AUDIO,
        entry=2001,
        phrase="去你家",
        start=1.0,
        end=2.0,
    )


def utterance(text: str, *, start: float) -> Utterance:
    """Characters that take 0.2 s each."""
    tokens = tuple(
        Token(char, SYLLABLES[reading(char)], start + 0.2 * at, start + 0.2 * at + 0.2, 0.9)
        for at, char in enumerate(text)
    )
    return Utterance(text, Role.COLLECTOR, start, start + 0.2 * len(text), 0.9, tokens)


def rows_of(text: str) -> np.ndarray:
    """Log-probabilities of somebody who says `text`, `_` is blank."""
    table = np.full((len(text), len(SYLLABLES)), 1e-4)
    for step, character in enumerate(text):
        table[step, 0 if character == "_" else INDEX.get(character, 0) or reading(character)] = 0.9
    return np.asarray(np.log(table), dtype=np.float32)


@pytest.mark.parametrize(
    ("phrase", "read", "distance"),
    [
        ("去你单位", "我要去你单位找你", 0.0),
        ("去你单位", "我要去尼丹味", 0.0),  # the same sounds
        ("去你单位", "去你位", 0.25),
        ("去你单位", "去你的单位", 0.25),
        ("去你单位", "今天下午", 1.0),
        ("去你单位", "", 1.0),
    ],
)
def test_apart_when_a_reading_is_given_then_it_costs_what_differs(
    phrase: str, read: str, distance: float
) -> None:
    assert apart(phrase, sounds(read)) == pytest.approx(distance)


def test_apart_when_a_syllable_is_confused_as_people_do_then_it_costs_less_than_another() -> None:
    assert 0 < apart("上门", sounds("桑门")) < apart("上门", sounds("东门"))


def test_apart_when_the_spelling_has_a_gap_then_any_syllable_fills_it() -> None:
    assert apart(("去", "", "单"), sounds("去他单")) == 0.0


@given(
    st.lists(st.sampled_from("去你单位找领导法院"), min_size=1, max_size=8),
    st.lists(st.integers(1, 409), max_size=12),
)
def test_apart_when_anything_is_read_then_it_lies_between_nothing_and_all(
    said: list[str], read: list[int]
) -> None:
    assert 0.0 <= apart(said, read) <= 1.0
    assert apart(said, [*read, *sounds("".join(said))]) == 0.0


def test_confirmed_when_the_words_around_are_lawful_then_it_is_less_sure() -> None:
    lawful, alike, grave = (
        confirmed(sighting(), odds=1.0, syllables=5, distance=0.0, meant=meant).confidence
        for meant in (-3.0, None, 3.0)
    )
    assert lawful < alike < grave


@given(st.floats(0, 12), st.floats(-9, 9))
def test_confirmed_when_words_around_had_a_say_then_the_confidence_goes_in_steps(
    odds: float, meant: float
) -> None:
    found = confirmed(sighting(), odds=odds, syllables=5, distance=0.5, meant=meant).confidence
    assert found in {*range(10, 100, 10), 95}
    alone = confirmed(sighting(), odds=odds, syllables=5, distance=0.5, meant=None).confidence
    assert 50 <= alone <= 99


def test_confirmed_when_a_short_phrase_is_not_read_then_it_is_a_notice_that_no_rule_rests_on() -> None:
    short = confirmed(sighting(), odds=9.0, syllables=3, distance=0.5, meant=None)
    assert (short.severity, short.confidence) == (Severity.NOTICE, UNCONFIRMED)
    long = confirmed(sighting(), odds=9.0, syllables=4, distance=0.5, meant=None)
    assert long.severity is Severity.SERIOUS  # the control


@pytest.mark.parametrize(("distance", "meant"), [(0.1, None), (0.5, 2.0)])
def test_confirmed_when_a_short_phrase_is_read_or_meant_then_it_stands(
    distance: float, meant: float | None
) -> None:
    found = confirmed(sighting(), odds=9.0, syllables=3, distance=distance, meant=meant)
    assert found.severity is Severity.SERIOUS
    assert found.confidence > UNCONFIRMED


def test_read_between_when_an_utterance_is_longer_then_only_what_lies_there_counts() -> None:
    said = [utterance("今天下午我去你单位", start=0.0)]
    assert read_between(said, since=1.25, until=1.6) == sounds("去你单位")


def spotted(**other: object) -> Spotted:
    """A match at 1.0 to 1.6 s."""
    known = Spotted(entry=2001, start=1.0, end=1.6, score=2.0, confidence=90, said=tuple("去你家"), odds=2.0)
    return replace(known, **other)  # type: ignore[arg-type]


def test_confirming_when_the_utterance_is_still_open_then_the_sighting_waits() -> None:
    confirming = Confirming(TextReader(TextMatcher(())))
    confirming.wait(spotted(), sighting())
    assert confirming.settle([], read=1.2, now=9.0) == []
    (found,) = confirming.settle([utterance("我要去你家里", start=0.6)], read=1.8, now=9.0)
    assert found.confidence == round(100 / (1 + np.exp(-2.0)))
    assert confirming.settle([], read=99.0, now=99.0) == []


def test_confirming_when_a_call_runs_then_it_waits_no_longer_than_its_patience() -> None:
    confirming = Confirming(TextReader(TextMatcher(())), patience=1.5)
    confirming.wait(spotted(read=tuple(sounds("去你家"))), sighting())
    confirming.wait(spotted(read=tuple(sounds("今天下午"))), sighting())
    assert confirming.settle([], read=0.5, now=3.0) == []
    read, other = confirming.settle([], read=0.5, now=3.2)
    assert (read.confidence, read.severity) == (88, Severity.SERIOUS)
    assert (other.confidence, other.severity) == (UNCONFIRMED, Severity.NOTICE)


def test_path_when_a_template_has_slots_and_a_gap_then_it_says_which_spelling_and_when() -> None:
    pieces = (Choice(("去", "到")), Gap(2), Choice(("家里", "单位")))
    lattice = build([pieces])
    allowances = [THRESHOLDS.allowance(character) for character in lattice.characters]
    scorer = PhraseScorer(lattice, THRESHOLDS, base=-2.0, allowances=allowances)
    emissions = scorer.emissions(rows_of("__我_到_你_单_位"))
    found = best_path(lattice, emissions, base=-2.0, allowances=np.array(allowances), gap=0.5)
    assert found is not None
    assert [(one.character, one.first, one.last) for one in found.passed] == [
        ("到", 4, 4),
        ("", 6, 6),
        ("单", 8, 8),
        ("位", 10, 10),
    ]
    assert max(one.lost for one in found.passed) < 0.2
    assert found.margin == pytest.approx(float(scorer.feed(emissions)[-1].margin), abs=0.01)


def test_path_when_a_syllable_is_missing_then_its_character_lost_most() -> None:
    lattice = build([(Choice(("去你单位",)),)])
    allowances = [THRESHOLDS.allowance(character) for character in lattice.characters]
    scorer = PhraseScorer(lattice, THRESHOLDS, base=-2.0, allowances=allowances)
    emissions = scorer.emissions(rows_of("_去_你_东_位"))
    found = best_path(lattice, emissions, base=-2.0, allowances=np.array(allowances), gap=0.5)
    assert found is not None
    assert max(found.passed, key=lambda one: one.lost).character == "单"


def test_path_when_there_are_no_steps_then_there_is_none() -> None:
    lattice = build([(Choice(("去你单位",)),)])
    scorer = PhraseScorer(lattice, THRESHOLDS, base=0.0, allowances=[1.0] * 4)
    nothing = scorer.emissions(np.zeros((0, len(SYLLABLES)), dtype=np.float32))
    assert best_path(lattice, nothing, base=0.0, allowances=np.ones(4), gap=0.5) is None


@given(st.text("去你单位家里我_", min_size=1, max_size=14))
def test_path_when_anything_is_said_then_its_margin_is_the_scorers(text: str) -> None:
    pieces = (Choice(("去", "到")), Gap(1), Choice(("家里", "单位")))
    lattice = build([pieces])
    allowances = [THRESHOLDS.allowance(character) for character in lattice.characters]
    scorer = PhraseScorer(lattice, THRESHOLDS, base=60.0, allowances=allowances)
    emissions = scorer.emissions(rows_of(text))
    found = best_path(lattice, emissions, base=60.0, allowances=np.array(allowances), gap=0.5)
    matches = [one for one in scorer.feed(emissions) if one.step == len(text) - 1]
    if matches:
        assert found is not None
        assert found.margin == pytest.approx(matches[0].margin, abs=0.01)
        firsts = [one.first for one in found.passed]
        assert firsts == sorted(set(firsts))
