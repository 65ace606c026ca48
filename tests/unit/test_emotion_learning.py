"""What judges of feelings are learnt from: never the speaker who is tried."""

from __future__ import annotations

import numpy as np
import pytest
from models.emotion.judge import Judge, learn, lesson
from models.emotion.speakers import ENROLLED, NEUTRAL, Measure, Voices, enrolment, measured, recall, taught

from compline_edge.core.emotions import FEELINGS
from compline_edge.senses.voice_model import VOICE

SPEAKERS, CLIPS = 3, 80
SHIFT = 25.0
"""How far speakers lie apart, in deviations within a feeling."""


@pytest.fixture(scope="module")
def voices() -> Voices:
    """Three speakers far apart whose feelings move the same numbers the same way."""
    chance = np.random.default_rng(5)
    feeling = np.tile(np.repeat(np.arange(len(FEELINGS)), CLIPS), SPEAKERS)
    speaker = np.repeat(np.arange(SPEAKERS), len(FEELINGS) * CLIPS)
    rows = chance.standard_normal((len(feeling), VOICE))
    rows[np.arange(len(feeling)), 10 + feeling] += 6.0
    rows += SHIFT * chance.standard_normal((SPEAKERS, VOICE))[speaker]
    sentence = np.tile(np.arange(CLIPS), SPEAKERS * len(FEELINGS))
    return Voices(np.array([f"s{n}" for n in speaker]), feeling, sentence, {"clean": rows})


def _unseen(voices: Voices, by: Measure) -> float:
    own = voices.speaker == "s0"
    judge: Judge = taught(voices, ~own, by=by)
    heard, _ = measured(voices, voices.described["clean"], own, by=by)
    return recall(voices.feeling[own], judge.logits(heard).argmax(axis=1))


def test_trial_when_a_speaker_is_far_from_the_others_then_his_own_calm_is_what_helps(voices: Voices) -> None:
    assert _unseen(voices, Measure.ENROLLED) > 0.95
    assert _unseen(voices, Measure.ALONE) < 0.6


def test_enrolment_when_drawn_then_ten_neutral_clips_of_that_speaker(voices: Voices) -> None:
    own = voices.speaker == "s1"
    ten = enrolment(voices, own, seed=3)
    assert len(set(ten.tolist())) == ENROLLED
    assert own[ten].all()
    assert set(voices.feeling[ten].tolist()) == {NEUTRAL}
    assert (enrolment(voices, own, seed=3) == ten).all()


def test_taught_when_a_speaker_is_outside_then_his_clips_change_nothing(voices: Voices) -> None:
    own = voices.speaker == "s2"
    rows = voices.described["clean"].copy()
    rows[own] = 1e6
    spoilt = Voices(voices.speaker, voices.feeling, voices.sentence, {"clean": rows})
    one, other = (taught(each, ~own, by=Measure.ENROLLED) for each in (voices, spoilt))
    assert np.array_equal(one.weight, other.weight)
    inside = taught(spoilt, np.ones(len(own), dtype=np.bool_), by=Measure.ALONE)
    assert not np.array_equal(inside.weight, one.weight)


def test_lesson_when_a_number_never_changes_then_it_has_no_say() -> None:
    rows = np.random.default_rng(2).standard_normal((120, VOICE))
    rows[:, 0] = 4.0
    judge = learn(lesson(rows, np.arange(120) % len(FEELINGS)))
    moved = rows.copy()
    moved[:, 0] = -900.0
    assert np.allclose(judge.logits(rows), judge.logits(moved))
