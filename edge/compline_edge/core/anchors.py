"""Keeps of what was seen what stands in the right relation to something else."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import accumulate
from math import inf

from compline_edge.core.outcome import Hit, Outcome, Seen, Truth
from compline_shared.rule import Anchor, Relation


def narrowed(seen: Seen, anchor: Anchor, target: Outcome) -> Seen:
    """Return of `seen` what stands in the relation of `anchor` to the hits of `target`, no surer than these are.

    What may stand in it becomes possible: hits of which that is not sure, or whose target is not.
    """
    if target.truth is Truth.FALSE or seen.truth is Truth.FALSE:
        return Seen()
    every = seen.hits + seen.possible
    sure = tuple(_related(seen.hits, _targets(target, anchor), anchor))
    kept = {(hit.start, hit.end, hit.role) for hit in sure}
    possible = _related(every, _possible_targets(target, anchor), anchor)
    return Seen(
        sure,
        tuple(hit for hit in possible if (hit.start, hit.end, hit.role) not in kept),
        seen.blind or target.seen.blind,
    )


def _targets(target: Outcome, anchor: Anchor) -> tuple[Hit, ...]:
    """Return the hits that count for certain: before something means before it can have happened first."""
    hits = target.seen.hits
    if anchor.relation is Relation.BEFORE and anchor.within is None and hits:
        return (min(hits + target.seen.possible, key=lambda hit: hit.start),)
    return hits


def _possible_targets(target: Outcome, anchor: Anchor) -> tuple[Hit, ...]:
    every = target.seen.hits + target.seen.possible
    if anchor.relation is Relation.BEFORE and anchor.within is None and every:
        if target.seen.hits:
            return (min(target.seen.hits, key=lambda hit: hit.start),)
        return (max(every, key=lambda hit: hit.start),)
    return every


def _related(hits: tuple[Hit, ...], targets: tuple[Hit, ...], anchor: Anchor) -> Iterator[Hit]:
    if not targets:
        return
    nearest = _nearest(targets, anchor.relation, inf if anchor.within is None else anchor.within)
    for hit in hits:
        target = nearest(hit)
        if target is not None:
            confidence, alike = min(hit.confidence, target.confidence), hit.alike or target.alike
            yield replace(hit, confidence=confidence, alike=alike)


def _nearest(targets: tuple[Hit, ...], relation: Relation, within: float) -> Callable[[Hit], Hit | None]:
    """Return what finds for a hit the target that it stands in the relation to, in time log(targets)."""
    by_start = sorted(targets, key=lambda hit: hit.start)
    starts = [hit.start for hit in by_start]
    match relation:
        case Relation.BEFORE:

            def found(hit: Hit) -> Hit | None:
                place = bisect_left(starts, hit.end)
                return by_start[place] if place < len(starts) and starts[place] - hit.end <= within else None

        case Relation.AFTER:
            by_end = sorted(targets, key=lambda hit: hit.end)
            ends = [hit.end for hit in by_end]

            def found(hit: Hit) -> Hit | None:
                place = bisect_right(ends, hit.start) - 1
                return by_end[place] if place >= 0 and hit.start - ends[place] <= within else None

        case Relation.NEAR:
            latest = list(accumulate(by_start, _later))

            def found(hit: Hit) -> Hit | None:
                place = bisect_right(starts, hit.end + within) - 1
                return latest[place] if place >= 0 and latest[place].end >= hit.start - within else None

    return found


def _later(one: Hit, other: Hit) -> Hit:
    return other if other.end > one.end else one
