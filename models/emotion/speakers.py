"""Trials on a speaker who is in no training: descriptions of all clips, baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt
from models.emotion.corpus import FOLDERS, Clip, lines
from models.emotion.judge import Judge, learn, lesson

from compline_edge.senses.voice_model import VoiceNetwork

ENROLLED = 10
"""Neutral clips that a speaker's baseline is the mean of."""
DRAWS = 4
"""Baselines of each training speaker, drawn anew each time: nobody's ten clips are quite neutral."""
NEUTRAL, ANGRY = FOLDERS.index("neutral"), FOLDERS.index("angry")

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Voices:
    """All clips described, once for each line that they were sent over."""

    speaker: npt.NDArray[np.str_]  # [clips]
    feeling: Whole  # [clips]
    sentence: Whole  # [clips]
    described: dict[str, Floats]  # line: [clips, width]

    @property
    def speakers(self) -> list[str]:
        """Everybody, in order."""
        return sorted(set(self.speaker.tolist()))


def describe(clips: Sequence[Clip], network: VoiceNetwork, over: Sequence[str], *, seed: int = 1) -> Voices:
    """Describe clips over these lines; one in which no voice was found is described by the median of all."""
    described = {}
    for line in over:
        rows = [network.describe(samples) for samples in lines([c.samples for c in clips], line, seed=seed)]
        found = np.stack([row for row in rows if row is not None])
        middle = np.median(found, axis=0)
        described[line] = np.stack([middle if row is None else row for row in rows]).astype(np.float64)
    return Voices(
        np.array([clip.speaker for clip in clips]),
        np.array([clip.feeling for clip in clips]),
        np.array([clip.sentence for clip in clips]),
        described,
    )


def alone(described: Floats) -> Floats:
    """Voices by themselves, nothing made of how loud the recording is."""
    found = described.copy()
    found[:, 0] = 0.0
    return found


def enrolment(voices: Voices, own: Bools, *, seed: int) -> Whole:
    """Return the places of the ten neutral clips that make a speaker's baseline."""
    calm = np.flatnonzero(own & (voices.feeling == NEUTRAL))
    return np.random.default_rng(seed).choice(calm, ENROLLED, replace=False)


class Measure(Enum):
    """What a voice is measured by, in lessons and in trials."""

    ALONE = "alone"  # nothing: as it is
    ENROLLED = "enrolled"  # ten neutral clips of the speaker
    ALL = "all"  # all of the speaker's clips, which nobody has beforehand


def taught(voices: Voices, inside: Bools, *, by: Measure) -> Judge:
    """Return the judge that the clips `inside` teach, over all lines; baselines are drawn DRAWS times."""
    rows, feelings = [], []
    for line in voices.described.values():
        for draw in range(DRAWS if by is Measure.ENROLLED else 1):
            for speaker in sorted(set(voices.speaker[inside].tolist())):
                own = inside & (voices.speaker == speaker)
                rows.append(measured(voices, line, own, by=by, seed=100 + draw)[0])
                feelings.append(voices.feeling[own])
    return learn(lesson(np.concatenate(rows), np.concatenate(feelings)))


def measured(voices: Voices, line: Floats, own: Bools, *, by: Measure, seed: int = 0) -> tuple[Floats, Whole]:
    """Return a speaker's clips relative to what they are measured by, and which places that took."""
    match by:
        case Measure.ALONE:
            return alone(line[own]), np.zeros(0, dtype=np.int64)
        case Measure.ENROLLED:
            ten = enrolment(voices, own, seed=seed)
            return line[own] - line[ten].mean(axis=0), ten
        case Measure.ALL:
            return line[own] - np.median(line[own], axis=0), np.zeros(0, dtype=np.int64)


def recall(wanted: Whole, told: Whole) -> float:
    """Unweighted average recall of the feelings that are there."""
    return float(np.mean([(told[wanted == each] == each).mean() for each in sorted(set(wanted.tolist()))]))


def angry_f1(wanted: Whole, told: Whole) -> float:
    """F1 of angry against the rest."""
    right = int(((wanted == ANGRY) & (told == ANGRY)).sum())
    return 2 * right / max(1, int((wanted == ANGRY).sum() + (told == ANGRY).sum()))
