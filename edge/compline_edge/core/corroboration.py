"""Joins what several techniques noticed about the same words into one finding each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import prod

from compline_edge.core.judgement import severity_of
from compline_edge.core.noticed import Noticed
from compline_shared.taxonomy import Technique

SAME_PLACE = 2.5
"""Seconds apart within which two sightings of one category by one speaker are about the same words."""


SURE = 50
"""Confidence from which a graver sighting outweighs a surer one."""


def corroborate(noticed: Iterable[Noticed]) -> tuple[Noticed, ...]:
    """Join sightings of one category, role and place; the result is in order of time.

    The gravest sighting that is sure enough lends entry, technique and place, else the surest. Audio and text are two
    witnesses (characters and pinyin read the same text and count as one): where both saw something at least as grave,
    confidence rises to 1 - (1 - a)(1 - b), at most 99. It is a rank, not yet a calibrated probability.
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
    best = max(group, key=lambda n: (n.confidence >= SURE, severity_of(n), n.confidence))
    witnesses: dict[bool, int] = {}
    for sighting in group:
        if severity_of(sighting) >= severity_of(best):
            heard = sighting.technique is Technique.LEXICON_AUDIO
            witnesses[heard] = max(witnesses.get(heard, 0), sighting.confidence)
    if len(witnesses) == 1:
        return best
    doubt = prod(1 - confidence / 100 for confidence in witnesses.values())
    return replace(best, confidence=max(best.confidence, min(99, round(100 * (1 - doubt)))))
