"""How good one channel's sound is, whoever speaks whatever: noise, clipping, band, lost packets, tones, music."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from compline_edge.core.clipping import Clipping
from compline_edge.core.dropouts import Dropouts
from compline_edge.core.noise_floor import NoiseFloor
from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.core.timbre import HOP, WINDOW_BLOCKS, Timbre

BLOCK: Final = 20 * HOP
"""Samples that are looked at together: 0.64 s."""
BLOCK_S: Final = BLOCK / SAMPLE_RATE
NARROW_RATE: Final = 8_000
WIDE_HZ: Final = 5_000
"""Upper edge below which a call came over a narrow line: those end at 3,500 to 4,500 Hz."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What a whole channel's sound is like."""

    snr_db: float | None  # speech over noise, dB; None: too little sound to tell
    clipped: float  # share of samples cut off, 0..1
    band_hz: int | None  # upper edge of what is heard
    lost: float  # share of the sound that was lost on the way, 0..1


@dataclass(frozen=True, slots=True)
class Stillness:
    """What a stretch of sound is like."""

    tones: float  # share that is a tone or two, 0..1
    music: float  # how steadily single frequencies sound, 0..5


def real_rate(recorded: int, quality: Quality | None) -> int:
    """Return the sample rate, Hz, that what is heard needs: a narrow line may lie in a file of 16 kHz."""
    narrow = quality is not None and quality.band_hz is not None and quality.band_hz < WIDE_HZ
    return min(recorded, NARROW_RATE) if narrow else recorded


class AudioQuality:
    """One channel being listened to; besides fixed memory it keeps two numbers for each 0.64 s of the call."""

    def __init__(self) -> None:
        self._left: Samples = np.zeros(0, np.int16)
        self._noise = NoiseFloor()
        self._clipping = Clipping()
        self._dropouts = Dropouts()
        self._timbre = Timbre()
        self._lost = 0.0  # s
        self._heard = 0.0  # s
        self._tones: list[float] = []
        self._music: list[float] = []

    def feed(self, samples: Samples) -> None:
        """Take the next samples of the recording in [n] int16 at 16 kHz, speech or not."""
        joined = np.concatenate((self._left, samples)) if self._left.size else samples
        whole = joined.size // BLOCK
        self._left = joined[whole * BLOCK :].copy()
        for block in joined[: whole * BLOCK].reshape(whole, BLOCK):
            self._take(block)

    def finish(self) -> None:
        """Take the end: what is left is looked at with silence after it."""
        if self._left.size:
            self._take(np.pad(self._left, (0, BLOCK - self._left.size)))
            self._left = self._left[:0]

    @property
    def quality(self) -> Quality:
        """The measures so far."""
        return Quality(
            snr_db=self._noise.snr_db,
            clipped=self._clipping.share,
            band_hz=self._timbre.band_hz,
            lost=min(1.0, self._lost / self._heard) if self._heard else 0.0,
        )

    def between(self, stretches: Sequence[tuple[float, float]]) -> Stillness:
        """What the sound is like in stretches of (start, end) s; zeros where nothing was heard yet."""
        blocks = sorted({k for start, end in stretches for k in self._blocks(start, end)})
        if not blocks:
            return Stillness(0.0, 0.0)
        return Stillness(
            tones=float(np.mean([self._tones[k] for k in blocks])),
            music=float(np.median([self._music[k] for k in blocks])),
        )

    def _blocks(self, start: float, end: float) -> range:
        return range(max(0, int(start / BLOCK_S)), min(len(self._tones), int(np.ceil(end / BLOCK_S))))

    def _take(self, block: Samples) -> None:
        signal = block.astype(np.float32) * np.float32(1 / 32_768)
        signal -= signal.mean()  # some recorders have an offset
        self._clipping.feed(block)
        lost, heard = self._dropouts.feed(signal)
        self._lost += lost
        self._heard += heard
        found = self._timbre.feed(signal)
        self._noise.feed(found.power)
        self._tones.append(found.tones)
        self._music.append(found.steadiness)
        since = max(0, len(self._music) - WINDOW_BLOCKS)
        if len(self._music) >= WINDOW_BLOCKS:  # a steadiness stands for all the blocks that it was judged on
            self._music[since:] = [max(before, found.steadiness) for before in self._music[since:]]
