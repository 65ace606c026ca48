"""Violations found in written sentences that no entry of the lexicon was widened for; self-made, 8 to 12 a category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from models.eval.intervals import ends, of_share
from models.eval.text_reading import text_reader

from bench.figure import Figure
from compline_shared.taxonomy import Role

UNSEEN = Path(__file__).with_name("unseen_sentences.tsv")
GOAL = 0.8
"""Recall that the recognition work to come aims at."""


def figures() -> Iterator[Figure]:
    """Yield the share of sentences whose category is found, in all and by category, beside the goal."""
    reader = text_reader()
    said: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for line in UNSEEN.read_text(encoding="utf-8").splitlines():
        sentence, category = line.split("\t")
        said[category] += 1
        found[category] += any(n.category.code == category for n in reader.find(sentence, Role.COLLECTOR))
    yield Figure("text_recall_unseen", found.total() / said.total(), "share", GOAL, "higher")
    hits = np.arange(said.total()) < found.total()
    yield from ends("text_recall_unseen", of_share(hits), "share", "higher")
    for category in sorted(said):
        yield Figure(
            f"text_recall_unseen_{category}", found[category] / said[category], "share", GOAL, "higher"
        )
