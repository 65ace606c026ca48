"""Pitch, level and spectrum of a voice, every 10 ms."""

from __future__ import annotations

import numpy as np
import pytest

from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.core.voice_frames import BANDS, voice_frames

SECONDS = 1.0


def _voice(hertz: float, *, lowest: float = 0.0, amplitude: float = 3_000) -> Samples:
    """Harmonics of one pitch up to 3.4 kHz, those below `lowest` left out, as a telephone does."""
    at = np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    orders = [k for k in range(1, 60) if lowest <= k * hertz <= 3_400]
    tone = sum(np.sin(2 * np.pi * k * hertz * at + k) / k for k in orders)
    return np.asarray(amplitude * tone / np.abs(tone).max(), dtype=np.int16)


@pytest.mark.parametrize("hertz", [90.0, 120.0, 200.0, 310.0, 450.0])
@pytest.mark.parametrize("lowest", [0.0, 300.0], ids=["whole", "telephone"])
def test_pitch_when_a_voice_is_steady_then_it_is_found_to_two_percent(hertz: float, lowest: float) -> None:
    frames = voice_frames(_voice(hertz, lowest=lowest))
    assert np.abs(frames.pitch / hertz - 1).max() < 0.02
    assert frames.periodicity.min() > 0.8


def test_pitch_when_there_is_only_noise_then_nothing_is_periodic() -> None:
    noise = np.random.default_rng(3).normal(0, 3_000, SAMPLE_RATE).astype(np.int16)
    assert np.median(voice_frames(noise).periodicity) < 0.5


def test_level_when_a_voice_is_ten_times_softer_then_twenty_decibels_less() -> None:
    loud, soft = (voice_frames(_voice(150, amplitude=a)).level for a in (20_000, 2_000))
    assert np.mean(loud - soft) == pytest.approx(20, abs=0.1)


def test_bands_when_a_tone_is_high_then_its_power_lies_in_a_high_band() -> None:
    at = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    low, high = (
        voice_frames((3_000 * np.sin(2 * np.pi * hertz * at)).astype(np.int16)).bands
        for hertz in (400, 3_000)
    )
    assert low.mean(axis=0).argmax() < BANDS // 4
    assert high.mean(axis=0).argmax() > 3 * BANDS // 4


@pytest.mark.parametrize("count", [0, 1, 100, 636])
def test_frames_when_less_than_40_ms_then_none(count: int) -> None:
    frames = voice_frames(np.ones(count, np.int16))
    assert frames.bands.shape == (0, BANDS)
    assert len(frames.level) == len(frames.pitch) == len(frames.periodicity) == 0
