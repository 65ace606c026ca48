"""Who speaks in a call of one channel: told by the voiceprint, smoothed over turns, unknown where it is not sure."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from compline_edge.core.speaker_roles import (
    BadSpeakerCalibration,
    Window,
    parse_speaker_calibration,
    probabilities,
    role_of,
    roles,
)
from compline_edge.core.voiceprint import Vector, Voiceprint
from compline_shared.taxonomy import Role
from tests.speakers import CALIBRATION, VOICE, voice

COLLECTOR, OTHER, UNKNOWN = Role.COLLECTOR, Role.OTHER, Role.UNKNOWN


def mixture(ours: float) -> Vector:
    """A window in which the collector's voice is found so far, as a cosine."""
    return np.asarray(ours * voice(0) + np.sqrt(1 - ours**2) * voice(1), dtype=np.float32)


def call(*cosines: float, share: float = 0.75, opens: bool = False) -> list[Window]:
    return [
        Window(place * 0.75, place * 0.75 + 1.5, share, opens or place == 0, mixture(cosine))
        for place, cosine in enumerate(cosines)
    ]


def test_roles_when_both_voices_are_plain_then_each_has_its_own() -> None:
    assert roles(call(*[1.0] * 4, *[0.0] * 4), VOICE, CALIBRATION) == [COLLECTOR] * 4 + [OTHER] * 4


def test_roles_when_the_collector_was_hardly_heard_then_nobody_is_told_to_be_the_other_side() -> None:
    assert roles(call(*[1.0] * 3, *[0.0] * 4), VOICE, CALIBRATION) == [COLLECTOR] * 3 + [UNKNOWN] * 4


def test_roles_when_there_is_no_speech_then_there_are_none() -> None:
    assert roles([], VOICE, CALIBRATION) == []


def test_roles_when_a_voice_is_between_the_two_then_it_is_unknown() -> None:
    assert roles(call(0.5, 0.5), VOICE, CALIBRATION) == [UNKNOWN, UNKNOWN]


def test_roles_when_one_window_of_a_turn_is_doubtful_then_its_neighbours_decide() -> None:
    assert roles(call(1.0, 1.0, 0.5, 1.0, 1.0), VOICE, CALIBRATION) == [COLLECTOR] * 5


def test_roles_when_a_doubtful_window_is_a_stretch_of_its_own_then_its_neighbours_do_not_decide() -> None:
    alone = call(1.0, 1.0, 0.5, 1.0, 1.0, opens=True)
    assert roles(alone, VOICE, CALIBRATION)[2] is UNKNOWN


def test_roles_when_a_window_is_short_then_it_says_less() -> None:
    whole, short = (probabilities(call(0.6, share=share), VOICE, CALIBRATION)[0] for share in (1.5, 0.3))
    assert whole > short > 0.5


def test_roles_when_the_call_has_shown_both_voices_then_a_noisy_window_is_no_longer_doubtful() -> None:
    """It is far from both voices, and much farther from the other side's."""
    noisy = np.asarray(0.54 * voice(0) + np.sqrt(1 - 0.54**2) * voice(2), dtype=np.float32)
    known = call(*[0.95] * 14, *[0.0] * 14)
    doubtful = Window(40.0, 41.5, 1.5, opens=True, vector=noisy)
    alone = roles([doubtful], VOICE, CALIBRATION)
    within = roles([*known, doubtful], VOICE, CALIBRATION)
    assert (alone, within[-1]) == ([UNKNOWN], COLLECTOR)


def test_roles_when_only_the_collector_speaks_then_no_second_voice_is_made_up() -> None:
    assert roles(call(*[0.9, 0.8] * 20), VOICE, CALIBRATION) == [COLLECTOR] * 40


@pytest.mark.parametrize(
    ("chance", "role"), [(0.9, COLLECTOR), (0.899, UNKNOWN), (0.101, UNKNOWN), (0.1, OTHER), (0.0, OTHER)]
)
def test_role_of_when_a_probability_is_at_a_point_then_the_role_is_told(chance: float, role: Role) -> None:
    assert role_of(chance, CALIBRATION) is role


def test_roles_when_another_voice_is_enrolled_then_the_roles_are_turned() -> None:
    """Control: it is the voiceprint that decides."""
    other = Voiceprint(model=1, seconds=60.0, vector=voice(1))
    assert roles(call(*[1.0] * 4, *[0.0] * 4), other, CALIBRATION) == [OTHER] * 4 + [COLLECTOR] * 4


@pytest.mark.parametrize(
    "change",
    [{"collector": 0.4}, {"other": 0.6}, {"slope": 0.0}, {"switch_inside": 0.0}, {"contrast_slope": -1.0}],
)
def test_calibration_when_its_points_make_no_sense_then_it_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(BadSpeakerCalibration):
        parse_speaker_calibration(msgspec.json.encode(msgspec.structs.replace(CALIBRATION, **change)))


def test_calibration_when_whole_then_it_is_read() -> None:
    assert parse_speaker_calibration(msgspec.json.encode(CALIBRATION)) == CALIBRATION


def test_calibration_when_it_is_no_json_then_it_is_refused() -> None:
    with pytest.raises(BadSpeakerCalibration):
        parse_speaker_calibration(b"{")
