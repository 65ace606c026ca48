"""How much of a sound is cut off at a rail, the converter's own or one that lies lower."""

from __future__ import annotations

from typing import Final

import numpy as np

from compline_edge.core.speech import Samples

_WIDTH: Final = 64  # values a bin
_BINS: Final = 32_768 // _WIDTH + 1
_RARE: Final = 2e-5  # share of samples that may lie higher: what filters and codecs add to a cut-off wave
_STEPS: Final = 32  # from zero to the highest
_FIRST: Final = 6  # step from which heights are looked at
_BUMP: Final = (
    1.15  # times as many samples as at the lowest height before it: speech gets ever rarer with height
)
_FEW: Final = 30  # samples a step that are too few to tell
_LEAST: Final = 2_048  # highest sample below which nothing is called a rail
_ONE_SIDED: Final = 0.1  # share of the smaller side; sound that never crosses zero is no clipped wave


class Clipping:
    """Counts the heights of samples; memory is fixed. A pure tone also lingers at its peaks: ask only of speech."""

    def __init__(self) -> None:
        self._above = np.zeros(_BINS, np.int64)
        self._below = np.zeros(_BINS, np.int64)

    def feed(self, samples: Samples) -> None:
        """Take samples in [n] int16."""
        wide = samples.astype(np.int32)
        self._above += np.bincount(wide[wide > 0] // _WIDTH, minlength=_BINS)
        self._below += np.bincount(-wide[wide < 0] // _WIDTH, minlength=_BINS)

    @property
    def share(self) -> float:
        """Samples that are cut off, of all that are not silent, 0..1.

        Heights of speech get ever rarer; cut off they pile up, at the rail itself or, filtered afterwards, around it.
        """
        heights = self._above + self._below
        total = int(heights[1:].sum())
        if not total:
            return 0.0
        above = np.cumsum(heights[::-1])[::-1]
        highest = int(np.flatnonzero(above > max(3.0, _RARE * total))[-1]) + 1  # bins
        if highest * _WIDTH < _LEAST:
            return 0.0
        edges = np.linspace(0, highest, _STEPS + 1)
        steps = np.diff(np.interp(edges, np.arange(_BINS + 1), np.append(0, np.cumsum(heights))))
        lowest = np.minimum.accumulate(np.maximum(steps, _FEW))
        bumps = np.flatnonzero(steps[_FIRST:] > _BUMP * lowest[_FIRST - 1 : -1]) + _FIRST
        if not bumps.size:
            return 0.0
        valley = int(np.argmin(steps[: bumps[-1]]))
        where = round(valley * highest / _STEPS)
        sides = [int(side[where:].sum()) for side in (self._above, self._below)]
        if min(sides) < _ONE_SIDED * max(sides):
            return 0.0
        return float(np.maximum(0.0, steps[valley:] - lowest[valley]).sum()) / total
