"""The text classifier in torch: a row of numbers for each run, their mean and largest, and two layers above."""

from __future__ import annotations

import torch
from models.text.corpus import OUTPUTS
from models.text.features import BUCKETS
from torch import nn

ROLES = 3


class Network(nn.Module):
    """Logits [texts, OUTPUTS] from buckets [texts, runs], padded with BUCKETS, and roles [texts, ROLES] one-hot."""

    def __init__(self, *, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.table = nn.Embedding(BUCKETS + 1, width, padding_idx=BUCKETS)
        nn.init.normal_(self.table.weight, std=0.05)
        with torch.no_grad():
            self.table.weight[BUCKETS] = 0.0
        self.first = nn.Linear(2 * width + ROLES, hidden)
        self.last = nn.Linear(hidden, OUTPUTS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, buckets: torch.Tensor, roles: torch.Tensor) -> torch.Tensor:
        """Return the logits; while it trains, a tenth of the runs is left out."""
        if self.training:  # whole runs are left out, as disguise and mishearing do
            gone = torch.rand(buckets.shape) < 0.1
            buckets = torch.where(gone, torch.full_like(buckets, BUCKETS), buckets)
        there = (buckets != BUCKETS).unsqueeze(-1)
        rows = self.table(buckets)
        mean = rows.sum(1) / there.sum(1).clamp(min=1)
        largest = rows.masked_fill(~there, -1e4).amax(1).clamp(min=-1e3)
        pooled = self.dropout(torch.cat([mean, largest], 1))
        hidden = torch.relu(self.first(torch.cat([pooled, roles], 1)))
        return self.last(self.dropout(hidden))
