"""Plays a dialogue over a simulated telephone line: turns with pauses, band limits, noise, ring-back."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from day_script import COLLECTOR, Call, Line

Samples = npt.NDArray[np.float64]
"""Samples of all channels, shape [channels, n], full scale 1.0."""
Speak = Callable[[Call, Line, str, str], npt.NDArray[np.float64]]
"""(call, line, clause, key) to mono samples at `SOURCE_RATE`."""

SOURCE_RATE: Final = 24_000  # Hz
_BANDS: Final = {8000: (300.0, 3400.0), 16000: (70.0, 7200.0)}  # Hz: narrow-band and wide-band telephony
_NOISE_DB: Final = {8000: -54.0, 16000: -60.0}
_RINGBACK_HZ: Final = 450.0  # mainland China: 1 s on, 4 s off
_TURN_PAUSE: Final = (0.25, 0.6)  # s
_CLAUSE_PAUSE: Final = (0.06, 0.16)  # s


@dataclass(frozen=True, slots=True)
class Spoken:
    """A clause with its place in the recording, seconds."""

    role: str
    line: int
    clause: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples at the call's rate and what was said when."""

    samples: Samples
    rate: int
    spoken: tuple[Spoken, ...]


def record(call: Call, speak: Speak) -> Recording:
    """Speak and mix one call: two channels keep the sides apart, one channel carries both."""
    dice = np.random.default_rng(zlib.crc32(call.id.encode()))
    spoken, placed = _dialogue(call, speak, dice)
    length = max([at + len(wave) for _, at, wave in placed], default=0)
    tail = call.silence or float(dice.uniform(0.5, 0.9))
    sides = np.zeros((2, length + int(tail * SOURCE_RATE)))
    for role, at, wave in placed:
        sides[0 if role == COLLECTOR else 1, at : at + len(wave)] += wave
    if call.ringback:
        tone = _ringback(call.ringback)
        sides = np.vstack([np.zeros_like(tone), tone])
    line = np.stack([_through_line(side, call.rate, dice) for side in sides])
    samples = line if call.channels == 2 else line.sum(axis=0, keepdims=True)
    return Recording(np.clip(samples, -1.0, 1.0), call.rate, spoken)


def _dialogue(
    call: Call, speak: Speak, dice: np.random.Generator
) -> tuple[tuple[Spoken, ...], list[tuple[str, int, npt.NDArray[np.float64]]]]:
    clock = float(dice.uniform(0.4, 0.9))
    levels = {role: 10 ** (dice.uniform(-3, 2) / 20) for role in ("collector", "other")}
    spoken: list[Spoken] = []
    placed: list[tuple[str, int, npt.NDArray[np.float64]]] = []
    for number, line in enumerate(call.lines):
        level = levels[line.role] * 10 ** (dice.uniform(-1, 1) / 20)
        for part, clause in enumerate(line.clauses):
            wave = speak(call, line, clause, f"{call.id}:{number}:{part}") * level
            at = int(clock * SOURCE_RATE)
            placed.append((line.role, at, wave))
            end = clock + len(wave) / SOURCE_RATE
            spoken.append(Spoken(line.role, number, clause, round(clock, 2), round(end, 2)))
            clock = end + float(dice.uniform(*_CLAUSE_PAUSE))
        clock += float(dice.uniform(*_TURN_PAUSE))
    return tuple(spoken), placed


def _through_line(
    wave: npt.NDArray[np.float64], rate: int, dice: np.random.Generator
) -> npt.NDArray[np.float64]:
    signal: Any = importlib.import_module("scipy.signal")
    soxr: Any = importlib.import_module("soxr")
    low, high = _BANDS[rate]
    band = signal.butter(4, (low, high), btype="bandpass", fs=SOURCE_RATE, output="sos")
    hiss = dice.standard_normal(len(wave)) * 10 ** (_NOISE_DB[rate] / 20)
    narrow = signal.sosfilt(band, wave + hiss)
    return np.asarray(soxr.resample(narrow, SOURCE_RATE, rate), dtype=np.float64)


def _ringback(tones: int) -> npt.NDArray[np.float64]:
    second = np.arange(SOURCE_RATE) / SOURCE_RATE
    tone = 0.12 * np.sin(2 * np.pi * _RINGBACK_HZ * second)
    ramp = np.minimum(1.0, np.minimum(second, second[::-1]) / 0.01)
    cadence = np.concatenate([tone * ramp, np.zeros(4 * SOURCE_RATE)])
    return np.concatenate([np.tile(cadence, tones - 1), tone * ramp, np.zeros(SOURCE_RATE)])
