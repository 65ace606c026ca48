"""Joins what several techniques noticed about the same words into one finding each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from compline_edge.core.judgement import severity_of
from compline_edge.core.noticed import Noticed
from compline_shared.taxonomy import Technique

SAME_PLACE = 2.5
"""Seconds apart within which two sightings of one category by one speaker are about the same words."""


def corroborate(noticed: Iterable[Noticed]) -> tuple[Noticed, ...]:
    """Join sightings of one category, role and place; the result is in order of time.

    The gravest and surest sighting lends entry, technique and place. Techniques err in different ways, so each
    further *technique* raises the confidence as an independent witness would: 1 - (1 - a)(1 - b), at most 99.
    """
    groups: list[list[Noticed]] = []
    for sighting in sorted(noticed, key=lambda n: (n.start, n.end, n.entry)):
        for group in reversed(groups):
            if _same(group, sighting):
                group.append(sighting)
                break
        else:
            groups.append([sighting])
    return tuple(_joined(group) for group in groups)


def _same(group: list[Noticed], sighting: Noticed) -> bool:
    first = group[0]
    if (first.category, first.role) != (sighting.category, sighting.role):
        return False
    return sighting.start <= max(n.end for n in group) or sighting.start - first.start <= SAME_PLACE


def _joined(group: list[Noticed]) -> Noticed:
    best = max(group, key=lambda n: (severity_of(n), n.confidence))
    witnesses: dict[Technique, int] = {}
    for sighting in group:
        witnesses[sighting.technique] = max(witnesses.get(sighting.technique, 0), sighting.confidence)
    doubt = 1.0
    for confidence in witnesses.values():
        doubt *= 1 - confidence / 100
    together = best.confidence if len(witnesses) == 1 else min(99, round(100 * (1 - doubt)))
    return replace(best, confidence=max(best.confidence, together))
