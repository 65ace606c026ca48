"""A few seconds of a voice as numbers: its melody, loudness, rhythm and spectrum, which feelings change."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from compline_edge.core.voice_frames import BANDS, Floats, VoiceFrames

TRAITS: Final = 80
"""Numbers that a voice is told by; the first one alone depends on how loud the recording is."""
VOICED: Final = 0.5
"""Periodicity from which a frame counts as voiced."""

_PAUSE_DB: Final = 30.0  # below the 95th percentile a frame is a pause
_LEAST_FRAMES: Final = 20
_LEAST_VOICED: Final = 8
_WIDEST: Final = 14.0  # semitones from the median beyond which a pitch is an octave error
_CEPSTRA: Final = 12
_LOW, _HIGH, _VERY_HIGH = slice(0, 8), slice(12, None), slice(18, None)

Bools = npt.NDArray[np.bool_]


def voice_traits(frames: VoiceFrames) -> Floats | None:
    """Return [TRAITS] of one to five seconds of speech; None where less than 80 ms of it is voiced.

    Pitch is in semitones over 100 Hz, level in dB below the loud frames' (the first number: dBFS of those), time in
    frames of 10 ms.
    """
    if len(frames.level) < _LEAST_FRAMES:
        return None
    loud = loudness(frames)
    inside = spoken(frames)
    level, bands = frames.level[inside] - loud, frames.bands[inside]
    active = level > -_PAUSE_DB
    tones = _smoothed(12 * np.log2(frames.pitch[inside] / 100.0))
    voiced = active & (frames.periodicity[inside] > VOICED)
    if voiced.any():
        voiced &= np.abs(tones - np.median(tones[voiced])) < _WIDEST
    if voiced.sum() < _LEAST_VOICED:
        return None
    found = [
        loud,
        *_melody(tones, voiced),
        *_loudness(level, active, voiced, tones),
        *_rhythm(level, active, voiced),
        *_spectrum(bands, level, active, voiced),
        float(frames.periodicity[inside][voiced].mean()),
        float(frames.periodicity[inside][voiced].std()),
    ]
    return np.array(found)


def loudness(frames: VoiceFrames) -> float:
    """Return the level of the loud frames, the 95th percentile, in dBFS."""
    return float(np.percentile(frames.level, 95))


def spoken(frames: VoiceFrames) -> slice:
    """Return the frames from the first that is no pause to the last."""
    active = np.flatnonzero(frames.level > loudness(frames) - _PAUSE_DB)
    return slice(int(active[0]), int(active[-1]) + 1)


def _melody(tones: Floats, voiced: Bools) -> list[float]:
    sung, when = tones[voiced], np.flatnonzero(voiced) / len(voiced)
    p5, p20, p50, p80, p95 = np.percentile(sung, [5, 20, 50, 80, 95])
    pairs = voiced[1:] & voiced[:-1]
    steps = np.diff(tones)[pairs]
    steps = steps[np.abs(steps) < 3.0]
    if len(steps) < 3:
        steps = np.zeros(3)
    return [
        *(p5, p20, p50, p80, p95, p80 - p20, p95 - p5, sung.std(), sung.mean()),
        *_course(when, sung),
        float(np.abs(steps).mean()),
        float(steps[steps > 0].sum() / len(voiced)),
        float(steps[steps < 0].sum() / len(voiced)),
        float(steps.std()),
        float(np.log(np.median(np.abs(np.diff(steps))) + 1e-3)),
    ]


def _loudness(level: Floats, active: Bools, voiced: Bools, tones: Floats) -> list[float]:
    spoken, sung = level[active], level[voiced]
    steps = np.diff(level)[active[1:] & active[:-1]]
    bends = np.abs(np.diff(level, 2))[voiced[2:]]
    unvoiced = level[active & ~voiced]
    return [
        10 * float(np.log10(np.mean(10 ** (spoken / 10)))),
        *np.percentile(spoken, [20, 50]),
        float(spoken.std()),
        float(sung.std()),
        float(np.abs(steps).mean()) if len(steps) else 0.0,
        *(np.percentile(steps, [10, 90]) if len(steps) else (0.0, 0.0)),
        *_course(np.flatnonzero(voiced) / len(voiced), sung),
        _alike(tones[voiced], sung),
        float(np.log(np.median(bends) + 1e-2)) if len(bends) else 0.0,
        float(unvoiced.mean() - sung.mean()) if len(unvoiced) > 3 else -10.0,
    ]


def _rhythm(level: Floats, active: Bools, voiced: Bools) -> list[float]:
    count = len(level)
    runs = _runs(voiced)
    runs = runs[runs >= 3] if (runs >= 3).any() else runs
    pauses = _runs(~active)
    slow = np.convolve(np.maximum(level, -35.0), np.hanning(13) / np.hanning(13).sum(), mode="same")
    peaks = (slow[1:-1] > slow[:-2]) & (slow[1:-1] >= slow[2:]) & (slow[1:-1] > -18.0)
    power = np.abs(np.fft.rfft((slow - slow.mean()) * np.hanning(count), 1024)) ** 2
    hertz = np.fft.rfftfreq(1024, 0.01)
    every = power[(hertz > 0.5) & (hertz < 20)].sum() + 1e-9
    return [
        float(voiced.mean()),
        float(active.mean()),
        float(np.log(runs.mean())),
        float(np.log(runs.max())),
        100 * len(runs) / count,
        float(pauses[pauses >= 8].sum() / count),
        100 * float(peaks.sum()) / count,
        *(float(power[(hertz > a) & (hertz < b)].sum() / every) for a, b in ((0.5, 3), (3, 6), (6, 10))),
    ]


def _spectrum(bands: Floats, level: Floats, active: Bools, voiced: Bools) -> list[float]:
    sung = bands[voiced]
    whole = np.log(np.exp(sung).sum(axis=1, keepdims=True))
    low = np.log(np.exp(sung[:, _LOW]).sum(axis=1))
    tilt = np.log(np.exp(sung[:, _HIGH]).sum(axis=1)) - low
    brilliance = np.log(np.exp(sung[:, _VERY_HIGH]).sum(axis=1)) - low
    cepstra = bands @ _cosines()
    moved = np.abs(np.diff(cepstra, axis=0))[voiced[1:] & voiced[:-1]]
    mean = np.exp(sung).mean(axis=0)
    mean /= mean.sum()
    loud = level[voiced] >= np.percentile(level[voiced], 70)
    moving = active[1:] & active[:-1]
    return [
        *cepstra[voiced].std(axis=0),
        *(moved.mean(axis=0)[:6] if len(moved) else np.zeros(6)),
        *(sung - whole).mean(axis=0).reshape(-1, 3).mean(axis=1),
        *(tilt.mean(), tilt.std(), np.percentile(tilt, 90), brilliance.mean(), tilt[loud].mean()),
        float(np.log(mean[_HIGH].sum()) - np.log(mean[_LOW].sum())),
        float(mean @ np.arange(BANDS)),
        float(np.abs(np.diff(bands, axis=0))[moving].mean()) if moving.any() else 0.0,
    ]


def _course(when: Floats, values: Floats) -> list[float]:
    """Slope, bend, and how far beginning and end lie from the mean."""
    centred = when - when.mean()
    spread = float(centred @ centred) + 1e-9
    slope = float(centred @ (values - values.mean())) / spread
    bow = centred**2 - (centred**2).mean()
    bend = float(bow @ values) / (float(bow @ bow) + 1e-9)
    start, end = values[when < 0.3], values[when >= 0.7]
    mean = float(values.mean())
    return [
        slope,
        bend,
        float(start.mean()) - mean if len(start) else 0.0,
        float(end.mean()) - mean if len(end) else 0.0,
    ]


def _smoothed(values: Floats) -> Floats:
    """The median of five, which single octave errors do not survive."""
    return np.median(np.lib.stride_tricks.sliding_window_view(np.pad(values, 2, mode="edge"), 5), axis=1)


def _runs(held: Bools) -> npt.NDArray[np.int64]:
    """Lengths of the stretches in which something holds; [0] where it never does."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], held.astype(np.int8), [0]))))
    return edges[1::2] - edges[::2] if len(edges) else np.zeros(1, np.int64)


def _alike(one: Floats, other: Floats) -> float:
    if one.std() < 1e-3 or other.std() < 1e-3:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


@cache
def _cosines() -> Floats:
    band, order = np.arange(BANDS)[:, None], np.arange(1, _CEPSTRA + 1)
    return np.asarray(np.cos(np.pi * order * (band + 0.5) / BANDS) * np.sqrt(2 / BANDS))
