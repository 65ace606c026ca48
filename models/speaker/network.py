"""The student: convolutions over time, mean and deviation over a window, one unit vector a window."""

from __future__ import annotations

import torch
from torch import nn

BINS = 40
CHANNELS = 128
WIDE = 256
WIDTH = 96
LAYERS = ((5, 1), (3, 2), (3, 4))
"""Taps and dilation of each convolution; the first takes every second frame. Source: Snyder et al. 2018, x-vectors."""


class Student(nn.Module):
    """Features [windows, frames, 40] to unit vectors [windows, 96]."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(
                BINS if place == 0 else CHANNELS,
                CHANNELS,
                taps,
                stride=2 if place == 0 else 1,
                dilation=dilation,
                padding=dilation * (taps - 1) // 2,
            )
            for place, (taps, dilation) in enumerate(LAYERS)
        )
        self.wide = nn.Conv1d(CHANNELS, WIDE, 1)
        self.last = nn.Linear(2 * WIDE, WIDTH)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Embed."""
        hidden = features.transpose(1, 2)
        for place, convolution in enumerate(self.convolutions):
            fresh = torch.relu(convolution(hidden))
            hidden = fresh if place == 0 else hidden + fresh
        hidden = torch.relu(self.wide(hidden))
        mean = hidden.mean(dim=2)
        deviation = torch.sqrt(torch.relu((hidden * hidden).mean(dim=2) - mean * mean) + 1e-4)
        return nn.functional.normalize(self.last(torch.cat([mean, deviation], dim=1)), dim=1)
