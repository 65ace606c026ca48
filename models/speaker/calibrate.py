"""What the student's cosines mean, measured on held-out voices: slopes, switching, and from where on roles are told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

import msgspec
import numpy as np
from models.eval.mixed_calls import LINES, OURS, THEIRS, Speaker, call
from models.eval.speaker import stretches, voiceprint
from models.speaker.background import coloured
from models.speaker.clips import streams
from models.speaker.stages import Made
from models.speaker.trials import Trials
from models.speaker.voices import Voice, spoken
from models.train.fbank import SAMPLE_RATE
from numpy.typing import NDArray

from compline_edge.core.speaker_roles import SpeakerCalibration, Window, roles
from compline_edge.core.supervector import VoiceSpace
from compline_edge.core.voice_enrolment import halves
from compline_edge.core.voiceprint import Voiceprint, centre
from compline_edge.mixed_hearing import windows_of
from compline_edge.ports import VoiceEncoder
from compline_shared.taxonomy import Role

Floats = NDArray[np.floating]

FRAMES = 148
"""Of a window of `FULL` seconds."""
SPEEDS = (0.88, 1.0, 1.14)
ENROL_S, PIECE_S = 66, 4
LENGTH = 50.0
POINTS = (0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99)
MOST_ERROR = 0.01
"""Role error of decided time on development calls up to which as much as possible is decided; little, for these
voices were learnt from, and others are harder."""
SWITCHES = ((0.05, 0.45), (0.1, 0.45), (0.15, 0.5))


@dataclass(frozen=True, slots=True)
class Heard:
    """A development call: its windows, the collector's print, and whose each window is."""

    voice: Voiceprint
    windows: Sequence[Window]
    ours: Sequence[bool]


def measured(space: VoiceSpace, held_out: Made) -> SpeakerCalibration:
    """Slopes by logistic regression over windows of held-out voices; switching and points are those to start from."""
    trials = Trials.of(held_out)
    near, same, contrast, ours = [], [], [], []
    for line in range(held_out.copies.shape[1]):
        windows = _windows(space, held_out, line, chance=np.random.default_rng(29))
        whose, enrols = np.tile(held_out.voices, 2), np.tile(trials.enrol, 2)
        centres = np.stack([centre(windows[enrols & (whose == v)]) for v in np.unique(whose)])
        cosines = windows[~enrols] @ centres.T
        mine = whose[~enrols][:, None] == np.arange(len(centres))[None]
        near.append(cosines.reshape(-1))
        same.append(mine.reshape(-1))
        for one, other in permutations(range(len(centres)), 2):
            rows = cosines[whose[~enrols] == one]
            contrast.append(rows[:, one] - rows[:, other])
            ours.append(np.ones(len(rows), dtype=bool))
            contrast.append(rows[:, other] - rows[:, one])
            ours.append(np.zeros(len(rows), dtype=bool))
    slope, offset = _logistic(np.concatenate(near), np.concatenate(same))
    steep, _ = _logistic(np.concatenate(contrast), np.concatenate(ours))
    return SpeakerCalibration(
        middle=round(-offset / slope, 4),
        slope=round(slope, 3),
        contrast_slope=round(steep, 3),
        switch_inside=0.05,
        switch_between=0.45,
        collector=0.9,
        other=0.1,
        two_voices=round(_two_voices(space, held_out), 4),
    )


def chosen(encoder: VoiceEncoder, data: Path) -> SpeakerCalibration:
    """Try switching and points on development calls: the least unknown at a role error that is small enough."""
    heard = list(_heard(encoder, data))
    found: list[tuple[float, float, SpeakerCalibration]] = []
    for (inside, between), point in product(SWITCHES, POINTS):
        tried = msgspec.structs.replace(
            encoder.calibration,
            switch_inside=inside,
            switch_between=between,
            collector=point,
            other=round(1 - point, 4),
        )
        error, unknown = _rates(heard, tried)
        print(f"switch {inside} {between} point {point}: error {error:.3f} unknown {unknown:.3f}", flush=True)
        found.append((error, unknown, tried))
    good = [each for each in found if each[0] <= MOST_ERROR]
    return min(good, key=lambda each: each[1])[2] if good else min(found, key=lambda each: each[0])[2]


