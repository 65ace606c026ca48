"""Feelings over time: which pieces are judged, by what baseline, and from when on anything is said."""

from __future__ import annotations

import numpy as np
import pytest

from compline_edge.core.emotions import FEELINGS, Described, calm_baseline, likely, shares
from compline_edge.core.speech import SAMPLE_RATE, SpeechBlock
from compline_edge.feeling import FeelingTrack
from compline_shared.rule import Feeling
from compline_shared.taxonomy import Role
from tests.spoken import ByLoudness

ANGRY, NEUTRAL = FEELINGS.index(Feeling.ANGRY), FEELINGS.index(Feeling.NEUTRAL)


def _speech(start: float, seconds: float, *, level: int = 1_000, ends: bool = True) -> SpeechBlock:
    return SpeechBlock(start, np.full(round(seconds * SAMPLE_RATE), level, np.int16), ends)


def _told(*blocks: SpeechBlock) -> dict[Feeling, float]:
    track = FeelingTrack(Role.COLLECTOR, ByLoudness())
    for block in blocks:
        track.feed(block)
    found = track.finish()
    assert {share.role for share in found} <= {Role.COLLECTOR}
    return {share.feeling: round(share.share, 3) for share in found}


def test_track_when_a_third_of_the_speech_is_angry_then_its_share_says_so() -> None:
    calm = [_speech(4.0 * n, 3) for n in range(4)]
    angry = [_speech(20 + 4.0 * n, 3, level=12_000) for n in range(2)]
    told = _told(*calm, *angry)
    assert (told[Feeling.ANGRY], told[Feeling.NEUTRAL]) == (0.333, 0.667)


def test_track_when_less_than_ten_seconds_were_said_then_nothing_is_told() -> None:
    assert _told(_speech(0, 9.9, level=12_000)) == {}


def test_track_when_ten_seconds_were_said_then_it_is_told() -> None:
    assert sum(_told(_speech(0, 12)).values()) == pytest.approx(1)


def test_track_when_no_voice_is_in_the_speech_then_nothing_is_told() -> None:
    assert _told(_speech(0, 30, level=0)) == {}


def test_track_when_nothing_was_said_then_nothing_is_told() -> None:
    assert _told() == {}


@pytest.mark.parametrize(
    ("blocks", "lengths"),
    [
        ([_speech(0, 9)], [4.0, 4.0]),
        ([_speech(0, 1.5), _speech(2, 1.0)], [2.5]),
        ([_speech(0, 1.5), _speech(5, 2.0)], [1.5, 2.0]),
        ([_speech(0, 1.0), _speech(5, 2.0)], [2.0]),
        ([_speech(0, 0.5, ends=False), _speech(0.5, 2.0)], [2.5]),
        ([_speech(0, 1.0)], []),
    ],
    ids=["cut at four seconds", "joined", "apart", "a yes alone", "continued", "too short"],
)
def test_track_when_speech_comes_in_stretches_then_pieces_are_long_enough(
    blocks: list[SpeechBlock], lengths: list[float]
) -> None:
    model = ByLoudness()
    track = FeelingTrack(Role.COLLECTOR, model)
    for block in blocks:
        track.feed(block)
    track.finish()
    assert [length / SAMPLE_RATE for length in model.lengths] == lengths


def test_baseline_when_most_of_a_call_is_angry_then_it_is_what_is_left_of_calm() -> None:
    voices = np.array([[1.0]] * 4 + [[9.0]] * 8, dtype=np.float32)
    logits = np.zeros((12, len(FEELINGS)), dtype=np.float32)
    logits[:4, NEUTRAL] = 3.0
    assert calm_baseline(voices, logits) == pytest.approx([1.0])


def test_likely_when_both_ways_differ_then_the_surer_one_decides() -> None:
    alone = np.zeros((1, len(FEELINGS)))
    relative = np.zeros((1, len(FEELINGS)))
    alone[0, ANGRY], relative[0, NEUTRAL] = 9.0, 2.0
    assert likely(alone, relative).tolist() == [ANGRY]
    assert likely(alone / 9, relative).tolist() == [NEUTRAL]


def test_likely_when_nothing_speaks_for_a_feeling_then_neutral() -> None:
    assert likely(np.zeros((1, 6)), np.zeros((1, 6))).tolist() == [NEUTRAL]


def test_shares_when_pieces_differ_in_length_then_seconds_count() -> None:
    voice = np.zeros(1, np.float32)
    pieces = [Described(0, 4, voice), Described(5, 13, voice)]
    told = {share.feeling: share.share for share in shares(Role.UNKNOWN, pieces, np.array([ANGRY, NEUTRAL]))}
    assert told[Feeling.ANGRY] == pytest.approx(1 / 3)
