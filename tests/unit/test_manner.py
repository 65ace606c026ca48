"""What a verdict says of how the collector speaks: shares of anger and of speaking at once, in tenths."""

from __future__ import annotations

import pytest

from compline_edge.core.evidence import EmotionShare, VoiceLevel
from compline_edge.core.manner import overlap, tenths, with_manner
from compline_shared.messages import Voice
from compline_shared.rule import Feeling
from compline_shared.taxonomy import Role

VOICE = Voice(loudness=-30, peak_loudness=-20, rate=4)


def _levels(role: Role, start: int, end: int, *, dbfs: float = -25.0) -> list[VoiceLevel]:
    return [VoiceLevel(role, second, second + 1, dbfs) for second in range(start, end)]


def test_overlap_when_the_other_side_speaks_through_half_of_it_then_half() -> None:
    both = [*_levels(Role.COLLECTOR, 0, 20), *_levels(Role.OTHER, 10, 40)]
    assert overlap(both) == pytest.approx(0.5)


def test_overlap_when_turns_do_not_meet_then_none_of_it() -> None:
    assert overlap([*_levels(Role.COLLECTOR, 0, 20), *_levels(Role.OTHER, 20, 40)]) == 0.0


def test_overlap_when_the_other_channel_holds_an_echo_then_it_is_no_speech() -> None:
    echo = _levels(Role.OTHER, 0, 20, dbfs=-45.0)
    assert overlap([*_levels(Role.COLLECTOR, 0, 20), *_levels(Role.OTHER, 20, 60), *echo]) == 0.0


@pytest.mark.parametrize("said", [9, 0])
def test_overlap_when_a_side_says_little_then_nothing_is_told(said: int) -> None:
    assert overlap([*_levels(Role.COLLECTOR, 0, 30), *_levels(Role.OTHER, 0, said)]) is None


def test_overlap_when_it_is_not_known_who_speaks_then_nothing_is_told() -> None:
    assert overlap(_levels(Role.UNKNOWN, 0, 60)) is None


def test_manner_when_the_collector_was_judged_then_his_anger_is_told() -> None:
    emotions = [
        EmotionShare(Role.COLLECTOR, Feeling.ANGRY, 0.44),
        EmotionShare(Role.COLLECTOR, Feeling.NEUTRAL, 0.56),
    ]
    assert with_manner(VOICE, emotions=emotions, levels=[]) == Voice(
        loudness=-30, peak_loudness=-20, rate=4, angry=4, overlap=None
    )


@pytest.mark.parametrize("role", [Role.OTHER, Role.UNKNOWN])
def test_manner_when_it_is_another_voice_then_its_anger_is_not_told(role: Role) -> None:
    told = with_manner(VOICE, emotions=[EmotionShare(role, Feeling.ANGRY, 0.9)], levels=[])
    assert told == VOICE


def test_manner_when_nobody_spoke_then_there_is_no_voice() -> None:
    assert with_manner(None, emotions=[], levels=[]) is None


@pytest.mark.parametrize(("share", "told"), [(0.0, 0), (0.04, 0), (0.16, 2), (0.96, 10), (1.0, 10)])
def test_tenths_when_a_share_is_given_then_it_is_rounded(share: float, told: int) -> None:
    assert tenths(share) == told
