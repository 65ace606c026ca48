"""Sounds made for tests: something that rises, falls and pauses as a voice does, and what happens to it on a line."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from compline_edge.core.speech import SAMPLE_RATE, Samples

Floats = npt.NDArray[np.float64]


def voice(seconds: float, *, seed: int = 1) -> Floats:
    """Syllables of 0.1 to 0.3 s with a gliding pitch and moving formants, pauses between words; peak 1."""
    chance = np.random.default_rng(seed)
    pieces: list[Floats] = []
    while sum(map(len, pieces)) < seconds * SAMPLE_RATE:
        for _ in range(int(chance.integers(2, 6))):
            pieces.append(_syllable(chance))
        pieces.append(np.zeros(int(chance.uniform(0.1, 0.5) * SAMPLE_RATE)))
    sound = np.concatenate(pieces)[: int(seconds * SAMPLE_RATE)]
    return np.asarray(sound / np.abs(sound).max())


def tone(seconds: float, *pitches: float) -> Floats:
    """Sines together; peak 1."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(sum(np.sin(2 * np.pi * pitch * time) for pitch in pitches) / len(pitches))


def hiss(seconds: float, *, seed: int = 2) -> Floats:
    """White noise of power 1."""
    return np.random.default_rng(seed).standard_normal(int(seconds * SAMPLE_RATE))


def pcm(sound: Floats) -> Samples:
    """At full scale 1, cut off there."""
    samples: Samples = (np.clip(sound, -1.0, 1.0) * 32_767).astype(np.int16)
    return samples


def packets_lost(sound: Floats, *, share: float, repeat: bool, seed: int = 3) -> tuple[Floats, float]:
    """Packets of 20 ms lost at random, silent or the one before once more; with the true share."""
    frames = sound[: len(sound) // 320 * 320].copy().reshape(-1, 320)
    lost = np.flatnonzero(np.random.default_rng(seed).random(len(frames)) < share)
    for k in lost.tolist():
        frames[k] = frames[k - 1] if repeat and k else 0.0
    return frames.reshape(-1), len(lost) / len(frames)


def _syllable(chance: np.random.Generator) -> Floats:
    size = int(chance.uniform(0.1, 0.3) * SAMPLE_RATE)
    time = np.arange(size) / SAMPLE_RATE
    pitch = chance.uniform(110, 240) * (1 + chance.uniform(-0.25, 0.25) * time / time[-1])
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    first, second = chance.uniform(300, 800), chance.uniform(900, 2_300)
    sound = np.zeros(size)
    for overtone in range(1, 25):
        height = overtone * float(pitch.mean())
        loud = (
            np.exp(-(((height - first) / 150) ** 2)) + 0.5 * np.exp(-(((height - second) / 250) ** 2)) + 0.02
        )
        sound += loud * np.sin(overtone * phase)
    sound += 0.02 * chance.standard_normal(size)
    return np.asarray(sound * np.hanning(size) ** 0.5 * chance.uniform(0.3, 1.0))
