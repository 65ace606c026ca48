"""What a story for power cuts in bulk is: something done while it is recorded, and what must hold after any cut of it.

Stores are the product's own, opened on a state of the disk as a start opens them. What they hold then is compared with
what the same acts led to where nothing was cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

FULL = "full"
"""The variant that is the product; the others are controls."""


class Story(Protocol):
    """One workload below `root`, done once, and the look at what a cut leaves of it."""

    root: Path

    def work(self) -> None:
        """Do it, marking what somebody was told."""
        ...

    def check(self, folder: Path, told: Sequence[str]) -> None:
        """Start on a state of the disk; raises where it is not as it must be."""
        ...


def pragmas(variant: str, *, checkpoint: int) -> tuple[str, ...]:
    """Fold the write-ahead log in after so many pages; `off` and `normal` are controls: what SQLite would allow."""
    weaker = (f"PRAGMA synchronous = {variant}",) if variant in ("off", "normal") else ()
    return (f"PRAGMA wal_autocheckpoint = {checkpoint}", *weaker)


def plainly(work: Callable[[], None]) -> None:
    """Do it here; beside `tests.strace.in_a_child`, whose program dies."""
    work()
