"""A voice every 10 ms: spectrum in the telephone band, level, pitch; everything that is told of it rests on these."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from compline_edge.core.speech import SAMPLE_RATE, Samples

HOP_S: Final = 0.01
"""Seconds between two frames."""
BANDS: Final = 24
"""Mel bands between LOWEST_HZ and HIGHEST_HZ."""
LOWEST_HZ: Final = 250.0
HIGHEST_HZ: Final = 3_500.0
"""What every telephone line carries; a wider band would tell the line, not the speaker."""
LOWEST_PITCH: Final = 75.0
HIGHEST_PITCH: Final = 550.0
"""Hz between which a voice's pitch is looked for."""

_NARROW: Final = SAMPLE_RATE // 2
_WINDOW: Final = 200  # samples at 8 kHz: 25 ms
_HOP: Final = 80
_SIZE: Final = 256
_SLOW: Final = _NARROW // 2
_PITCH_WINDOW: Final = 160  # samples at 4 kHz: 40 ms
_PITCH_HOP: Final = 40
_PITCH_SIZE: Final = 256
_OCTAVE_COST: Final = 0.06
"""What a lag loses for each octave below HIGHEST_PITCH: of two like peaks the shorter period is the voice's."""
_FLOOR: Final = 1e-10

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VoiceFrames:
    """One row for each 10 ms of a stretch of speech."""

    bands: Floats  # [frames, BANDS], natural logarithm of the power in each mel band
    level: Floats  # [frames], dBFS
    pitch: Floats  # [frames], Hz, of the most periodic lag
    periodicity: Floats  # [frames], -1..1: height of the autocorrelation at that lag


def voice_frames(samples: Samples) -> VoiceFrames:
    """Return the frames of a stretch of speech, [n] int16 at 16 kHz; none where it is shorter than 40 ms."""
    signal = samples.astype(np.float64) / 32768
    narrow = _halved(signal)
    slow = _halved(narrow)
    count = max(0, (len(slow) - _PITCH_WINDOW) // _PITCH_HOP + 1)
    pitch, periodicity = _pitch(_cut(slow, count, _PITCH_WINDOW, _PITCH_HOP))
    # both windows are centred on one moment: the spectrum's is 15 ms shorter
    windows = _cut(narrow[60:], count, _WINDOW, _HOP)
    power = np.mean(windows * windows, axis=1)
    spectrum = np.abs(np.fft.rfft(windows * np.hamming(_WINDOW), _SIZE)) ** 2
    bands = np.log(spectrum @ _mel() + _FLOOR)
    return VoiceFrames(bands, 10 * np.log10(power + _FLOOR), pitch, periodicity)


def _cut(signal: Floats, count: int, window: int, hop: int) -> Floats:
    if not count:
        return np.zeros((0, window))
    return np.lib.stride_tricks.sliding_window_view(signal, window)[::hop][:count]


def _pitch(windows: Floats) -> tuple[Floats, Floats]:
    """Return pitch and periodicity of each window of 40 ms at 4 kHz.

    Autocorrelation of the windowed signal over that of the window. Source: Boersma 1993, "Accurate short-term analysis
    of the fundamental frequency".
    """
    shape = np.hanning(_PITCH_WINDOW)
    centred = (windows - windows.mean(axis=1, keepdims=True)) * shape
    raw = np.fft.irfft(np.abs(np.fft.rfft(centred, 2 * _PITCH_SIZE)) ** 2)[:, :_PITCH_WINDOW]
    own = np.fft.irfft(np.abs(np.fft.rfft(shape, 2 * _PITCH_SIZE)) ** 2)[:_PITCH_WINDOW]
    first, last = int(_SLOW / HIGHEST_PITCH), int(_SLOW / LOWEST_PITCH) + 1
    lags = np.arange(first - 1, last + 2)
    height = raw[:, lags] / (raw[:, :1] + _FLOOR) * (own[0] / own[lags])
    before, at, after = height[:, :-2], height[:, 1:-1], height[:, 2:]
    # a parabola through three lags: a period that falls between two would lose to its double otherwise
    bend = np.minimum(before - 2 * at + after, -_FLOOR)
    shift = (0.5 * (before - after) / bend).clip(-0.5, 0.5)
    tops = np.where((at >= before) & (at >= after), at - 0.25 * (before - after) * shift, 0.0)
    cost = _OCTAVE_COST * np.log2(lags[1:-1] * HIGHEST_PITCH / _SLOW)
    best = (tops - cost).argmax(axis=1)
    rows = np.arange(len(windows))
    return _SLOW / (lags[best + 1] + shift[rows, best]), np.clip(tops[rows, best], -1.0, 1.0)


def _halved(signal: Floats) -> Floats:
    """Half the rate, behind a filter that keeps what lies above from folding down."""
    return (
        np.convolve(signal, _low_pass(), mode="same")[::2] if len(signal) > len(_low_pass()) else signal[:0]
    )


@cache
def _low_pass() -> Floats:
    """A windowed sinc of 47 taps that ends at half of the new rate's band."""
    at = np.arange(-23, 24)
    taps = np.sinc(0.46 * at) * np.hamming(47)
    return np.asarray(taps / taps.sum())


@cache
def _mel() -> Floats:
    """Triangles even on the mel scale, [bins, BANDS]."""
    edges = _hertz(np.linspace(_mels(LOWEST_HZ), _mels(HIGHEST_HZ), BANDS + 2))
    bins = np.arange(_SIZE // 2 + 1)[:, None] * _NARROW / _SIZE
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.asarray(np.clip(np.minimum(rising, falling), 0.0, None))


def _mels(hertz: float) -> float:
    return 1127.0 * float(np.log1p(hertz / 700.0))


def _hertz(mels: Floats) -> Floats:
    return np.asarray(700.0 * np.expm1(mels / 1127.0))
