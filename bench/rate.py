"""How often a second something is done, beside the bare library doing the same step in the same run."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

from bench.figure import Figure


def rate(
    name: str, ours: Callable[[], object], bare: Callable[[], object] | None, *, items: int = 1
) -> Figure:
    """Return items a CPU second; one call of either does ``items`` of them."""
    against = None if bare is None else items / _best(bare)
    return Figure(f"{name}_rate", items / _best(ours), "1/s", against, "higher")


def _best(call: Callable[[], object]) -> float:
    """CPU seconds of one call: the best of 7 rounds of at least 20 ms."""
    call()
    rounds, times = 1, list[float]()
    while len(times) < 7:
        started = process_time()
        for _ in range(rounds):
            call()
        spent = process_time() - started
        if spent < 0.02:
            rounds *= 2
        else:
            times.append(spent / rounds)
    return min(times)
