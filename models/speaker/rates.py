"""How well scores tell voices apart, by one number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def equal_error(same: Floats, other: Floats) -> float:
    """The rate at which as many of one voice are refused as of others are taken, 0..1."""
    edges = np.sort(np.concatenate([same, other]))
    refused = np.searchsorted(np.sort(same), edges) / len(same)
    taken = 1 - np.searchsorted(np.sort(other), edges) / len(other)
    place = int(np.argmin(np.abs(refused - taken)))
    return float((refused[place] + taken[place]) / 2)
