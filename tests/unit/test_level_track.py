"""Levels of a voice over time: one for each second of speech."""

from __future__ import annotations

import numpy as np
import pytest

from compline_edge.core.level_track import LevelTrack
from compline_edge.core.speech import SpeechBlock
from compline_shared.taxonomy import Role


def _block(start: float, *, samples: int, amplitude: int = 3277, ends: bool = True) -> SpeechBlock:
    return SpeechBlock(start, np.full(samples, amplitude, np.int16), ends)


def _track(*blocks: SpeechBlock) -> list[tuple[float, float, float]]:
    track = LevelTrack(Role.COLLECTOR)
    for block in blocks:
        track.feed(block)
    assert {level.role for level in track.levels} <= {Role.COLLECTOR}
    return [(level.start, level.end, round(level.dbfs, 1)) for level in track.levels]


def test_levels_when_speech_is_long_then_there_is_one_for_each_second() -> None:
    assert _track(_block(5.0, samples=40_000)) == [(5.0, 6.0, -20.0), (6.0, 7.0, -20.0), (7.0, 7.5, -20.0)]


def test_levels_when_blocks_continue_one_another_then_pieces_cross_them() -> None:
    first, second = _block(0.0, samples=8_000, ends=False), _block(0.5, samples=12_000, amplitude=32)
    assert _track(first, second) == [(0.0, 1.0, -23.0), (1.0, 1.25, -60.2)]


def test_levels_when_a_stretch_ends_then_the_next_begins_anew() -> None:
    assert _track(_block(0.0, samples=8_000), _block(9.0, samples=8_000)) == [
        (0.0, 0.5, -20.0),
        (9.0, 9.5, -20.0),
    ]


def test_levels_when_the_last_piece_is_short_then_it_is_left_out() -> None:
    assert _track(_block(0.0, samples=16_100)) == [(0.0, 1.0, -20.0)]


@pytest.mark.parametrize("samples", [0, 3_000])
def test_levels_when_there_is_hardly_speech_then_there_are_none(samples: int) -> None:
    assert _track(_block(0.0, samples=samples)) == []


def test_levels_when_there_is_no_sound_then_the_lowest_is_told() -> None:
    assert _track(_block(0.0, samples=16_000, amplitude=0)) == [(0.0, 1.0, -120.0)]
