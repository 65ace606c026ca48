"""Trials on a speaker who is in no training: descriptions of all clips, baselines, choice of the manner without him."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from models.emotion.corpus import FOLDERS, Clip, lines
from models.emotion.judge import MANNERS, Judge, Lesson, Manner, learn, lesson, sorted_out

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


def enrolment(voices: Voices, speaker: str, *, seed: int) -> Whole:
    """Return the places of the ten neutral clips that make a speaker's baseline."""
    calm = np.flatnonzero((voices.speaker == speaker) & (voices.feeling == NEUTRAL))
    return np.random.default_rng(seed).choice(calm, ENROLLED, replace=False)


def lesson_of(voices: Voices, inside: Bools, *, relative: bool) -> Lesson:
    """Learn from the clips `inside` over all lines, relative to drawn baselines or alone."""
    rows, feelings = [], []
    for line in voices.described.values():
        for draw in range(DRAWS if relative else 1):
            for speaker in sorted(set(voices.speaker[inside].tolist())):
                own = inside & (voices.speaker == speaker)
                if relative:
                    rows.append(line[own] - line[enrolment(voices, speaker, seed=100 + draw)].mean(axis=0))
                else:
                    rows.append(alone(line[own]))
                feelings.append(voices.feeling[own])
    return lesson(np.concatenate(rows), np.concatenate(feelings))


def chosen(voices: Voices, inside: Bools, *, relative: bool) -> Manner:
    """Return the manner whose judge is best on each speaker inside who was left out of its lesson."""
    scores = np.zeros(len(MANNERS))
    speakers = sorted(set(voices.speaker[inside].tolist()))
    for speaker in speakers:
        known = lesson_of(voices, inside & (voices.speaker != speaker), relative=relative)
        own = inside & (voices.speaker == speaker)
        for line in voices.described.values():
            for draw in range(DRAWS if relative else 1):
                baseline = line[enrolment(voices, speaker, seed=draw)].mean(axis=0) if relative else None
                heard = alone(line[own]) if baseline is None else line[own] - baseline
                for place, manner in enumerate(MANNERS):
                    told = learn(known, manner).logits(heard).argmax(axis=1)
                    scores[place] += recall(voices.feeling[own], told)
    return sorted_out(MANNERS, scores.tolist())


def taught(voices: Voices, inside: Bools, *, relative: bool) -> Judge:
    """Return the judge that the clips `inside` teach, its manner chosen on them alone."""
    manner = chosen(voices, inside, relative=relative)
    return learn(lesson_of(voices, inside, relative=relative), manner)


def recall(wanted: Whole, told: Whole) -> float:
    """Unweighted average recall of the feelings that are there."""
    return float(np.mean([(told[wanted == each] == each).mean() for each in sorted(set(wanted.tolist()))]))


def angry_f1(wanted: Whole, told: Whole) -> float:
    """F1 of angry against the rest."""
    right = int(((wanted == ANGRY) & (told == ANGRY)).sum())
    return 2 * right / max(1, int((wanted == ANGRY).sum() + (told == ANGRY).sum()))
