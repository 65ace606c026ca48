"""Trains the text classifier, calibrates it on templates that it has not seen, and writes models/zh-text.

    .venv-train/bin/python -m models.text.train --help

About fifty minutes of one core; seeds are fixed. `make eval authored` measures what came out on sentences that neither
training nor calibration saw.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from models.text.calibrate import fitted, matched
from models.text.corpus import (
    OUTPUTS,
    Sample,
    heard,
    hidden,
    plain,
    public,
    spoken,
    templates,
    unlabelled,
    versions,
)
from models.text.meaning import meanings, teach
from models.text.network import BATCH, ROLES, TABLES, Network, as_stored, batch, batches
from models.text.offence import fit as fit_offence
from models.text.recognised import recall, recognised, refitted
from models.text.release import NAME, check, write_network, write_rest
from models.text.telling import write as write_disguises
from models.text.templates import Template
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from compline_edge.core.text_calibration import Calibration, CategoryCalibration
from compline_edge.core.text_features import CATEGORIES, Features, features
from compline_edge.senses.text_model import TextNetwork
from compline_shared.taxonomy import Role

PLACES = {Role.UNKNOWN: 0, Role.COLLECTOR: 1, Role.OTHER: 2}
UNTOLD = 0.3
"""Share of the texts that are trained on as if nobody knew who speaks, as in a recording of one channel."""
FALSE_ALARMS = (0.02, 0.05)
"""Of 100 lawful sentences, where recall is told."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Texts as the network takes them."""

    features: list[Features]
    targets: Floats  # [texts, OUTPUTS]
    roles: list[int]


def prepare(samples: Sequence[Sample]) -> Prepared:
    """Number what each text holds; one without a character is left out."""
    read = ((features(sample.text), sample) for sample in samples)
    kept = [(found, sample) for found, sample in read if found is not None]
    return Prepared(
        [found for found, _ in kept],
        np.array([sample.targets for _, sample in kept], dtype=np.float32),
        [PLACES[sample.role] for _, sample in kept],
    )


def train(network: Network, data: Prepared, chance: random.Random, *, epochs: int) -> None:
    """Train everything, with a rate that rises and falls once."""
    tables = [weight for name, weight in network.named_parameters() if name.partition(".")[0] in TABLES]
    rest = [weight for name, weight in network.named_parameters() if name.partition(".")[0] not in TABLES]
    optimiser = torch.optim.AdamW(
        [{"params": tables, "weight_decay": 0.0}, {"params": rest, "weight_decay": 0.02}]
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [4e-3, 2e-3], epochs=epochs, steps_per_epoch=-(-len(data.roles) // BATCH), pct_start=0.1
    )
    lengths = [len(each.sounds) for each in data.features]
    for epoch in range(epochs):
        network.train()
        total, count = 0.0, 0
        for places in batches(lengths, chance):
            roles = [0 if chance.random() < UNTOLD else data.roles[at] for at in places]
            wanted = torch.from_numpy(data.targets[places])
            known = ~torch.isnan(wanted)
            told = network(
                batch([data.features[at] for at in places]), one_hot(torch.tensor(roles), ROLES).float()
            )
            loss = binary_cross_entropy_with_logits(told[known], wanted[known])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total, count = total + loss.item(), count + 1
        print(f"  epoch {epoch + 1} of {epochs}: loss {total / count:.4f}", flush=True)


def predict(network: Network, data: Prepared) -> Floats:
    """Logits [texts, OUTPUTS]."""
    network.eval()
    told = np.zeros((len(data.roles), OUTPUTS), dtype=np.float32)
    with torch.no_grad():
        for at in range(0, len(told), 256):
            roles = one_hot(torch.tensor(data.roles[at : at + 256]), ROLES).float()
            told[at : at + 256] = network(batch(data.features[at : at + 256]), roles).numpy()
    return told


def main() -> None:
    """Train, calibrate, write and tell."""
    parser = argparse.ArgumentParser(prog="python -m models.text.train", description=__doc__)
    parser.add_argument("--epochs", type=int, default=4, help="of what is forbidden")
    parser.add_argument("--meaning", type=int, default=4, help="epochs of what texts mean, before")
    parser.add_argument(
        "--work", type=Path, default=Path(".run/text-training"), help="folder for what is kept"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / NAME, help="folder to write")
    chosen = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    trained, kept = templates()
    print(f"{len(trained)} templates to train on, {len(kept)} kept back", flush=True)
    network = Network()
    _meaning(network, trained, chosen.work, epochs=chosen.meaning)
    chance = random.Random(7)
    data = prepare([*versions(trained, chance), *spoken(), *hidden(public(), chance)])
    print(f"{len(data.roles)} texts", flush=True)
    train(network, data, chance, epochs=chosen.epochs)
    fit_offence(network, chance)
    weights = as_stored(network)
    back = plain(kept, chance)
    written = write_network(chosen.out, weights)
    as_written = _measured(network, written, back, "written")
    as_misheard = _measured(network, written, heard(back, chance), "heard")
    truly_heard = refitted(recognised(written), as_misheard)
    write_disguises(chosen.out)
    write_rest(chosen.out, written, Calibration(written=as_written, heard=truly_heard))
    print(f"written to {chosen.out}")


def _measured(
    network: Network, written: TextNetwork, samples: Sequence[Sample], how: str
) -> dict[str, CategoryCalibration]:
    """Compare the file with torch on what was kept back, tell how it does there, and calibrate."""
    readable = [sample for sample in samples if features(sample.text)]
    prepared = prepare(readable)
    told = predict(network, prepared)
    logits = told[:, : len(CATEGORIES)].astype(np.float64)
    wanted = prepared.targets[:, : len(CATEGORIES)].astype(np.float64)
    for share in FALSE_ALARMS:
        found = recall(logits, wanted, false_alarms=share)
        print(f"recall on unseen templates, {how}, at {share:.0%} false alarms: {found:.3f}")
    print(f"largest difference from torch: {check(written, readable, told):.6f}", flush=True)
    return fitted(logits, matched(readable), readable)


def _meaning(network: Network, trained: Sequence[Template], work: Path, *, epochs: int) -> None:
    """Teach the network what texts mean, or take what an earlier run has taught; delete the folder to do it anew."""
    kept = work / "meaning.pt"
    if kept.exists():
        network.load_state_dict(torch.load(kept, weights_only=True))
        return
    chance = random.Random(11)
    texts = unlabelled(trained, chance)
    teach(network, texts, meanings(texts, work / "meaning.npy"), chance, epochs=epochs)
    torch.save(network.state_dict(), kept)


if __name__ == "__main__":
    main()
