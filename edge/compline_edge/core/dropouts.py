"""Finds lost packets in sound: gaps of nothing with steep sides, and frames that are played twice."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from compline_edge.core.speech import SAMPLE_RATE

PIECE: Final = 80
"""Samples of the pieces that are compared: 5 ms."""
PIECE_S: Final = PIECE / SAMPLE_RATE
LAGS: Final = (160, 320, 480)
"""Samples after which a concealed frame repeats: packets carry 10, 20 or 30 ms."""
AUDIBLE: Final = -50.0
"""dBFS from which a piece counts as sound that can be lost."""

_NOTHING: Final = -72.0  # dBFS: 8 steps of 16 bits; A-law's smallest value is as large
_STEEP: Final = 22.0  # dB by which a side of a gap falls within two pieces; a closing lip takes longer
_GAP: Final = (2, 24)  # pieces: 10 ms less a piece at its sides, to 120 ms
_LONGEST_REPEAT: Final = 20  # pieces: 100 ms; what goes on repeating is a tone or hum
_ALIKE: Final = 0.9995  # correlation of a piece with the one a lag before; held vowels stay below
_KEPT: Final = 32  # pieces that are looked at again with what follows

Floats = npt.NDArray[np.float32]


class Dropouts:
    """Counts what was lost of one channel, block by block; memory is fixed."""

    def __init__(self) -> None:
        self._samples: Floats = np.zeros(LAGS[-1], np.float32)  # before the next block
        self._levels: Floats = np.full(_KEPT, -120.0, np.float32)
        self._alike = np.zeros((len(LAGS), _KEPT), dtype=np.bool_)

    def feed(self, signal: Floats) -> tuple[float, float]:
        """Take [n] samples of -1..1, n a multiple of `PIECE`; returns seconds newly known as lost and as heard."""
        joined = np.concatenate((self._samples, signal))
        self._samples = joined[-LAGS[-1] :]
        pieces = signal.reshape(-1, PIECE)
        energy = np.einsum("ij,ij->i", pieces, pieces)
        levels = np.concatenate((self._levels, 10 * np.log10(energy / PIECE + 1e-12)))
        alike = np.concatenate((self._alike, _alike(joined, pieces, energy)), axis=1)
        self._levels, self._alike = levels[-_KEPT:], alike[:, -_KEPT:]
        lost = _gaps(levels) + _repeats(alike, levels)
        heard = int(np.count_nonzero(levels[_KEPT:] > AUDIBLE))
        return lost * PIECE_S, heard * PIECE_S


def _alike(joined: Floats, pieces: Floats, energy: Floats) -> npt.NDArray[np.bool_]:
    """Whether each piece repeats what lies one lag before it: [lags, pieces]."""
    rows = []
    for lag in LAGS:
        first = LAGS[-1] - lag
        before = joined[first : first + pieces.size].reshape(-1, PIECE)
        across = np.einsum("ij,ij->i", pieces, before)
        both = energy * np.einsum("ij,ij->i", before, before)
        rows.append((across > 0) & (across * across > _ALIKE * _ALIKE * both))
    return np.array(rows)


def _gaps(levels: Floats) -> int:
    """Pieces inside gaps whose end has come into view."""
    return sum(
        end - start
        for start, end in _runs(levels < _NOTHING)
        if _GAP[0] <= end - start <= _GAP[1]
        and levels[start - 2 : start].max() - levels[start] > _STEEP
        and levels[end : end + 2].max() - levels[end - 1] > _STEEP
        and min(levels[start - 2 : start].max(), levels[end : end + 2].max()) > AUDIBLE
    )


def _repeats(alike: npt.NDArray[np.bool_], levels: Floats) -> int:
    """Pieces inside repeated frames, each counted for one lag only."""
    taken = np.zeros(levels.size, dtype=np.bool_)
    for row, lag in zip(alike, LAGS, strict=True):
        frame = lag // PIECE
        for start, end in _runs(row & (levels > AUDIBLE)):
            if frame - 1 <= end - start <= _LONGEST_REPEAT:
                taken[start : min(end + 1, start + -(-(end - start) // frame) * frame)] = True
    return int(np.count_nonzero(taken))


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end of each run of True that ends in the newer part, so that each is seen once, whole."""
    edges = np.diff(flags.astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    last = flags.size - 2
    return [
        (start, end)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if start >= 2 and _KEPT - 2 < end <= last
    ]
