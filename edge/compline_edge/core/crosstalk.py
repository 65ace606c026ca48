"""Tells whether what two channels hold at once is one speech heard twice: crosstalk of the line, or an echo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from compline_edge.core.speech import SAMPLE_RATE, Samples

FRAME_S: Final = 0.02
"""Seconds of one row of an outline."""
LATEST_S: Final = 0.4
"""Seconds by which one channel may be behind the other: a mobile line there and back (ITU-T G.114 allows 0.4)."""
SAME: Final = 0.75
"""Correlation of two outlines from which on they are of one speech; docs/rules.md has the figures."""
LEAST_S: Final = 0.4
"""Seconds below which nothing is said: a few frames are alike by chance."""
_FRAME: Final = int(FRAME_S * SAMPLE_RATE)
_EDGES_HZ: Final = (200, 400, 600, 850, 1_150, 1_550, 2_050, 2_650, 3_400)
"""Bands of a telephone line, about as wide as those of the ear."""
_BINS: Final = tuple(round(edge * FRAME_S) for edge in _EDGES_HZ)
_LOWEST: Final = -120
_DEPTH: Final = 25.0
"""Decibels below the loudest within which a band is looked at: what is lower is the line's noise."""
_LAGS: Final = int(LATEST_S / FRAME_S)

Levels = npt.NDArray[np.int8]


class Outline:
    """How loud one channel is, 50 times a second in 8 bands: 400 bytes a second of call."""

    def __init__(self) -> None:
        self._left = np.zeros(0, dtype=np.int16)
        self._blocks: list[Levels] = []

    def feed(self, samples: Samples) -> None:
        """Take the channel's next samples, speech or not."""
        whole = np.concatenate([self._left, samples])
        frames = len(whole) // _FRAME
        self._left = whole[frames * _FRAME :]
        if frames:
            self._blocks.append(_levels(whole[: frames * _FRAME].reshape(frames, _FRAME)))

    @property
    def levels(self) -> Levels:
        """Decibels below full scale, [frames, bands]."""
        return np.concatenate(self._blocks) if self._blocks else np.zeros((0, len(_BINS) - 1), dtype=np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """The two channels of a call."""

    one: Levels
    other: Levels

    def alike(self, start: float, end: float) -> float:
        """Return how much what both hold from `start` to `end` (s) is one speech, -1 to 1.

        It is Pearson's correlation of the two outlines, each band about its own mean, at the best shift of one against
        the other; 0 where the stretch is too short to tell.
        """
        first, last = round(start / FRAME_S), round(end / FRAME_S)
        last = min(last, len(self.one), len(self.other))
        if last - first < LEAST_S / FRAME_S:
            return 0.0
        return max(
            _correlated(self.one, self.other, first, last), _correlated(self.other, self.one, first, last)
        )

    def same(self, start: float, end: float) -> bool:
        """Whether it is one speech."""
        return self.alike(start, end) >= SAME


def _levels(frames: npt.NDArray[np.int16]) -> Levels:
    spectrum = np.abs(np.fft.rfft(frames.astype(np.float32) / 32_768 * _WINDOW, axis=1)) ** 2
    bands = np.add.reduceat(spectrum[:, : _BINS[-1]], _BINS[:-1], axis=1) / _FRAME**2
    return np.maximum(np.round(10 * np.log10(bands + 1e-12)), _LOWEST).astype(np.int8)


def _correlated(lead: Levels, follow: Levels, first: int, last: int) -> float:
    """Correlate a stretch of `follow` with what `lead` held up to `LATEST_S` before."""
    heard = _centred(follow[first:last])
    best = 0.0
    for lag in range(min(_LAGS, first) + 1):
        said = _centred(lead[first - lag : last - lag])
        scale = float(np.sqrt((heard * heard).sum() * (said * said).sum()))
        if scale > 0:
            best = max(best, float((heard * said).sum()) / scale)
    return best


def _centred(levels: Levels) -> npt.NDArray[np.float32]:
    wide = levels.astype(np.float32)
    wide = np.maximum(wide, np.percentile(wide, 95, axis=0) - _DEPTH)
    centred: npt.NDArray[np.float32] = wide - wide.mean(axis=0)
    return centred


_WINDOW: Final = np.hanning(_FRAME).astype(np.float32)
