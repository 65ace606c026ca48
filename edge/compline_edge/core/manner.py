"""How a collector speaks in a call, as the wire says it: in tenths, and only where it is known who speaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from compline_edge.core.evidence import EmotionShare, VoiceLevel
from compline_shared.messages import Voice
from compline_shared.rule import Feeling
from compline_shared.taxonomy import Role

ENOUGH: Final = 10.0
"""Seconds that each side must speak before anything is said of both speaking at once."""
_LEAK: Final = 15.0
"""Decibels below a side's own median from which what is heard on its channel may be the other side's echo."""


def with_manner(
    voice: Voice | None, *, emotions: Iterable[EmotionShare], levels: Sequence[VoiceLevel]
) -> Voice | None:
    """Return the wire's statistics with the collector's shares of anger and overlap; what is not known stays None."""
    if voice is None:
        return None
    angry = [e.share for e in emotions if e.role is Role.COLLECTOR and e.feeling is Feeling.ANGRY]
    both = overlap(levels)
    return msgspec.structs.replace(
        voice,
        angry=tenths(angry[0]) if angry else None,
        overlap=None if both is None else tenths(both),
    )


def overlap(levels: Iterable[VoiceLevel]) -> float | None:
    """Return the share of the collector's speech through which the other side speaks; None where either says little.

    Speech is what voice activity takes for it, so that a yes or a mm counts for its length.
    """
    every = list(levels)
    ours, others = (_clear(every, role) for role in (Role.COLLECTOR, Role.OTHER))
    said = sum(end - start for start, end in ours)
    if min(said, sum(end - start for start, end in others)) < ENOUGH:
        return None
    both, place = 0.0, 0
    for start, end in ours:
        while place < len(others) and others[place][1] <= start:
            place += 1
        for begins, stops in others[place:]:
            if begins >= end:
                break
            both += min(end, stops) - max(start, begins)
    return both / said


def tenths(share: float) -> int:
    """Return a share, 0..1, in tenths."""
    return min(10, max(0, round(10 * share)))


def _clear(levels: list[VoiceLevel], role: Role) -> list[tuple[float, float]]:
    own = sorted((level for level in levels if level.role is role), key=lambda level: level.start)
    if not own:
        return []
    median = sorted(level.dbfs for level in own)[len(own) // 2]
    return [(level.start, level.end) for level in own if level.dbfs > median - _LEAK]
