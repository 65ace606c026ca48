"""The text classifier in torch: three convolutions over characters and sounds, beside bags of their runs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from models.text.corpus import OFFENSIVE, OUTPUTS
from torch import nn
from torch.nn.functional import dropout

from compline_edge.core.text_features import CHARACTER_ROWS, FINE_ROWS, RUN_ROWS, SOUND_ROWS, Features

BATCH: Final = 64
ROLES: Final = 3
CHARACTER_WIDTH, SOUND_WIDTH, RUN_WIDTH = 64, 32, 24
CHANNELS: Final = 128
DILATIONS: Final = (1, 2, 4)
TAPS: Final = 3
HIDDEN: Final = 128
POOLED: Final = 2 * RUN_WIDTH + 2 * len(DILATIONS) * CHANNELS
TABLES: Final = ("characters", "sounds", "runs", "fine")

Floats = npt.NDArray[np.float32]


class Network(nn.Module):
    """Logits [texts, OUTPUTS] of batches made by `batch`, and roles [texts, ROLES] one-hot.

    One number a run (`fine`) adds to the side task alone; `offence.fit` sets it, and nothing else trains it.
    """

    def __init__(self, *, drop: float = 0.35) -> None:
        super().__init__()
        self.characters = _table(CHARACTER_ROWS, CHARACTER_WIDTH, spread=0.3)
        self.sounds = _table(SOUND_ROWS, SOUND_WIDTH, spread=0.3)
        self.runs = _table(RUN_ROWS, RUN_WIDTH, spread=0.05)
        self.fine = _table(FINE_ROWS, 1, spread=0.0).requires_grad_(False)
        widths = (CHARACTER_WIDTH + SOUND_WIDTH, CHANNELS, CHANNELS)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, CHANNELS, TAPS, padding=dilation, dilation=dilation)
            for width, dilation in zip(widths, DILATIONS, strict=True)
        )
        self.first = nn.Linear(ROLES + POOLED, HIDDEN)
        self.last = nn.Linear(HIDDEN, OUTPUTS)
        self.drop = nn.Dropout(drop)

    def forward(self, texts: tuple[torch.Tensor, ...], roles: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        pooled = self.drop(self.pooled(texts))
        hidden = torch.relu(self.first(torch.cat([roles, pooled], 1)))
        logits: torch.Tensor = self.last(self.drop(hidden))
        side = self.fine(texts[3]).sum(1)
        return torch.cat([logits[:, :OFFENSIVE], logits[:, OFFENSIVE:] + side], 1)

    def pooled(self, texts: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """[texts, POOLED] of characters and sounds [texts, longest] and runs [texts, most], each padded.

        While it trains, some characters, sounds and runs are left out, as disguise and mishearing do.
        """
        characters, sounds, runs, _ = texts
        there = (characters != CHARACTER_ROWS).unsqueeze(1).float()
        if self.training:
            both = torch.rand(characters.shape) < 0.06
            alone = torch.rand(characters.shape) < 0.12
            characters = torch.where(both | alone, CHARACTER_ROWS, characters)
            sounds = torch.where(both, SOUND_ROWS, sounds)
            runs = torch.where(torch.rand(runs.shape) < 0.1, RUN_ROWS, runs)
        parts = self._bag(runs)
        steps = torch.cat([self.characters(characters), self.sounds(sounds)], -1).transpose(1, 2)
        found = dropout(steps, 0.1, self.training)
        for place, convolution in enumerate(self.convolutions):
            fresh = torch.relu(convolution(found))
            found = (fresh + found if place else fresh) * there
            parts += [found.amax(2), found.sum(2) / there.sum(2).clamp(min=1)]
        return torch.cat(parts, 1)

    def _bag(self, runs: torch.Tensor) -> list[torch.Tensor]:
        there = (runs != RUN_ROWS).unsqueeze(-1)
        rows = self.runs(runs)
        mean = rows.sum(1) / there.sum(1).clamp(min=1)
        return [mean, rows.masked_fill(~there, -1e4).amax(1).clamp(min=-1e3)]


def batch(texts: Sequence[Features]) -> tuple[torch.Tensor, ...]:
    """Characters, sounds and runs, coarse and fine, filled up with the row of padding."""
    return (
        _padded([text.characters for text in texts], CHARACTER_ROWS),
        _padded([text.sounds for text in texts], SOUND_ROWS),
        _padded([text.runs for text in texts], RUN_ROWS),
        _padded([text.fine for text in texts], FINE_ROWS),
    )


def batches(lengths: Sequence[int], chance: random.Random) -> Iterator[list[int]]:
    """Yield places of texts of about the same length, BATCH at once, in a fresh order."""
    order = sorted(range(len(lengths)), key=lambda at: lengths[at] + chance.gauss(0, 4))
    parts = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    chance.shuffle(parts)
    yield from parts


def as_stored(network: Network) -> Mapping[str, Floats]:
    """Round every weight as the file does, in place; returns them, tables without their row of padding.

    Tables are rounded to 8 bits with one scale each, all else to 16-bit floats.
    """
    stored = {}
    with torch.no_grad():
        for name, weight in network.named_parameters():
            kind = name.partition(".")[0]
            rows = weight[:-1] if kind in TABLES else weight
            values = rows.numpy()
            rounded = quantised(values) if kind in TABLES else values.astype(np.float16).astype(np.float32)
            rows.copy_(torch.from_numpy(rounded))
            stored[name] = rounded
    return stored


def quantised(table: Floats) -> Floats:
    """A table as the file holds it."""
    scale = (float(np.abs(table).max()) or 1.0) / 127
    return np.asarray(np.round(table / scale) * scale, dtype=np.float32)


def _table(rows: int, width: int, *, spread: float) -> nn.Embedding:
    """Rows of numbers with one more, zero, for padding."""
    table = nn.Embedding(rows + 1, width, padding_idx=rows)
    nn.init.normal_(table.weight, std=spread)
    with torch.no_grad():
        table.weight[rows] = 0.0
    return table


def _padded(rows: Sequence[npt.NDArray[np.int32]], filling: int) -> torch.Tensor:
    filled = np.full((len(rows), max(map(len, rows))), filling, dtype=np.int64)
    for place, row in enumerate(rows):
        filled[place, : len(row)] = row
    return torch.from_numpy(filled)
