"""Follows the feelings in one side's voice over a call, a few seconds of speech at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from compline_edge.core.emotions import PIECE, Described, calm_baseline, likely, shares
from compline_edge.core.evidence import EmotionShare
from compline_edge.core.speech import SAMPLE_RATE, Samples, SpeechBlock
from compline_edge.ports import VoiceModel
from compline_shared.taxonomy import Role

ONE_PIECE = 1.0
"""Seconds of silence beyond which speech before and after it is not judged as one piece."""
LONGEST = 4 * 3600.0
"""Seconds of speech beyond which pieces are no longer kept: 12 MB of descriptions."""
_LEAST, _WISHED, _MOST = (round(seconds * SAMPLE_RATE) for seconds in PIECE)


@dataclass(slots=True)
class FeelingTrack:
    """Collects speech in pieces and describes each at once; the feelings are told at the end, beside the baseline."""

    role: Role
    model: VoiceModel
    pieces: list[Described] = field(default_factory=list)
    judged: float = 0.0  # s of speech that the pieces hold
    _parts: list[Samples] = field(default_factory=list)
    _held: int = 0  # samples in the parts
    _start: float = 0.0  # s
    _end: float = 0.0  # s

    def feed(self, block: SpeechBlock) -> None:
        """Take the next block of speech."""
        if self._held and block.start - self._end > ONE_PIECE:
            self._close()
        place = 0
        while place < len(block.samples):
            if not self._held:
                self._start = block.start + place / SAMPLE_RATE
            part = block.samples[place : place + _MOST - self._held]
            self._parts.append(part)
            self._held += len(part)
            place += len(part)
            self._end = block.start + place / SAMPLE_RATE
            if self._held == _MOST:
                self._close()
        if block.ends and self._held >= _WISHED:
            self._close()

    def finish(self) -> tuple[EmotionShare, ...]:
        """Take the end of the call; returns each feeling's share of the speech, nothing where too little was said."""
        self._close()
        if not self.pieces:
            return ()
        voices = np.stack([piece.voice for piece in self.pieces])
        alone = self.model.judge(voices, None)
        relative = self.model.judge(voices, calm_baseline(voices, alone))
        return shares(self.role, self.pieces, likely(alone, relative))

    def _close(self) -> None:
        """Describe what is held, where it is long enough to tell anything."""
        held, parts = self._held, self._parts
        self._parts, self._held = [], 0
        if held < _LEAST or self.judged > LONGEST:
            return
        voice = self.model.describe(np.concatenate(parts))
        if voice is not None:
            self.pieces.append(Described(self._start, self._end, voice))
            self.judged += held / SAMPLE_RATE
