"""Makes further voices from a recording: pitch, vocal tract and habits moved, by the WORLD vocoder or by speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyworld  # type: ignore[import-not-found]
import soxr
from models.train.fbank import SAMPLE_RATE
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LOWEST, HIGHEST = 85.0, 290.0
"""Hz between which the median pitch of a made voice lies."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One made speaker, of the voice of `real`; ratios are to that voice, 1 changes nothing."""

    real: int
    pitch: float  # Hz, median; 0 keeps the recording's, and the vocoder is not used
    spread: float  # of the pitch around its median
    low: float  # formants below 1.4 kHz
    high: float  # formants above 2.6 kHz
    tilt: float  # decibels an octave
    speed: float  # of playing, which moves pitch and formants together


def draw(real: int, chance: np.random.Generator, *, vocoded: bool) -> Voice:
    """Draw a voice; without the vocoder it differs from the real one by speed and tilt alone."""
    speed = float(np.exp(chance.uniform(np.log(0.84), np.log(1.19))))
    tilt = float(chance.uniform(-1.5, 1.5))
    if not vocoded:
        return Voice(real, 0.0, 1.0, 1.0, 1.0, tilt, speed)
    low = float(np.exp(chance.uniform(np.log(0.82), np.log(1.22))))
    place = np.clip((np.log(low) / np.log(1.22) + 1) / 2 + chance.normal(0.0, 0.3), 0.0, 1.0)
    pitch = LOWEST * (HIGHEST / LOWEST) ** place
    high = low * float(np.exp(chance.normal(0.0, 0.05)))
    spread = float(chance.uniform(0.7, 1.3))
    return Voice(real, float(pitch), spread, low, high, tilt, float(chance.uniform(0.93, 1.07)))


def spoken(samples: Floats, voice: Voice) -> Floats:
    """Say with `voice` what was recorded, 16 kHz in and out; the length changes with the speed."""
    heard = samples
    if voice.pitch:
        heard = _vocoded(heard, voice)
    if voice.speed != 1.0:
        heard = np.asarray(soxr.resample(heard, SAMPLE_RATE * voice.speed, SAMPLE_RATE), dtype=np.float32)
    return _tilted(heard, voice.tilt)


def _vocoded(samples: Floats, voice: Voice) -> Floats:
    """Analyse and synthesise anew. Source: Morise et al. 2016, WORLD."""
    wave = samples.astype(np.float64)
    rough, times = pyworld.dio(wave, SAMPLE_RATE, f0_floor=65.0, f0_ceil=450.0)
    pitch = pyworld.stonemask(wave, rough, times, SAMPLE_RATE)
    envelope = pyworld.cheaptrick(wave, pitch, times, SAMPLE_RATE)
    noise = pyworld.d4c(wave, pitch, times, SAMPLE_RATE)
    voiced = pitch > 0
    if not voiced.any():
        return samples
    median = float(np.median(pitch[voiced]))
    moved = np.where(voiced, voice.pitch * (np.maximum(pitch, 1.0) / median) ** voice.spread, 0.0)
    moved = np.where(voiced, np.clip(moved, 55.0, 600.0), 0.0)
    hertz = np.linspace(0.0, SAMPLE_RATE / 2, envelope.shape[1])
    ratio = np.interp(hertz, [1_400.0, 2_600.0], [voice.low, voice.high])
    source = np.clip(hertz / ratio, 0.0, SAMPLE_RATE / 2) / (SAMPLE_RATE / 2) * (envelope.shape[1] - 1)
    left = np.floor(source).astype(int)
    right, share = np.minimum(left + 1, envelope.shape[1] - 1), source - left
    warped = envelope[:, left] ** (1 - share) * envelope[:, right] ** share
    made = pyworld.synthesize(moved, np.ascontiguousarray(warped), noise, SAMPLE_RATE)
    return np.asarray(made[: len(samples)], dtype=np.float32)


def _tilted(samples: Floats, decibels: float) -> Floats:
    spectrum = np.fft.rfft(samples)
    octaves = np.log2(np.maximum(np.linspace(0.0, SAMPLE_RATE / 2, len(spectrum)), 100.0) / 1_000.0)
    tilted = np.fft.irfft(spectrum * 10 ** (decibels * octaves / 20), len(samples))
    peak = float(np.abs(tilted).max())
    return np.asarray(tilted * (0.7 / peak if peak > 0.7 else 1.0), dtype=np.float32)
