"""95 % intervals of what is measured, by drawing texts, sentences or calls anew (bootstrap, Efron 1979)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from bench.figure import Figure

RESAMPLES = 2_000

Places = npt.NDArray[np.int64]


def resampled(statistic: Callable[[Places], float], count: int, *, seed: int = 7) -> tuple[float, float]:
    """Return the interval of a statistic of the places [count] that were drawn."""
    chance = np.random.default_rng(seed)
    low, high = np.percentile(
        [statistic(chance.integers(count, size=count)) for _ in range(RESAMPLES)], [2.5, 97.5]
    )
    return float(low), float(high)


def of_share(hits: Sequence[float] | npt.NDArray[np.generic]) -> tuple[float, float]:
    """Return the interval of the share of hits."""
    values = np.asarray(hits, dtype=np.float64)
    return resampled(lambda places: float(values[places].mean()), len(values))


def ends(
    name: str,
    bounds: tuple[float, float],
    unit: str,
    better: Literal["higher", "lower"],
    *,
    times: float = 1,
) -> Iterator[Figure]:
    """Yield both ends of an interval as figures of their own, beside the one of that name."""
    for end, bound in zip(("low", "high"), bounds, strict=True):
        yield Figure(f"{name}_{end}", times * bound, unit, None, better)
