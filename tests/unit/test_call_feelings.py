"""Anger in a call's voices: told of the collector alone, over time, and only where his speech was understood."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compline_edge.core.judgement import Observed
from compline_edge.ports import VoiceModel
from compline_shared.taxonomy import Category, Role, Severity
from tests.spoken import ByLoudness, Script, ScriptReader
from tests.unit.test_call_listener import TALK, listener

LONG: Script = dict.fromkeys(range(20), "今天天气")
ANSWER: Script = dict.fromkeys(range(20, 40), "今天天气")
"""Speech that a model which takes loud for angry finds angry throughout."""


def _observed(
    *scripts: Script, voices: VoiceModel | None, seconds: int = 40, confidence: float = 0.9
) -> Observed:
    listening = replace(listener(*scripts, confidence=confidence), feelings=voices)
    return listening.listen(ScriptReader(scripts, seconds)).observed


def _anger(observed: Observed) -> list[tuple[Role, Severity]]:
    return [(n.role, n.severity) for n in observed.noticed if n.category is Category.ANGER]


def test_call_when_the_collector_is_angry_then_it_is_found_and_told_in_tenths() -> None:
    observed = _observed(LONG, ANSWER, voices=ByLoudness())
    assert _anger(observed) == [(Role.COLLECTOR, Severity.WARNING)]
    assert observed.voice is not None
    assert (observed.voice.angry, observed.voice.overlap) == (10, 0)


def test_call_when_there_is_no_model_then_nothing_is_told() -> None:
    observed = _observed(LONG, ANSWER, voices=None)
    assert _anger(observed) == []
    assert observed.voice is not None
    assert (observed.voice.angry, observed.voice.overlap) == (None, 0)


def test_call_when_the_other_side_is_angry_then_nobody_listens_for_it() -> None:
    model = ByLoudness()
    observed = _observed(dict.fromkeys(range(3), "您好"), ANSWER, voices=model)
    assert _anger(observed) == []
    assert sum(model.lengths) <= 3 * 16_000


def test_call_when_both_sides_are_in_one_channel_then_nobody_is_called_angry() -> None:
    observed = _observed(LONG, voices=ByLoudness())
    assert _anger(observed) == []
    assert observed.voice is not None
    assert (observed.voice.angry, observed.voice.overlap) == (None, None)


def test_call_when_the_collector_was_not_understood_then_his_anger_is_not_told() -> None:
    observed = _observed(LONG, ANSWER, voices=ByLoudness(), confidence=0.3)
    assert _anger(observed) == []
    assert observed.voice is not None
    assert observed.voice.angry is None


@pytest.mark.parametrize(("seconds", "tenths"), [(9, None), (12, 10)])
def test_call_when_little_was_said_then_anger_is_not_told(seconds: int, tenths: int | None) -> None:
    observed = _observed(dict.fromkeys(range(seconds), "今天天气"), ANSWER, voices=ByLoudness())
    assert observed.voice is not None
    assert observed.voice.angry == tenths


def test_call_when_both_speak_all_the_time_then_all_of_it_is_overlap() -> None:
    observed = _observed(LONG, LONG, voices=None)
    assert observed.voice is not None
    assert observed.voice.overlap == 10


def test_call_when_it_is_short_then_overlap_is_not_told() -> None:
    observed = _observed(dict.fromkeys(range(9), "今天"), TALK, voices=None)
    assert observed.voice is not None
    assert observed.voice.overlap is None
