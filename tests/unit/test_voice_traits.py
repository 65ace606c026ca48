"""A stretch of a voice as numbers."""

from __future__ import annotations

import numpy as np

from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.core.voice_frames import Floats, voice_frames
from compline_edge.core.voice_traits import TRAITS, voice_traits
from compline_edge.senses.voice_model import probe_sound

MEDIAN_PITCH, PITCH_RANGE = 3, 7
"""Places of two traits."""


def _gliding(hertz: float) -> Samples:
    """Two seconds of harmonics up to 3 kHz that glide three semitones up and down."""
    at = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(hertz * 2 ** (0.25 * np.sin(2 * np.pi * 0.5 * at))) / SAMPLE_RATE
    tone = sum(np.sin(order * phase) / order for order in range(1, int(3_000 / hertz)))
    return np.asarray(4_000 * tone, dtype=np.int16)


def _traits(samples: Samples) -> Floats:
    found = voice_traits(voice_frames(samples))
    assert found is not None
    return found


def test_traits_when_a_voice_is_heard_then_there_are_as_many_numbers_and_all_finite() -> None:
    assert _traits(probe_sound()).shape == (TRAITS,)
    assert np.isfinite(_traits(probe_sound())).all()


def test_traits_when_a_recording_is_louder_then_the_first_number_alone_tells() -> None:
    soft, loud = _traits(probe_sound()), _traits((2 * probe_sound()).astype(np.int16))
    assert abs(loud[0] - soft[0] - 6.02) < 0.1
    assert np.abs(loud[1:] - soft[1:]).max() < 0.1


def test_traits_when_a_voice_is_an_octave_higher_then_its_median_pitch_is_twelve_semitones_up() -> None:
    low, high = _traits(_gliding(120)), _traits(_gliding(240))
    assert abs(high[MEDIAN_PITCH] - low[MEDIAN_PITCH] - 12) < 0.2
    assert abs(high[PITCH_RANGE] - low[PITCH_RANGE]) < 0.3


def test_traits_when_nothing_is_voiced_then_none() -> None:
    noise = np.random.default_rng(1).normal(0, 2_000, 2 * SAMPLE_RATE).astype(np.int16)
    hiss = (
        np.diff(np.diff(noise.astype(np.int32), prepend=0), prepend=0).clip(-32_768, 32_767).astype(np.int16)
    )
    assert voice_traits(voice_frames(hiss)) is None


def test_traits_when_silence_or_too_short_then_none() -> None:
    assert voice_traits(voice_frames(np.zeros(SAMPLE_RATE, np.int16))) is None
    assert voice_traits(voice_frames(probe_sound()[:3_000])) is None
