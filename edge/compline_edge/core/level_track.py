"""How loud a voice is second by second, for rules that ask when it was raised."""

from __future__ import annotations

from typing import Final

import numpy as np

from compline_edge.core.evidence import VoiceLevel
from compline_edge.core.speech import SAMPLE_RATE, SpeechBlock
from compline_shared.taxonomy import Role

PIECE_S: Final = 1.0
"""Seconds of speech that one level stands for, at most."""
_PIECE: Final = int(PIECE_S * SAMPLE_RATE)
_LEAST: Final = SAMPLE_RATE // 5
"""Samples at the end of a stretch of speech below which they say little of a level."""
_LOWEST: Final = -120.0  # dBFS


class LevelTrack:
    """Collects one voice's levels, one for each second of speech; 86,400 of them for the longest call."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self._levels: list[VoiceLevel] = []
        self._start = 0.0  # s, of the piece that is being collected
        self._power = 0.0
        self._samples = 0

    def feed(self, block: SpeechBlock) -> None:
        """Take the next block; a block that does not end its stretch is followed by one that continues it."""
        place = 0
        while place < len(block.samples):
            if not self._samples:
                self._start = block.start + place / SAMPLE_RATE
            part = block.samples[place : place + _PIECE - self._samples].astype(np.float64) / 32768
            self._power += float(part @ part)
            self._samples += len(part)
            place += len(part)
            if self._samples == _PIECE:
                self._close()
        if block.ends:
            self._close()

    @property
    def levels(self) -> tuple[VoiceLevel, ...]:
        """The levels so far, in order of time."""
        return tuple(self._levels)

    def _close(self) -> None:
        if self._samples >= _LEAST:
            decibels = 10 * float(np.log10(self._power / self._samples + 1e-12))
            end = self._start + self._samples / SAMPLE_RATE
            self._levels.append(VoiceLevel(self._role, self._start, end, max(_LOWEST, decibels)))
        self._power, self._samples = 0.0, 0
