"""How far speech stands above the noise, from how often each level occurs."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

PERCENTILES: Final = (5, 10, 25, 50, 75)
LOUD: Final = 95
FAR: Final = 60.0  # dB below the loud percentile at which levels are no longer told apart
MOST: Final = 35.0
"""dB above which a line is simply clean."""
LEAST: Final = 30
"""Frames of 32 ms, about 1 s, below which nothing is said."""

_LOWEST: Final = -95.0  # dBFS; what is softer is digital silence and no noise
_STEP: Final = 0.5  # dB
_BINS: Final = round(-_LOWEST / _STEP) + 1

WEIGHTS: Final = (-3.615, 4.364, 1.179, -0.603, -0.468, 2.714, -2.752, -0.926, -0.293, 1.479)
BIAS: Final = -6.6
"""Of the depths, then of their squares, dB, by `python -m models.doubt.noise`: off by 1.4 dB on clips kept apart, by
3.5 dB on other voices (`make eval` doubt)."""

Floats = npt.NDArray[np.float32]


class NoiseFloor:
    """Collects the levels of 32 ms frames in a histogram; memory is fixed."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)

    def feed(self, power: Floats) -> None:
        """Take the mean square of frames within the telephone's band, full scale 1."""
        decibels = 10 * np.log10(power + 1e-12)
        bins = ((decibels[decibels >= _LOWEST] - _LOWEST) / _STEP).astype(np.int64)
        self._counts += np.bincount(np.minimum(bins, _BINS - 1), minlength=_BINS)

    @property
    def depths(self) -> npt.NDArray[np.float64] | None:
        """How far the `PERCENTILES` lie below the loud one, dB; None before `LEAST` frames."""
        running = np.cumsum(self._counts)
        if running[-1] < LEAST:
            return None
        places = np.searchsorted(running, np.array([*PERCENTILES, LOUD]) / 100 * running[-1])
        depths: npt.NDArray[np.float64] = np.minimum((places[-1] - places[:-1]) * _STEP, FAR)
        return depths

    @property
    def snr_db(self) -> float | None:
        """Speech over noise within 300 to 3,400 Hz, dB, 0 to `MOST`; None before a second of sound.

        The deeper the quiet percentiles lie below the loud one, the less noise fills the pauses (as in minimum
        statistics, Martin 2001); a regression on mixtures of known ratio turns depths into decibels
        (`python -m models.doubt.noise`).
        """
        found = self.depths
        if found is None:
            return None
        return float(np.clip(BIAS + shape(found) @ np.array(WEIGHTS), 0.0, MOST))


def shape(depths: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What the regression rests on: depths and their squares."""
    return np.concatenate((depths, depths * depths / FAR))
