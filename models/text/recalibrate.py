"""Fits anew what the released classifier's logits mean, and tells what that gives of heard text.

    .venv-train/bin/python -m models.text.recalibrate --help

Told by kept-back sentences, each part left out in turn. `train.py` does the same when it has trained; this is for a new
heard.tsv and the same weights, and a minute of one core.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from models.text.calibrate import MODELS, fitted, matched
from models.text.corpus import Sample, plain, templates
from models.text.corpus import heard as misheard
from models.text.recognised import brier, left_out, recall, recognised, refitted
from models.text.release import NAME, write_rest

from compline_edge.core.text_calibration import Calibration, CategoryCalibration
from compline_edge.core.text_features import CATEGORIES, features
from compline_edge.senses.text_model import TextNetwork


def simulated(network: TextNetwork) -> dict[str, CategoryCalibration]:
    """What the simulation of hearing gives for this network, on every sentence that was kept back."""
    chance = random.Random(7)
    return _measured(network, misheard(plain(templates()[1], chance), chance))


def written(network: TextNetwork) -> dict[str, CategoryCalibration]:
    """The same of the sentences as they are written."""
    return _measured(network, plain(templates()[1], random.Random(7)))


def _measured(network: TextNetwork, samples: Sequence[Sample]) -> dict[str, CategoryCalibration]:
    readable = [each for each in samples if features(each.text)]
    told = [network.run(each.text, each.role) for each in readable]
    logits = np.array([row[: len(CATEGORIES)] for row in told if row is not None], dtype=np.float64)
    return fitted(logits, matched(readable), readable)


def main() -> None:
    """Tell what refitting gives on sentences left out in turn, and write it into the released calibration."""
    parser = argparse.ArgumentParser(prog="python -m models.text.recalibrate", description=__doc__)
    parser.add_argument("--out", type=Path, default=MODELS / NAME, help="folder of the classifier")
    parser.add_argument("--only-tell", action="store_true", help="write nothing")
    chosen = parser.parse_args()
    network = TextNetwork((chosen.out / "model.tflite").read_bytes(), name=NAME)
    heard, before = recognised(network), simulated(network)
    print(f"{len(heard.sentences)} rows of {len(set(heard.sentences.tolist()))} sentences")
    for name, told in zip(("simulated", "refitted"), left_out(heard, before), strict=True):
        shares = {share: recall(told, heard.wanted, false_alarms=share) for share in (0.02, 0.05)}
        base = brier(np.broadcast_to(heard.wanted.mean(0), heard.wanted.shape), heard.wanted)
        print(f"{name}: Brier skill {1 - brier(told, heard.wanted) / base:.3f}, ", end="")
        print(", ".join(f"recall {found:.3f} at {share:.0%}" for share, found in shares.items()))
    if not chosen.only_tell:
        write_rest(chosen.out, network, Calibration(written=written(network), heard=refitted(heard, before)))


if __name__ == "__main__":
    main()