def _rates(heard: Sequence[Heard], tried: SpeakerCalibration) -> tuple[float, float]:
    """Role error of decided time and share of unknown."""
    right = wrong = unknown = 0.0
    for call_ in heard:
        for window, told, ours in zip(
            call_.windows, roles(call_.windows, call_.voice, tried), call_.ours, strict=True
        ):
            if told is Role.UNKNOWN:
                unknown += window.share
            elif (told is Role.COLLECTOR) is ours:
                right += window.share
            else:
                wrong += window.share
    return wrong / max(1e-9, right + wrong), unknown / (right + wrong + unknown)


def _heard(encoder: VoiceEncoder, data: Path) -> Iterator[Heard]:
    chance = np.random.default_rng(17)
    known = development_speakers(data)
    prints = {speaker.name: voiceprint(speaker, encoder) for speaker in known}
    for collector, other in permutations(known, 2):
        line = list(LINES.values())[int(chance.integers(2))]
        made = call(collector.calling, other.calling, line, chance, LENGTH)
        windows = [w for start, part in stretches(made.samples) for w in windows_of(part, start, encoder)]
        ours = []
        for window in windows:
            truth = made.truth[round(window.start * SAMPLE_RATE) : round(window.end * SAMPLE_RATE)]
            ours.append(bool((truth == OURS).sum() >= (truth == THEIRS).sum()))
        yield Heard(prints[collector.name], windows, ours)


def development_speakers(data: Path) -> list[Speaker]:
    """Real voices that were learnt from, saying what was held out, as recorded and slower or faster."""
    found = []
    for place, stream in enumerate(streams(data, held_out=True)):
        if len(stream) < (ENROL_S + 40) * SAMPLE_RATE:
            continue
        for speed in SPEEDS:
            sound = spoken(stream, Voice(place, 0.0, 1.0, 1.0, 1.0, 0.0, speed))
            size = PIECE_S * SAMPLE_RATE
            pieces = [sound[at : at + size] for at in range(0, len(sound) - size, size)]
            level = [np.asarray(p / np.sqrt((p**2).mean() + 1e-9), dtype=np.float32) for p in pieces]
            count = int(ENROL_S / PIECE_S * 1.1)
            found.append(Speaker(f"{place} at {speed}", tuple(level[:count]), tuple(level[count:]), {}))
    return found


def _windows(
    space: VoiceSpace, held_out: Made, line: int, *, chance: np.random.Generator | None = None
) -> NDArray[np.float32]:
    """Two windows of each clip over a line, all first ones first; with `chance` each over another microphone."""
    found = []
    for at in (0, FRAMES):
        for clip in held_out.copies[:, line]:
            heard = coloured(clip, chance) if chance else clip.astype(np.float32)
            found.append(space.place(heard[at : at + FRAMES]))
    return np.stack(found)


def _logistic(values: Floats, positive: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of a logistic regression in which both classes weigh the same, by Newton's method."""
    weights = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
    design = np.stack([values, np.ones_like(values)], axis=1).astype(np.float64)
    fit = np.array([5.0, 0.0])
    for _ in range(30):
        told = 1 / (1 + np.exp(-np.clip(design @ fit, -30, 30)))
        gradient = design.T @ (weights * (positive - told))
        curve = (design * (weights * told * (1 - told))[:, None]).T @ design + 1e-9 * np.eye(2)
        fit = fit + np.linalg.solve(curve, gradient)
    return float(fit[0]), float(fit[1])


def _two_voices(space: VoiceSpace, held_out: Made) -> float:
    """The cosine between the halves of what is said below which they are two voices: one in twenty single ones is."""
    chance = np.random.default_rng(23)
    windows = _windows(space, held_out, 0)
    whose = np.tile(held_out.voices, 2)
    one, two = [], []
    for voice in np.unique(whose):
        other = int(chance.choice(np.unique(whose[whose != voice])))
        mine, theirs = windows[whose == voice], windows[whose == other]
        one.append(halves(mine, np.ones(len(mine)))[0])
        two.append(halves(np.concatenate([mine, theirs]), np.ones(len(mine) + len(theirs)))[0])
    print(f"halves of one voice {np.round(np.quantile(one, [0.05, 0.5, 0.95]), 3)}, ", end="")
    print(f"of two {np.round(np.quantile(two, [0.05, 0.5, 0.95]), 3)}", flush=True)
    limit = float(np.quantile(one, 0.05))
    print(f"two voices told in {np.mean(np.array(two) < limit):.2f} of the pairs", flush=True)
    return limit
