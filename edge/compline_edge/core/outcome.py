"""What judging a condition gives: true, false or unknown, how surely, and where it happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, unique

from compline_shared.taxonomy import Role


@unique
class Truth(IntEnum):
    """Kleene's three values: `and` is the least of them, `or` the greatest."""

    FALSE = 0
    UNKNOWN = 1
    TRUE = 2

    @property
    def opposite(self) -> Truth:
        """Not: unknown stays unknown."""
        return Truth(2 - self)


@dataclass(frozen=True, slots=True)
class Hit:
    """Where something happened, by whom, and how surely."""

    start: float  # s
    end: float  # s
    role: Role
    confidence: int  # 0..100
    alike: bool = False  # rests on words that only sound like what was asked for


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened, what may have, and whether more may have happened unseen."""

    hits: tuple[Hit, ...] = ()
    possible: tuple[Hit, ...] = ()
    blind: bool = False

    @property
    def truth(self) -> Truth:
        """Whether it happened at all."""
        if self.hits:
            return Truth.TRUE
        return Truth.UNKNOWN if self.possible or self.blind else Truth.FALSE


@dataclass(frozen=True, slots=True)
class Outcome:
    """A condition judged; where it is true, `place` and `role` are the finding's."""

    truth: Truth
    confidence: int = 0  # of its being true or false, 0..100
    seen: Seen = Seen()
    place: Hit | None = None  # None: nowhere in particular
    role: Role = Role.UNKNOWN
    absent: bool = False  # something that is required is missing
    alike: bool = False  # rests on words that only sound alike


UNKNOWN = Outcome(Truth.UNKNOWN, seen=Seen(blind=True))
"""Judged without evidence."""


def happened(seen: Seen, *, otherwise: int) -> Outcome:
    """Return the outcome of something that happens or not; its surest hit is its place.

    Args:
        seen: what was seen of it.
        otherwise: confidence that it did not happen, where nothing was seen.
    """
    match seen.truth:
        case Truth.TRUE:
            place = max(seen.hits, key=lambda hit: (hit.confidence, -hit.start))
            return Outcome(Truth.TRUE, place.confidence, seen, place, place.role, alike=place.alike)
        case Truth.UNKNOWN:
            return Outcome(Truth.UNKNOWN, seen=seen)
        case Truth.FALSE:
            return Outcome(Truth.FALSE, otherwise)


def both(parts: Sequence[Outcome]) -> Outcome:
    """Return the conjunction; it is placed where the first part is that has a place."""
    truth = min(part.truth for part in parts)
    every = tuple(hit for part in parts for hit in part.seen.hits)
    perhaps = tuple(hit for part in parts for hit in part.seen.possible)
    blind = any(part.seen.blind for part in parts)
    match truth:
        case Truth.TRUE:
            lead = next((p for p in parts if p.place), next((p for p in parts if p.absent), parts[0]))
            confidence = min(part.confidence for part in parts)
            seen = Seen(every, perhaps, blind)
            alike = any(part.alike for part in parts)
            return Outcome(truth, confidence, seen, lead.place, lead.role, lead.absent, alike)
        case Truth.UNKNOWN:
            return Outcome(truth, seen=Seen(possible=every + perhaps, blind=True))
        case Truth.FALSE:
            return Outcome(truth, max(part.confidence for part in parts if part.truth is truth))


def either(parts: Sequence[Outcome]) -> Outcome:
    """Return the disjunction; the surest true part says where it is placed and how sure it is."""
    truth = max(part.truth for part in parts)
    seen = Seen(
        tuple(hit for part in parts for hit in part.seen.hits),
        tuple(hit for part in parts for hit in part.seen.possible),
        any(part.seen.blind for part in parts),
    )
    match truth:
        case Truth.TRUE:
            lead = max((part for part in parts if part.truth is truth), key=lambda part: part.confidence)
            return replace(lead, seen=seen)
        case Truth.UNKNOWN:
            return Outcome(truth, seen=seen)
        case Truth.FALSE:
            return Outcome(truth, min(part.confidence for part in parts))


def opposite(part: Outcome) -> Outcome:
    """Return the negation, which happens nowhere in particular."""
    return Outcome(part.truth.opposite, part.confidence)


def runs(seen: Seen, *, times: int, within: float | None) -> Seen:
    """Return the stretches in which something happened `times` times, each hit in one stretch only.

    Args:
        seen: the single hits; those of one speaker that overlap count once.
        times: how often.
        within: seconds from the beginning of the first to the beginning of the last; None for any.
    """
    found = _runs(seen.hits, times, within)
    return Seen(found, () if found else _runs(seen.hits + seen.possible, times, within), seen.blind)


def _runs(hits: tuple[Hit, ...], times: int, within: float | None) -> tuple[Hit, ...]:
    single = _joined(hits)
    found: list[Hit] = []
    first = 0
    while first + times <= len(single):
        run = single[first : first + times]
        if within is None or run[-1].start - run[0].start <= within:
            end = max(hit.end for hit in run)
            confidence, alike = min(hit.confidence for hit in run), any(hit.alike for hit in run)
            found.append(Hit(run[0].start, end, run[-1].role, confidence, alike))
            first += times
        else:
            first += 1
    return tuple(found)


def _joined(hits: tuple[Hit, ...]) -> list[Hit]:
    """Join the hits of one role that overlap."""
    last: dict[Role, Hit] = {}
    joined: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, hit.end)):
        before = last.get(hit.role)
        if before is None or hit.start >= before.end:
            last[hit.role] = hit
            joined += [before] if before else []
        else:
            surer = max(before, hit, key=lambda one: one.confidence)
            last[hit.role] = replace(surer, start=before.start, end=max(before.end, hit.end))
    return sorted([*joined, *last.values()], key=lambda hit: hit.start)
