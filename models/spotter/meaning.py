"""Measures how much the text classifier's word on what was heard around a sighting is worth, beside its sound.

Texts: the templates of `models/text/sentences` that are kept back from training, as a recogniser writes them that gets
17 to 33 % of the sounds wrong; each category's violations against all lawful sentences of the collector. The result is
a log-likelihood ratio: what such a probability adds to a sighting's log-odds. Writes `meaning` into thresholds.json.
Run from the repository, after calibrate: python -m models.spotter.meaning
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from models.manifests import write_manifest
from models.spotter.calibrate import TARGET
from models.text import corpus

from compline_edge.core.confirmation import log_odds
from compline_edge.core.spotter_thresholds import Meaning
from compline_edge.core.text_features import CATEGORIES
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.reading import TextReader
from compline_edge.senses.model_store import ModelStore
from compline_shared.taxonomy import Role

AROUND = 60
"""Characters of a text that stand around a sighting at most."""


def main() -> None:
    """Fit, print, write."""
    found = list(examples())
    meaning = fit(found)
    for name, wanted in (("lawful", False), ("violations", True)):
        told = np.array([odds for odds, right in found if right == wanted])
        print(f"{name}: {len(told)}, log-odds {np.percentile(told, [5, 25, 50, 75, 95]).round(1).tolist()}")
    stored = json.loads(TARGET.read_bytes())
    stored["meaning"] = msgspec.to_builtins(meaning)
    TARGET.write_text(json.dumps(stored, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    write_manifest(TARGET.parent)
    print(meaning)


def examples() -> Iterator[tuple[float, bool]]:
    """Yield the classifier's log-odds of a category, and whether the text is of it."""
    chance = random.Random(3)
    reader = TextReader(TextMatcher(()), ModelStore([Path("models")]).text_classifier())
    for sample in corpus.heard(corpus.plain(corpus.templates()[1], chance), chance):
        if sample.role is Role.OTHER:
            continue
        targets = sample.targets[: len(CATEGORIES)]
        for category, target in zip(CATEGORIES, targets.tolist(), strict=True):
            if target == 1.0 or not np.nansum(targets):
                text = "".join(char for char in sample.text if char.isalnum())[:AROUND]
                probability = reader.probability(text, Role.COLLECTOR, category)
                if probability is not None:
                    yield log_odds(probability), target == 1.0


def fit(found: list[tuple[float, bool]]) -> Meaning:
    """Logistic regression by Newton's method, both sorts of the same weight together."""
    table = np.array([[1.0, odds] for odds, _ in found])
    truth = np.array([float(right) for _, right in found])
    weights = np.where(truth > 0, 0.5 / truth.sum(), 0.5 / (1.0 - truth).sum())
    line = np.zeros(2)
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-(table @ line)))
        bend = (table * (weights * chance * (1.0 - chance))[:, None]).T @ table
        line = line + np.linalg.solve(bend, table.T @ (weights * (truth - chance)))
    return Meaning(bias=round(float(line[0]), 3), weight=round(float(line[1]), 3))


if __name__ == "__main__":
    main()
