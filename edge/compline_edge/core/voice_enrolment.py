"""Whether some speech will do for a voiceprint: enough of it, clean enough, and of one voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

import numpy as np
import numpy.typing as npt

from compline_edge.core.speaker_roles import SpeakerCalibration, Window
from compline_edge.core.voiceprint import Voiceprint, centre

NEEDED: Final = 60.0
"""Seconds of speech that a voiceprint rests on at least."""
MOST: Final = 600.0
"""Seconds of speech after which more is not listened to."""
LEAST_RANGE: Final = 15.0
"""Decibels between the loud tenth and the soft tenth of a recording below which noise covers the voice."""
MOST_CLIPPED: Final = 0.005
"""Share of samples at the limit above which a recording is distorted."""
FOREIGN_SHARE: Final = 0.12
"""Share of the speech that a second voice must have to count as one."""
_ROUNDS: Final = 8


@unique
class Refusal(Enum):
    """Why no voiceprint was made; the value is the name for programs."""

    SILENT = "silent"
    TOO_SHORT = "too_short"
    POOR_AUDIO = "poor_audio"
    SEVERAL_VOICES = "several_voices"


@dataclass(frozen=True, slots=True)
class Refused:
    """No voiceprint, why not, and how much speech there was."""

    reason: Refusal
    seconds: float  # of speech


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was recorded for enrolment, all files together."""

    windows: Sequence[Window]
    dynamic: float  # dB between the loud tenth and the soft tenth of the worst recording
    clipped: float  # share of samples at the limit in the worst recording


def enrolled(spoken: Spoken, *, model: int, calibration: SpeakerCalibration) -> Voiceprint | Refused:
    """Make a voiceprint of the speaker model's version `model`, or say why not."""
    seconds = sum(window.share for window in spoken.windows)
    if not spoken.windows:
        return Refused(Refusal.SILENT, 0.0)
    if spoken.dynamic < LEAST_RANGE or spoken.clipped > MOST_CLIPPED:
        return Refused(Refusal.POOR_AUDIO, seconds)
    vectors = np.stack([window.vector for window in spoken.windows])
    shares = np.array([window.share for window in spoken.windows])
    if several(vectors, shares, calibration):
        return Refused(Refusal.SEVERAL_VOICES, seconds)
    if seconds < NEEDED:
        return Refused(Refusal.TOO_SHORT, seconds)
    return Voiceprint(model, seconds, centre(vectors, shares))


def several(
    vectors: npt.NDArray[np.float32], shares: npt.NDArray[np.float64], calibration: SpeakerCalibration
) -> bool:
    """Whether unit vectors [n, width] that stand for `shares` seconds each are of more than one voice.

    They are divided in two, as far apart as they go; the halves of one voice are still near one another.
    """
    cosine, smaller = halves(vectors, shares)
    return smaller >= FOREIGN_SHARE and cosine < calibration.two_voices


def halves(vectors: npt.NDArray[np.float32], shares: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Divide unit vectors [n, width] in two by 2-means: the cosine between the two middles, and the smaller's share."""
    far = vectors[int(np.argmin(vectors @ centre(vectors, shares)))]
    poles = np.stack([far, vectors[int(np.argmin(vectors @ far))]])
    smaller = 0.0
    for _ in range(_ROUNDS):
        second = vectors @ poles[1] > vectors @ poles[0]
        if second.all() or not second.any():
            return 1.0, 0.0
        poles = np.stack([centre(vectors[~second], shares[~second]), centre(vectors[second], shares[second])])
        smaller = float(min(shares[second].sum(), shares[~second].sum()) / shares.sum())
    return float(poles[0] @ poles[1]), smaller
