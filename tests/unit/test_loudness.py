"""A voice's level is measured in decibels below full scale, pauses left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compline_edge.core.loudness import Loudness
from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_shared.messages import Voice
from tests.audio import speechlike, tone


def measured(*parts: Samples) -> Loudness:
    loudness = Loudness()
    for part in parts:
        loudness.feed(part)
    return loudness


@pytest.mark.parametrize(("level", "decibels"), [(1.0, -3), (0.5, -9), (0.1, -23), (0.01, -43)])
def test_mean_when_a_sine_is_heard_then_it_is_its_power(level: float, decibels: int) -> None:
    statistics = measured(tone(2, hertz=400, rate=SAMPLE_RATE, level=level)).statistics
    assert statistics is not None
    assert (statistics.mean_dbfs, statistics.p95_dbfs) == (decibels, decibels)


def test_mean_when_pauses_lie_between_then_they_do_not_count() -> None:
    voice = tone(1, hertz=400, rate=SAMPLE_RATE, level=0.1)
    statistics = measured(voice, np.zeros(3 * SAMPLE_RATE, np.int16), voice).statistics
    assert statistics is not None
    assert statistics.mean_dbfs == -23
    assert statistics.speech_s == pytest.approx(2.0, abs=0.1)


def test_95th_percentile_when_a_tenth_is_shouted_then_it_is_the_shout() -> None:
    quiet, loud = (tone(s, hertz=400, rate=SAMPLE_RATE, level=v) for s, v in ((9, 0.02), (1, 0.5)))
    statistics = measured(quiet, loud).statistics
    assert statistics is not None
    assert statistics.p95_dbfs == -9


def test_clipping_when_half_the_samples_hit_the_limit_then_it_is_500_permille() -> None:
    clipped = np.tile(np.array([32_767, 0], np.int16), SAMPLE_RATE)
    statistics = measured(clipped).statistics
    assert statistics is not None
    assert statistics.clipped_permille == pytest.approx(500, abs=1)


def test_statistics_when_nothing_was_heard_then_there_are_none() -> None:
    loudness = measured(np.zeros(100, np.int16))
    assert (loudness.statistics, loudness.voice(4)) == (None, None)


def test_statistics_when_only_silence_was_heard_then_they_stay_in_range() -> None:
    assert measured(np.zeros(SAMPLE_RATE, np.int16)).voice(0) == Voice(
        loudness=-120, peak_loudness=-120, rate=0
    )


def test_voice_when_the_rate_is_beyond_the_wire_then_it_is_bounded() -> None:
    voice = measured(np.full(SAMPLE_RATE, -32_768, np.int16)).voice(99)
    assert voice == Voice(loudness=0, peak_loudness=0, rate=20)


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=12))
def test_statistics_when_fed_in_any_pieces_then_they_are_the_same(sizes: list[int]) -> None:
    voice = speechlike(sum(sizes) / SAMPLE_RATE + 0.1, rate=SAMPLE_RATE)
    cuts = np.cumsum(sizes)
    assert measured(*np.split(voice, cuts)).statistics == measured(voice).statistics
