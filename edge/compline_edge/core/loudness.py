"""How loud somebody speaks: bounded statistics over the speech of one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_shared.messages import Voice

_FRAME: Final = 480  # samples: 30 ms
_LOWEST: Final = -120  # dBFS
_GATE: Final = 30  # dB below the 95th percentile under which a frame is a pause
CLIPPED: Final = 32_700
"""Samples from which on a recorder is at its limit."""


@dataclass(frozen=True, slots=True)
class LoudnessStatistics:
    """What a voice's level was over speech."""

    mean_dbfs: int  # of the mean power, pauses left out, -120..0
    p95_dbfs: int  # 95th percentile of 30 ms frames, -120..0
    clipped_permille: int  # samples at the converter's limit
    speech_s: float  # s over which the mean was taken


class Loudness:
    """Collects one voice's levels in a histogram of 1 dB; memory does not grow with the call."""

    def __init__(self) -> None:
        self._frames = np.zeros(1 - _LOWEST, np.int64)  # per dB, from -120 to 0
        self._power = np.zeros(1 - _LOWEST, np.float64)
        self._left: Samples = np.zeros(0, np.int16)
        self._samples = 0
        self._clipped = 0

    def feed(self, samples: Samples) -> None:
        """Take samples of speech in [n] int16 at 16 kHz."""
        joined = np.concatenate((self._left, samples)) if self._left.size else samples
        whole = joined.size // _FRAME
        self._left = joined[whole * _FRAME :].copy()
        if not whole:
            return
        frames = joined[: whole * _FRAME].reshape(whole, _FRAME)
        signal = frames.astype(np.float64) / 32768
        power = np.mean(signal * signal, axis=1)
        decibels = np.clip(np.rint(10 * np.log10(power + 1e-12)), _LOWEST, 0).astype(np.int64) - _LOWEST
        self._frames += np.bincount(decibels, minlength=self._frames.size)
        self._power += np.bincount(decibels, weights=power, minlength=self._power.size)
        self._samples += frames.size
        self._clipped += int(np.count_nonzero(np.abs(frames.astype(np.int32)) >= CLIPPED))

    @property
    def statistics(self) -> LoudnessStatistics | None:
        """The statistics so far; None before the first whole frame (30 ms)."""
        total = int(self._frames.sum())
        if total == 0:
            return None
        running = np.cumsum(self._frames)
        p95 = int(np.searchsorted(running, 0.95 * total)) + _LOWEST
        gate = max(0, p95 - _GATE - _LOWEST)
        frames = int(self._frames[gate:].sum())
        mean = round(10 * float(np.log10(self._power[gate:].sum() / frames + 1e-12)))
        return LoudnessStatistics(
            mean_dbfs=min(0, max(_LOWEST, mean)),
            p95_dbfs=p95,
            clipped_permille=round(1000 * self._clipped / self._samples),
            speech_s=frames * _FRAME / SAMPLE_RATE,
        )

    def voice(self, rate: int) -> Voice | None:
        """Return the wire's statistics with a speaking rate in syllables/s; None where nobody spoke."""
        found = self.statistics
        if found is None:
            return None
        return Voice(loudness=found.mean_dbfs, peak_loudness=found.p95_dbfs, rate=min(20, max(0, rate)))
