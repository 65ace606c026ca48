"""Whether two channels that speak at once hold one speech twice: echoes made from real speakers' calls, and two people.

Two real speakers, by whom nothing was chosen, over 8 kHz mu-law with noise: the first alone with an echo of his in the
second channel, or each in his own. Stretches are 0.5 to 2 s, as overlaps of turns are, and hold what happens to be said
there, pauses too. Against: telling by level alone, where the weaker channel is 9 dB or more below the other.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from bench.figure import Figure
from compline_edge.core.crosstalk import Outline, Outlines
from compline_edge.core.speech import SAMPLE_RATE
from compline_edge.senses.recording import open_recording

DATA = Path("../shared/data")
ONE = "aishell_s0252"
OTHER = "casia_ser/liuchanhg"
TRIALS = 300
SECONDS = 6
RECORDINGS = 40
LEVEL = -22.0
NOISE = -55.0
"""dBFS."""
LATEST = 0.35
"""Seconds of the latest echo."""
BY_LEVEL = 9.0

Floats = NDArray[np.float32]


def figures(*, data: Path = DATA, trials: int = TRIALS) -> Iterator[Figure]:
    """Yield the share of echoes told for what they are, by their level, and of two speeches taken for one."""
    chance = random.Random(11)
    noise = np.random.default_rng(11)
    one, other = (_recordings(data / folder, chance) for folder in (ONE, OTHER))

    def share(echo: float | None, second: float | None) -> tuple[float, float]:
        told = by_level = 0
        for _ in range(trials):
            first = _speech(one, LEVEL, chance)
            late = np.roll(first, int(chance.uniform(0, LATEST) * SAMPLE_RATE))
            there = np.zeros_like(first) if second is None else _speech(other, second, chance)
            there = there + (0 if echo is None else late * 10 ** (echo / 20))
            pair = [_line(each + _white(noise)) for each in (first, there)]
            start, lasts = chance.uniform(0.5, 3), chance.choice((0.5, 0.7, 1.0, 2.0))
            told += Outlines(*(_outlined(each) for each in pair)).same(start, start + lasts)
            by_level += abs(_level(pair[0], start, lasts) - _level(pair[1], start, lasts)) >= BY_LEVEL
        return told / trials, by_level / trials

    for echo in (-12.0, -20.0, -30.0):
        found, alone = share(echo, None)
        yield Figure(f"crosstalk_echo_told_{-echo:.0f}_db", found, "share", alone, "higher")
    for name, echo, second in (
        ("two_speeches", None, LEVEL),
        ("two_speeches_and_echo_20_db", -20.0, LEVEL),
        ("quiet_speech_and_echo_20_db", -20.0, LEVEL - 12),
    ):
        found, alone = share(echo, second)
        yield Figure(f"crosstalk_{name}_taken_for_one", found, "share", alone, "lower")


def _recordings(folder: Path, chance: random.Random) -> list[Floats]:
    paths = sorted(folder.rglob("*.flac"))
    return [_samples(path) for path in chance.sample(paths, min(RECORDINGS, len(paths)))]


def _samples(path: Path) -> Floats:
    with open_recording(path, limit_s=60) as recording:
        return np.concatenate([block[0] for block in recording.blocks()]).astype(np.float32)


def _speech(recordings: Sequence[Floats], level: float, chance: random.Random) -> Floats:
    length = SECONDS * SAMPLE_RATE
    whole = np.concatenate(chance.sample(recordings, 12))
    start = chance.randrange(0, len(whole) - length)
    cut = whole[start : start + length]
    loud: Floats = cut * np.float32(10 ** (level / 20) * 32_768 / (np.sqrt(np.mean(cut**2)) + 1e-9))
    return loud


def _white(noise: np.random.Generator) -> Floats:
    white = noise.standard_normal(SECONDS * SAMPLE_RATE) * 10 ** (NOISE / 20) * 32_768
    return white.astype(np.float32)


def _line(samples: Floats) -> NDArray[np.int16]:
    """Samples as a telephone line gives them: 8 kHz, mu-law (G.711)."""
    narrow = np.clip(soxr.resample(samples, SAMPLE_RATE, 8_000) / 32_768, -1, 1)
    coded = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256) * 127) / 127
    heard = np.sign(coded) * (256 ** np.abs(coded) - 1) / 255 * 32_767
    return np.clip(soxr.resample(heard, 8_000, SAMPLE_RATE), -32_768, 32_767).astype(np.int16)


def _outlined(samples: NDArray[np.int16]) -> NDArray[np.int8]:
    outline = Outline()
    outline.feed(samples)
    return outline.levels


def _level(samples: NDArray[np.int16], start: float, lasts: float) -> float:
    part = samples[int(start * SAMPLE_RATE) : int((start + lasts) * SAMPLE_RATE)].astype(np.float64)
    return float(10 * np.log10(np.mean(part**2) + 1))
