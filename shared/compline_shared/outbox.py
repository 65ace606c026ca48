"""How far an outbox is: what was put in, what the receiver has settled and since when, what is kept no longer.

A settled entry stays for `KEEP_SETTLED`, so that a receiver that came back from a backup can ask for it again. Times of
settling are kept as a rising list of marks instead of one to an entry: a receipt settles a whole range, and receipts of
one hour share a mark. So the state stays small however much is owed. Pure: state and word in, state out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor
from typing import Final

KEEP_SETTLED: Final = 7 * 86_400.0
"""Seconds that a settled entry stays at least; with `GRAIN` on top at most."""

GRAIN: Final = 3_600.0
"""Seconds whose receipts share one mark, which bears the time at which they end."""

MOST_MARKS: Final = int(KEEP_SETTLED / GRAIN) + 2
"""Marks that there can be at one time."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Every entry up to a seq was settled by this time."""

    up_to: int
    at: float  # Unix s


@dataclass(frozen=True, slots=True)
class Progress:
    """The whole state; entries `pruned` + 1 to `last` are kept, those above `settled` are owed."""

    last: int = 0  # seq of the newest entry ever put in, 0 = none
    pruned: int = 0  # entries up to here are gone
    marks: tuple[Mark, ...] = ()  # both members rise

    @property
    def settled(self) -> int:
        """Seq up to which the receiver has everything by its own word, 0 = nothing."""
        return self.marks[-1].up_to if self.marks else 0

    @property
    def owed(self) -> int:
        """How many entries the receiver has not taken."""
        return self.last - self.settled


def put(progress: Progress, seq: int) -> Progress:
    """Put an entry in; one that was put in already changes nothing.

    Raises:
        ValueError: an earlier seq is missing.
    """
    if seq <= progress.last:
        return progress
    if seq != progress.last + 1:
        raise ValueError("entries go in in seq order")
    return Progress(seq, progress.pruned, progress.marks)


def settle(progress: Progress, up_to: int, *, now: float, keep: float = KEEP_SETTLED) -> Progress:
    """Take the receiver's word, at Unix second ``now``, that it has everything up to a seq whose head is ours.

    A lower seq than before opens the entries above it again: the receiver came back from a backup. What was settled for
    ``keep`` s is kept no longer, but for the entry at ``up_to``: its head is what the next receipt is held to.

    Raises:
        ValueError: no entry of that seq is kept.
    """
    if not (progress.pruned < up_to <= progress.last or up_to == progress.pruned == 0):
        raise ValueError("a receipt settles up to an entry that is kept")
    marks = _settled(progress.marks, up_to, now)
    old = [mark for mark in marks[:-1] if mark.at < now - keep]
    pruned = max(progress.pruned, old[-1].up_to) if old else progress.pruned
    if marks and marks[-1].at < now - keep:  # its own entry stays
        pruned = max(pruned, up_to - 1)
    return Progress(progress.last, pruned, marks[len(old) :])


def _settled(marks: tuple[Mark, ...], up_to: int, now: float) -> tuple[Mark, ...]:
    by = (floor(now / GRAIN) + 1) * GRAIN
    if marks and marks[-1].at > by:  # the clock was ahead: whatever settled before now has settled by now
        earlier = tuple(mark for mark in marks if mark.at < by)
        marks = (*earlier, Mark(marks[-1].up_to, by))
    before = marks[-1].up_to if marks else 0
    if up_to > before:
        shared = bool(marks) and marks[-1].at == by
        return (*(marks[:-1] if shared else marks), Mark(up_to, by))
    lower = tuple(mark for mark in marks if mark.up_to < up_to)
    if up_to == 0:
        return ()
    return (*lower, replace(marks[len(lower)], up_to=up_to))
