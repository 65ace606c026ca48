"""The training loop: batches in a fixed order, one optimiser, a checkpoint to go on from."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from models.eval.pinyin_error import Cmvn
from models.train.fbank import stack
from models.train.losses import distillation, syllable_ctc
from models.train.network import Weights, logits
from models.train.pairs import Frames, Pair
from models.train.syllabary import Syllabary
from torch import Tensor
from torch.nn import functional

BATCH_STEPS = 4_000
SAVE_EVERY = 100
WARM_UP = 100
CLIP = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run's settings: the rate falls to zero over `schedule` epochs, label_share weighs the CTC loss."""

    epochs: int
    schedule: int
    rate: float
    label_share: float
    seed: int


@dataclass(frozen=True, slots=True)
class Teacher:
    """The frozen base with its own normalisation."""

    weights: Weights
    cmvn: Cmvn


Copy = Callable[[int], Sequence[Pair]]


def train(
    plan: Plan,
    *,
    copy: Copy,
    teacher: Teacher,
    start: Weights,
    cmvn: Cmvn,
    syllabary: Syllabary,
    checkpoint: Path,
) -> Weights:
    """Train from `start`, epoch e on copy(e); go on from `checkpoint` if it is there. Tells stderr."""
    student = {name: weight.clone().requires_grad_() for name, weight in start.items()}
    optimiser = torch.optim.Adam(list(student.values()), lr=plan.rate)
    first, done = _resume(checkpoint, student, optimiser)
    for epoch in range(first, plan.epochs):
        pairs = copy(epoch)
        order = batches(pairs, np.random.default_rng([plan.seed, epoch]))
        began, sums = time.monotonic(), np.zeros(2)
        for number, members in enumerate(order):
            if number < done:
                continue
            _set_rate(optimiser, plan, at=epoch * len(order) + number, of=plan.schedule * len(order))
            batch = [pairs[index] for index in members]
            sums += _step(batch, teacher, student, cmvn, syllabary, plan.label_share, optimiser)
            if number % SAVE_EVERY == SAVE_EVERY - 1:
                _save(checkpoint, student, optimiser, epoch, number + 1)
        kl, ctc = sums / max(1, len(order) - done)
        spent = time.monotonic() - began
        print(
            f"epoch {epoch + 1}/{plan.epochs}: teacher {kl:.4f} labels {ctc:.4f} nats/step, {spent:.0f} s",
            file=sys.stderr,
            flush=True,
        )
        done = 0
        _save(checkpoint, student, optimiser, epoch + 1, 0)
    return {name: weight.detach() for name, weight in student.items()}


def batches(pairs: Sequence[Pair], chance: np.random.Generator) -> list[list[int]]:
    """Indices grouped by similar length to about BATCH_STEPS steps, groups in random order."""
    lengths = np.array([len(pair.clean) for pair in pairs]) * chance.uniform(0.9, 1.1, len(pairs))
    groups: list[list[int]] = [[]]
    for index in np.argsort(lengths):
        longest = max([len(pairs[member].clean) for member in groups[-1]] + [len(pairs[index].clean)])
        if groups[-1] and (len(groups[-1]) + 1) * longest / 3 > BATCH_STEPS:
            groups.append([])
        groups[-1].append(int(index))
    return [groups[int(index)] for index in chance.permutation(len(groups))]


def normalised(frames: Sequence[Frames], cmvn: Cmvn) -> tuple[Tensor, Tensor]:
    """Stack and normalise to a batch [batch, steps, 400], zeros behind the shorter; and the steps of each."""
    rows = [(stack(item.astype(np.float32)) + cmvn.shift) * cmvn.scale for item in frames]
    lengths = [len(row) for row in rows]
    batch = np.zeros((len(rows), max(lengths), rows[0].shape[1]), dtype=np.float32)
    for index, row in enumerate(rows):
        batch[index, : len(row)] = row
    return torch.from_numpy(batch), torch.tensor(lengths)


def _step(
    batch: Sequence[Pair],
    teacher: Teacher,
    student: Weights,
    cmvn: Cmvn,
    syllabary: Syllabary,
    label_share: float,
    optimiser: torch.optim.Optimizer,
) -> tuple[float, float]:
    with torch.no_grad():
        clean, lengths = normalised([pair.clean for pair in batch], teacher.cmvn)
        wanted = functional.log_softmax(logits(teacher.weights, clean), dim=-1)
    disturbed, _ = normalised([pair.disturbed for pair in batch], cmvn)
    heard = functional.log_softmax(logits(student, disturbed), dim=-1)
    kl = distillation(wanted, heard, lengths)
    ctc = syllable_ctc(heard, lengths, [syllabary.spell(pair.syllables) for pair in batch], syllabary)
    optimiser.zero_grad()
    torch.autograd.backward(kl + label_share * ctc)
    torch.nn.utils.clip_grad_norm_(list(student.values()), CLIP)
    optimiser.step()
    return kl.item(), ctc.item()


def _set_rate(optimiser: torch.optim.Optimizer, plan: Plan, *, at: int, of: int) -> None:
    """Linear warm-up, then a half cosine down to zero."""
    share = min(1.0, (at + 1) / WARM_UP) * 0.5 * (1.0 + float(np.cos(np.pi * min(1.0, at / of))))
    for group in optimiser.param_groups:
        group["lr"] = plan.rate * share


def _save(path: Path, student: Weights, optimiser: torch.optim.Optimizer, epoch: int, done: int) -> None:
    partial = path.with_suffix(".partial")
    state = {
        "weights": {name: weight.detach() for name, weight in student.items()},
        "epoch": epoch,
        "done": done,
    }
    torch.save({**state, "optimiser": optimiser.state_dict()}, partial)
    partial.rename(path)


def _resume(path: Path, student: Weights, optimiser: torch.optim.Optimizer) -> tuple[int, int]:
    if not path.exists():
        return 0, 0
    state = torch.load(path, weights_only=True)
    with torch.no_grad():
        for name, weight in state["weights"].items():
            student[name].copy_(weight)
    optimiser.load_state_dict(state["optimiser"])
    print(f"going on from epoch {state['epoch'] + 1}, batch {state['done']}", file=sys.stderr, flush=True)
    return int(state["epoch"]), int(state["done"])
