"""What training needs, made once and kept in a work folder: clips of made voices with the teacher's view of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from models.speaker.clips import AMR, MULAW, Clip, clips, made_voices, streams
from models.speaker.teacher import Teacher
from models.speaker.voices import Voice
from numpy.typing import NDArray

Floats = NDArray[np.float32]

VOICES, EACH = 240, 3
PARTS = 1
HELD_VOICES, HELD_EACH = 40, 16
"""Made voices to learn from, in each part, and to choose by, and clips of each; the latter say what was held out."""
VOCODED = 0.6
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Made:
    """Clips of made voices: features of each copy, whose they are, and the teacher's vectors."""

    copies: NDArray[np.float16]  # [clips, copies, frames, bins]
    voices: NDArray[np.int64]  # [clips]
    taught: Floats  # [clips, 256]


def training(data: Path, work: Path) -> Made:
    """The clips to learn from, made part by part so that little is lost where it is broken off."""
    parts = []
    for part in range(PARTS):
        path = work / f"training-{part}.npz"
        if not path.exists():
            voices = made_voices(VOICES, seed=1 + 10 * part, vocoded=VOCODED)
            said = streams(data, held_out=False)
            _keep(path, clips(said, voices, each=EACH, lines=None, seed=2 + 10 * part))
        parts.append(_read(path))
    frames = min(part.copies.shape[2] for part in parts)
    return Made(
        np.concatenate([part.copies[:, :, :frames] for part in parts]),
        np.concatenate([part.voices + VOICES * place for place, part in enumerate(parts)]),
        np.concatenate([part.taught for part in parts]),
    )


def held_out(data: Path, work: Path) -> Made:
    """The clips to choose by: other voices, and the real ones, saying what was held out; mu-law and AMR 12.2 copies."""
    path = work / "held_out.npz"
    if not path.exists():
        voices = [*_real(), *made_voices(HELD_VOICES, seed=3, vocoded=VOCODED)]
        said = streams(data, held_out=True)
        _keep(path, clips(said, voices, each=HELD_EACH, lines=(MULAW, AMR), seed=4))
    return _read(path)


def _real() -> Sequence[Voice]:
    return [Voice(real, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0) for real in range(3)]


def _keep(path: Path, made: Iterable[Clip]) -> None:
    teacher = Teacher()
    copies, voices, taught, waiting = [], [], [], []
    for clip in made:
        frames = min(len(copy) for copy in clip.copies)
        copies.append(np.stack([copy[:frames] for copy in clip.copies]).astype(np.float16))
        voices.append(clip.voice)
        waiting.append(clip.sound)
        if len(waiting) == AT_ONCE:
            taught.append(teacher.embed(waiting))
            waiting.clear()
            print(f"{path.stem}: {len(copies)} clips", flush=True)
    if waiting:
        taught.append(teacher.embed(waiting))
    frames = min(part.shape[1] for part in copies)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        copies=np.stack([part[:, :frames] for part in copies]),
        voices=np.array(voices),
        taught=np.concatenate(taught),
    )


def _read(path: Path) -> Made:
    with np.load(path) as stored:
        return Made(stored["copies"], stored["voices"], stored["taught"])
