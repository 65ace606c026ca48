"""Teaches the student: the teacher's view of a voice, whatever the line did to it, and to tell made voices apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from models.speaker.network import WIDTH, Student
from models.speaker.stages import Made
from models.speaker.trials import LINES, Trials
from numpy.typing import NDArray
from torch import nn

BATCH = 64
MARGIN, SCALE = 0.15, 20.0
"""Of the softmax over voices. Source: Wang et al. 2018, additive margin softmax."""
SHORTEST, LONGEST = 100, 260
"""Frames of a clip that a step hears: 1 to 2.6 s."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run tries; `taught` and `told_apart` weigh the two losses."""

    epochs: int = 70
    rate: float = 2e-3
    taught: float = 1.0
    told_apart: float = 0.3
    seed: int = 0


def learn(made: Made, held_out: Made, recipe: Recipe, kept: Path) -> Student:
    """Train, or read what was `kept` of a run before; prints losses and held-out equal error rates."""
    if kept.exists():
        student = Student()
        student.load_state_dict(torch.load(kept, weights_only=True))
        return student.eval()
    torch.manual_seed(recipe.seed)
    chance = np.random.default_rng(recipe.seed)
    student = Student()
    upward = nn.Linear(WIDTH, made.taught.shape[1])
    voices = nn.Parameter(torch.randn(int(made.voices.max()) + 1, WIDTH))
    parameters = [*student.parameters(), *upward.parameters(), voices]
    optimiser = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=1e-4)
    clips, copies = made.copies.shape[:2]
    steps = recipe.epochs * (clips * copies // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=steps)
    taught = torch.from_numpy(made.taught - made.taught.mean(axis=0))
    for epoch in range(recipe.epochs):
        order = chance.permutation(clips * copies)[: clips * copies // BATCH * BATCH].reshape(-1, BATCH)
        losses = []
        for picked in order:
            length = int(chance.integers(SHORTEST, LONGEST))
            first = int(chance.integers(0, made.copies.shape[2] - length + 1))
            rows = made.copies[picked // copies, picked % copies, first : first + length].astype(np.float32)
            vectors = student(torch.from_numpy(_masked(rows, chance)))
            goal = taught[picked // copies]
            view = 1 - nn.functional.cosine_similarity(upward(vectors), goal).mean()
            near = vectors @ nn.functional.normalize(voices, dim=1).T
            whose = torch.from_numpy(made.voices[picked // copies])
            near = SCALE * (near - MARGIN * nn.functional.one_hot(whose, len(voices)))
            apart = nn.functional.cross_entropy(near, whose)
            loss = recipe.taught * view + recipe.told_apart * apart
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append((float(view.detach()), float(apart.detach())))
        if epoch % 10 == 9 or epoch == recipe.epochs - 1:
            view, apart = np.mean(losses, axis=0)
            print(
                f"epoch {epoch + 1}: view {view:.3f} apart {apart:.3f} {rates(student, held_out)}", flush=True
            )
    torch.save(student.state_dict(), kept)
    return student.eval()


def vectors(student: Student, features: NDArray[np.float16]) -> NDArray[np.float32]:
    """Embed [clips, frames, bins]."""
    with torch.no_grad():
        parts = [
            student(torch.from_numpy(features[i : i + 100].astype(np.float32))).numpy()
            for i in range(0, len(features), 100)
        ]
    return np.concatenate(parts)


def rates(student: Student, held_out: Made, *, frames: int = 200) -> dict[str, float]:
    """Equal error rates of 2 s clips: each line with itself, then mu-law enrolled and AMR tried."""
    trials = Trials.of(held_out)
    enrolled = [vectors(student, held_out.copies[:, line]) for line in range(len(LINES))]
    tried = [vectors(student, held_out.copies[:, line, :frames]) for line in range(len(LINES))]
    found = {}
    for one, other in ((0, 0), (1, 1), (0, 1)):
        for name, value in trials.rates(enrolled[one], tried[other]).items():
            found[f"{LINES[one]}-{LINES[other]} {name}"] = round(value, 3)
    return found


def _masked(rows: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float32]:
    """Hide some bins, and colour the whole window as another microphone would."""
    bins = rows.shape[2]
    knots = chance.normal(0.0, 0.35, size=(len(rows), 5))
    colour = np.stack([np.interp(np.arange(bins), np.linspace(0, bins - 1, 5), each) for each in knots])
    rows = rows + colour[:, None].astype(np.float32)
    if chance.random() < 0.5:
        width = int(chance.integers(1, 6))
        first = int(chance.integers(0, bins - width))
        rows[:, :, first : first + width] = 0.0
    return rows
