"""Trains the text classifier and prints how it does on templates that it has not seen.

    .venv-train/bin/python -m models.text.train --help

A few minutes of one core; seeds are fixed. It writes no model yet: what it reaches is too little to be shipped
(README.md says how much).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from models.text.corpus import OUTPUTS, Sample, expansions, public, templates
from models.text.disguise import disguised, misheard
from models.text.features import BUCKETS, CATEGORIES, features
from models.text.network import ROLES, Network
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from compline_shared.taxonomy import Role

BATCH = 64
PLACES = {Role.UNKNOWN: 0, Role.COLLECTOR: 1, Role.OTHER: 2}
UNTOLD = 0.3
"""Share of the texts that are trained on as if nobody knew who speaks, as in a recording of one channel."""
FALSE_ALARMS = (0.02, 0.05)
"""Of 100 lawful sentences, where recall is told."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Texts as the network takes them."""

    buckets: list[npt.NDArray[np.int32]]
    targets: Floats  # [texts, OUTPUTS]
    roles: list[int]


def prepare(samples: Sequence[Sample], chance: random.Random, *, spoiled: bool) -> Prepared:
    """Count runs; with `spoiled` also of one disguised and one misheard copy of each."""
    buckets, targets, roles = list[npt.NDArray[np.int32]](), list[Floats](), list[int]()
    for sample in samples:
        texts = [sample.text]
        if spoiled:
            texts += [
                disguised(sample.text, chance),
                misheard(sample.text, chance, rate=chance.uniform(0.1, 0.4)),
            ]
        for found in map(features, texts):
            if len(found):
                buckets.append(found)
                targets.append(sample.targets)
                roles.append(PLACES[sample.role])
    return Prepared(buckets, np.array(targets, dtype=np.float32), roles)


def padded(buckets: Sequence[npt.NDArray[np.int32]]) -> torch.Tensor:
    """[texts, longest], what is missing filled with BUCKETS."""
    filled = np.full((len(buckets), max(map(len, buckets))), BUCKETS, dtype=np.int64)
    for row, found in enumerate(buckets):
        filled[row, : len(found)] = found
    return torch.from_numpy(filled)


def batches(data: Prepared, chance: random.Random) -> Iterator[list[int]]:
    """Yield places of texts of about the same length, in a fresh order."""
    order = sorted(range(len(data.buckets)), key=lambda at: len(data.buckets[at]) + chance.gauss(0, 20))
    parts = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    chance.shuffle(parts)
    yield from parts


def train(data: Prepared, chance: random.Random, *, epochs: int, width: int, hidden: int) -> Network:
    """Return a network trained with a cosine schedule."""
    network = Network(width=width, hidden=hidden, dropout=0.3)
    table = network.table.weight
    rest = [weight for weight in network.parameters() if weight is not table]
    optimiser = torch.optim.AdamW(
        [
            {"params": [table], "weight_decay": 0.0, "lr": 4e-3},
            {"params": rest, "weight_decay": 0.01, "lr": 2e-3},
        ]
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for epoch in range(epochs):
        network.train()
        total, count = 0.0, 0
        for places in batches(data, chance):
            roles = [0 if chance.random() < UNTOLD else data.roles[at] for at in places]
            wanted = torch.from_numpy(data.targets[places])
            known = ~torch.isnan(wanted)
            told = network(
                padded([data.buckets[at] for at in places]), one_hot(torch.tensor(roles), ROLES).float()
            )
            loss = binary_cross_entropy_with_logits(told[known], wanted[known])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total, count = total + loss.item(), count + 1
        schedule.step()
        print(f"  epoch {epoch + 1} of {epochs}: loss {total / count:.4f}", flush=True)
    return network


def predict(network: Network, data: Prepared) -> Floats:
    """Probabilities [texts, OUTPUTS]."""
    network.eval()
    told = np.zeros((len(data.buckets), OUTPUTS), dtype=np.float32)
    with torch.no_grad():
        for at in range(0, len(data.buckets), 256):
            roles = one_hot(torch.tensor(data.roles[at : at + 256]), ROLES).float()
            told[at : at + 256] = torch.sigmoid(network(padded(data.buckets[at : at + 256]), roles)).numpy()
    return told


def recall(told: Floats, wanted: Floats, *, false_alarms: float) -> float:
    """The share of violations of which a category of theirs is above what so many lawful sentences stay below."""
    categories = slice(0, len(CATEGORIES))
    lawful = wanted[:, categories].sum(1) == 0
    bound = np.quantile(told[lawful][:, categories].max(1), 1 - false_alarms)
    own = np.where(wanted[:, categories] > 0, told[:, categories], 0.0).max(1)
    return float((own[~lawful] > bound).mean())


def main() -> None:
    """Train and tell."""
    parser = argparse.ArgumentParser(prog="python -m models.text.train", description=__doc__)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument(
        "--width", type=int, default=24, help="numbers a run of characters or sounds is told by"
    )
    parser.add_argument("--hidden", type=int, default=96)
    parser.add_argument("--each", type=int, default=6, help="sentences of a template, at most")
    chosen = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    chance = random.Random(7)
    trained, kept = templates()
    samples = [*expansions(trained, each=chosen.each, chance=chance)]
    ours, others = prepare(samples, chance, spoiled=True), prepare([*public()], chance, spoiled=False)
    data = Prepared(
        [*ours.buckets, *others.buckets],
        np.concatenate([ours.targets, others.targets]),
        [*ours.roles, *others.roles],
    )
    print(
        f"{len(trained)} templates to train on, {len(kept)} kept back; {len(data.buckets)} texts", flush=True
    )
    network = train(data, chance, epochs=chosen.epochs, width=chosen.width, hidden=chosen.hidden)
    back = prepare([*expansions(kept, each=3, chance=chance)], chance, spoiled=False)
    told = predict(network, back)
    for share in FALSE_ALARMS:
        found = recall(told, back.targets, false_alarms=share)
        print(f"recall on unseen templates at {share:.0%} false alarms: {found:.3f}")


if __name__ == "__main__":
    main()
