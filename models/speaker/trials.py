"""Verification trials on held-out voices, and their equal error rate: by what ways of comparing voices are chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from models.speaker.rates import equal_error
from models.speaker.stages import Made
from numpy.typing import NDArray

Floats = NDArray[np.floating]

LINES = ("mulaw", "amr122")


@dataclass(frozen=True, slots=True)
class Trials:
    """Which clips enrol a voice and which are tried against it; the first half of each voice's clips enrol."""

    enrol: NDArray[np.bool_]  # [clips]
    voices: NDArray[np.int64]  # [clips]

    @classmethod
    def of(cls, made: Made) -> Trials:
        """Divide the clips of each voice."""
        place = np.array([(made.voices[:i] == v).sum() for i, v in enumerate(made.voices)])
        counts = np.bincount(made.voices)
        return cls(place < counts[made.voices] // 2, made.voices)

    def rates(self, enrolled: Floats, tried: Floats) -> dict[str, float]:
        """Equal error rates of unit vectors [clips, width]: of all, and of the real voices among themselves."""
        centres = np.stack(
            [enrolled[self.enrol & (self.voices == voice)].mean(axis=0) for voice in np.unique(self.voices)]
        )
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        return self.of_scores(tried[~self.enrol] @ centres.T)

    def of_scores(self, scores: Floats) -> dict[str, float]:
        """Equal error rates of scores [tried clips, voices]."""
        whose = self.voices[~self.enrol]
        same = whose[:, None] == np.arange(scores.shape[1])[None]
        real = whose < 3
        return {
            "all": equal_error(scores[same], scores[~same]),
            "real": equal_error(
                scores[real][:, :3][same[real][:, :3]], scores[real][:, :3][~same[real][:, :3]]
            ),
        }
