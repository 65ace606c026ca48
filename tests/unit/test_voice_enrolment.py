"""Speech will do for a voiceprint if it is enough, clean and of one voice; else it is said what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from compline_edge.core.speaker_roles import Window
from compline_edge.core.voice_enrolment import Refusal, Refused, Spoken, enrolled
from compline_edge.core.voice_words import refusal
from compline_edge.core.voiceprint import Vector, Voiceprint
from tests.speakers import CALIBRATION, voice

CHANCE = np.random.default_rng(3)


def near(place: int) -> Vector:
    """One voice as it varies from window to window."""
    varied = voice(place) + 0.2 * CHANCE.standard_normal(8).astype(np.float32)
    return np.asarray(varied / np.linalg.norm(varied), dtype=np.float32)


def spoken(
    voices: Sequence[int], *, share: float = 1.0, dynamic: float = 40.0, clipped: float = 0.0
) -> Spoken:
    windows = [Window(float(i), i + 1.5, share, i == 0, near(place)) for i, place in enumerate(voices)]
    return Spoken(windows, dynamic, clipped)


def tried(what: Spoken) -> Voiceprint | Refused:
    return enrolled(what, model=4, calibration=CALIBRATION)


def test_enrolment_when_a_minute_is_of_one_voice_then_the_print_is_near_it() -> None:
    found = tried(spoken([2] * 61))
    assert isinstance(found, Voiceprint)
    assert (found.model, found.seconds) == (4, 61.0)
    assert float(found.vector @ voice(2)) > 0.95


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (spoken([]), Refusal.SILENT),
        (spoken([2] * 59), Refusal.TOO_SHORT),
        (spoken([2] * 61, dynamic=8.0), Refusal.POOR_AUDIO),
        (spoken([2] * 61, clipped=0.02), Refusal.POOR_AUDIO),
        (spoken([2] * 45 + [3] * 16), Refusal.SEVERAL_VOICES),
        (spoken([2, 3] * 40), Refusal.SEVERAL_VOICES),
    ],
)
def test_enrolment_when_the_speech_will_not_do_then_it_says_why(what: Spoken, reason: Refusal) -> None:
    found = tried(what)
    assert isinstance(found, Refused)
    assert found.reason is reason


def test_enrolment_when_a_cough_is_of_nobody_then_it_is_still_one_voice() -> None:
    assert isinstance(tried(spoken([2] * 60 + [5])), Voiceprint)


@pytest.mark.parametrize("reason", Refusal)
def test_refusal_when_told_then_it_stands_in_both_languages(reason: Refusal) -> None:
    chinese, english = refusal(Refused(reason, 41.6)).split("\n")
    assert any("\u4e00" <= char <= "\u9fff" for char in chinese)
    assert english.isascii()


def test_refusal_when_there_is_too_little_then_it_says_how_much_more() -> None:
    assert "41 s, 19 s more" in refusal(Refused(Refusal.TOO_SHORT, 41.6))
