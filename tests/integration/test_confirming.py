"""Sightings weighed by the shipped text classifier: the same sounds in lawful words and in a threat."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline_edge.confirming import Confirming
from compline_edge.core.noticed import Noticed
from compline_edge.core.speech import Token, Utterance
from compline_edge.core.spotter import Spotted
from compline_edge.core.syllables import SYLLABLES, reading
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.reading import TextReader
from compline_edge.senses.model_store import ModelStore
from compline_shared.taxonomy import Category, Role, Severity, Technique

READER = TextReader(TextMatcher(()), ModelStore([Path("models")]).text_classifier())


def confidence(text: str, reader: TextReader, category: Category = Category.THREAT) -> int:
    """Confidence of a match that is 93 % sure by itself, in the middle of `text` as the collector's utterance."""
    tokens = tuple(
        Token(char, SYLLABLES[reading(char)], 0.2 * at, 0.2 * at + 0.2, 0.9) for at, char in enumerate(text)
    )
    said = Utterance(text, Role.COLLECTOR, 0.0, 0.2 * len(text), 0.9, tokens)
    middle = 0.1 * len(text)
    confirming = Confirming(reader, ModelStore([Path("models")]).thresholds().meaning)
    found = Noticed(
        category=category,
        severity=Severity.SERIOUS,
        confidence=93,
        role=Role.COLLECTOR,
        technique=Technique.LEXICON_AUDIO,
        entry=1,
        phrase="",
    )
    spotted = Spotted(
        entry=1,
        start=middle - 0.4,
        end=middle + 0.4,
        score=1.6,
        confidence=93,
        said=tuple("找人收拾"),
        odds=2.6,
    )
    confirming.wait(spotted, found)
    (weighed,) = confirming.settle([said], read=99.0, now=99.0)
    return weighed.confidence


def test_confirming_when_the_words_around_are_lawful_then_the_sighting_loses_and_a_threat_keeps_it() -> None:
    lawful = confidence("您好我们这边会安排专人整理您的资料请您留意短信通知", READER)
    threat = confidence("再不还钱我就找人收拾你打断你的腿你给我等着", READER)
    assert lawful < 93 < threat


def test_confirming_when_there_is_no_classifier_then_the_margin_alone_counts() -> None:
    alone = TextReader(TextMatcher(()))
    assert confidence("您好我们这边会安排专人整理您的资料", alone) == 93


def test_probability_when_the_classifier_does_not_tell_the_category_then_there_is_none() -> None:
    assert READER.probability("您好我们这边会安排专人", Role.COLLECTOR, Category.ANGER) is None
    found = READER.probability("再不还钱就打断你的腿", Role.COLLECTOR, Category.THREAT)
    assert found == pytest.approx(1.0, abs=0.4)
