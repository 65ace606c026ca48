"""Decides who spoke when on one channel: verification of the collector, smoothed over turns, unknown where in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from compline_edge.core.voiceprint import Vector, Voiceprint, centre
from compline_shared.errors import ComplineError
from compline_shared.taxonomy import Role

Floats = npt.NDArray[np.float64]

FULL: Final = 1.5
"""Seconds of a window; one that is shorter says less in proportion."""
LEAST_TO_LEARN: Final = 4.0
"""Seconds of each side that must be sure before a call teaches how the two voices sound in it."""
LEAST_HEARD: Final = 3.0
"""Seconds that are surely the collector's below which nobody is told to be the other side: an angry collector may be as
far from his enrolled voice as anybody, and his words must not be taken for a debtor's."""
ROUNDS: Final = 3


class BadSpeakerCalibration(ComplineError):
    """The speaker model's operating point cannot be used: restore it with `git checkout -- models`."""


class SpeakerCalibration(msgspec.Struct, frozen=True):
    """What a cosine to the voiceprint means, and from where on a role is told; measured with the model.

    A window of `FULL` seconds at cosine s has log-odds `slope * (s - middle)` of being the collector; where the call
    has taught both voices, `contrast_slope` times the difference of the cosines to each counts as well.
    """

    middle: float
    slope: float
    contrast_slope: float
    switch_inside: (
        float  # probability of another speaker from one window to the next within a stretch of speech
    )
    switch_between: float  # from one stretch to the next
    collector: float  # probability of the collector from which on he is told
    other: float  # at or below which the other side is
    two_voices: float  # cosine of the middles of two groups below which they are two voices


def parse_speaker_calibration(content: bytes) -> SpeakerCalibration:
    """Read calibration.json of a speaker model.

    Raises:
        BadSpeakerCalibration: it holds none, or one by which the two roles would overlap.
    """
    try:
        found = msgspec.json.decode(content, type=SpeakerCalibration)
    except msgspec.MsgspecError as error:
        raise BadSpeakerCalibration(f"{BadSpeakerCalibration.__doc__} ({error})") from error
    chances = (found.switch_inside, found.switch_between)
    ordered = 0.0 < found.other < 0.5 < found.collector < 1.0
    if (
        not ordered
        or not all(0.0 < chance < 1.0 for chance in chances)
        or min(found.slope, found.contrast_slope) <= 0
    ):
        raise BadSpeakerCalibration(BadSpeakerCalibration.__doc__)
    return found


@dataclass(frozen=True, slots=True)
class Window:
    """A voice over a window; windows of one stretch of speech follow one another without gaps or overlap in `share`."""

    start: float  # s
    end: float  # s
    share: float  # s of speech for which it stands; overlapping windows share what they have in common
    opens: bool  # whether a stretch of speech begins with it
    vector: Vector


def probabilities(windows: Sequence[Window], voice: Voiceprint, calibration: SpeakerCalibration) -> Floats:
    """Return for each window of a call, in order of time, the probability that the collector speaks.

    Where the windows that are sure by the voiceprint are enough on both sides, the call's own voices are learnt from
    them and all windows judged again: line and loudness are then the same for what is compared.
    """
    if not windows:
        return np.zeros(0)
    vectors = np.stack([window.vector for window in windows])
    shares = np.array([window.share for window in windows])
    weight = np.minimum(1.0, shares / FULL)
    near = vectors @ voice.vector
    found = _smoothed(windows, weight * calibration.slope * (near - calibration.middle), calibration)
    for _ in range(ROUNDS):
        ours, theirs = found >= calibration.collector, found <= calibration.other
        if min(shares[ours].sum(), shares[theirs].sum()) < LEAST_TO_LEARN:
            break
        own = centre(
            np.vstack([vectors[ours], voice.vector[None]]), np.append(shares[ours], shares[ours].sum() / 2)
        )
        foreign = centre(vectors[theirs], shares[theirs])
        contrast = vectors @ own - vectors @ foreign
        odds = calibration.contrast_slope * contrast + calibration.slope * (near - calibration.middle)
        found = _smoothed(windows, weight * odds / 2, calibration)
    return found


def roles(windows: Sequence[Window], voice: Voiceprint, calibration: SpeakerCalibration) -> list[Role]:
    """Return who speaks in each window; unknown between the two points, and instead of other before he was heard."""
    told = [role_of(chance, calibration) for chance in probabilities(windows, voice, calibration)]
    ours = sum(window.share for window, role in zip(windows, told, strict=True) if role is Role.COLLECTOR)
    if ours < LEAST_HEARD:
        return [Role.UNKNOWN if role is Role.OTHER else role for role in told]
    return told


def role_of(chance: float, calibration: SpeakerCalibration) -> Role:
    """Return the role that a probability of the collector stands for."""
    if chance >= calibration.collector:
        return Role.COLLECTOR
    return Role.OTHER if chance <= calibration.other else Role.UNKNOWN


def _smoothed(windows: Sequence[Window], odds: Floats, calibration: SpeakerCalibration) -> Floats:
    """Forward and backward over two speakers who seldom change within a stretch of speech. Source: Rabiner 1989."""
    likely = (1 / (1 + np.exp(-np.clip(odds, -30, 30)))).tolist()
    changes = [calibration.switch_between if w.opens else calibration.switch_inside for w in windows]
    ahead: list[float] = []
    chance = 0.5
    for place, (ours, change) in enumerate(zip(likely, changes, strict=True)):
        before = chance * (1 - change) + (1 - chance) * change if place else 0.5
        chance = before * ours / (before * ours + (1 - before) * (1 - ours))
        ahead.append(chance)
    found = np.empty(len(windows))
    coming = 0.5
    for place in range(len(windows) - 1, -1, -1):
        both = ahead[place] * coming
        found[place] = both / (both + (1 - ahead[place]) * (1 - coming))
        ours, theirs = likely[place] * coming, (1 - likely[place]) * (1 - coming)
        share = ours / (ours + theirs)
        coming = share * (1 - changes[place]) + (1 - share) * changes[place]
    return found
