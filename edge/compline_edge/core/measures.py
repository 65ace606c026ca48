"""What is measured of a call rather than said in it: silence, interruptions, speaking rate, loudness, emotion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final, TypeAlias

from compline_edge.core.evidence import Evidence, VoiceLevel
from compline_edge.core.outcome import UNKNOWN, Hit, Outcome, Seen, Truth, happened
from compline_edge.core.sounded import quick_stream, sound
from compline_edge.core.speech import Utterance
from compline_shared.rule import Comparison, Duration, Emotion, Level, Rate, RelativeLevel
from compline_shared.taxonomy import Role

MEASURED = 80
"""Confidence in what rests on times and levels: a rank, since nobody has measured how often such findings are right."""
INTERJECTION = 1.0
"""Seconds up to which an utterance is a mm or a yes, which neither interrupts nor can be interrupted."""
LEAST_OVERLAP = 0.5
"""Seconds of common speech below which turns only touch."""
ENOUGH_FOR_RATE = 5.0
"""Seconds of speech below which nothing is said of a speaking rate."""
ENOUGH_FOR_MEDIAN = 10.0
"""Seconds of speech below which a voice has no median level."""
_ONE_STRETCH: Final = 0.5
"""Seconds between two levels up to which they are one stretch."""

Counts: TypeAlias = Mapping[tuple[float, float, Role], int]
"""Syllables of each utterance, by start, end and role."""


def silences(evidence: Evidence, who: Role | None, *, seconds: float) -> Seen:
    """Return where nobody speaks for longer than `seconds`; of `who`, where the other side spoke last.

    Speech that left no utterance may lie in any silence: one that is not longer by as much is only possible.
    """
    if evidence.written:
        return Seen(blind=True)
    unheard = _unheard(evidence)
    sure: list[Hit] = []
    possible: list[Hit] = []
    for start, end, last in _gaps(evidence):
        if end - start <= seconds or last not in _before(who):
            continue
        hit = Hit(start, end, Role.UNKNOWN if who is None else who, MEASURED)
        turn_known = who in (None, Role.UNKNOWN) or last is not Role.UNKNOWN
        certain = turn_known and end - start - unheard > seconds
        (sure if certain else possible).append(hit)
    return Seen(tuple(sure), tuple(possible), blind=not evidence.whole)


def interruptions(evidence: Evidence, who: Role | None) -> Seen:
    """Return where `who`, None for either side, begins before the other has ended, as long as both speak.

    Where both channels hold one speech, crosstalk or an echo, nobody interrupts.
    """
    if evidence.written or not evidence.apart:
        return Seen(blind=True)
    hits: list[Hit] = []
    latest: dict[Role, float] = {}
    for utterance in sorted(evidence.utterances, key=lambda u: (u.start, u.role)):
        if utterance.end - utterance.start <= INTERJECTION:
            continue
        others = [end for role, end in latest.items() if role is not utterance.role]
        both = min(utterance.end, max(others, default=0.0)) - utterance.start
        if (
            both >= LEAST_OVERLAP
            and who in (None, utterance.role)
            and not _one_speech(evidence, utterance.start, utterance.start + both)
        ):
            hits.append(Hit(utterance.start, utterance.start + both, utterance.role, MEASURED))
        latest[utterance.role] = max(utterance.end, latest.get(utterance.role, 0.0))
    return Seen(tuple(hits), blind=not evidence.whole)


def turns(evidence: Evidence, who: Role | None) -> Seen:
    """Return the utterances of `who`, those of unknown speakers as possible ones."""
    if evidence.written:
        return Seen(blind=True)
    every = [(u.role, Hit(u.start, u.end, u.role, MEASURED)) for u in evidence.utterances if u.end > u.start]
    return by_role(every, who)


def counts(utterances: Iterable[Utterance]) -> Counts:
    """Return how many syllables each utterance has."""
    found: dict[tuple[float, float, Role], int] = {}
    for utterance in utterances:
        key = (utterance.start, utterance.end, utterance.role)
        found[key] = found.get(key, 0) + _syllables(utterance.text)
    return found


def rate(test: Rate, seen: Seen, syllables: Counts, evidence: Evidence) -> Outcome:
    """Judge the speaking rate over the turns in `seen`; it is placed at the turns that are beyond the bound."""
    seconds = sum(hit.end - hit.start for hit in seen.hits)
    if seen.possible or seen.blind or seconds < ENOUGH_FOR_RATE or not evidence.clear(test.who):
        return UNKNOWN
    spoken = {hit: syllables[hit.start, hit.end, hit.role] for hit in seen.hits}
    if not _beyond(sum(spoken.values()) / seconds, test.comparison, test.syllables):
        return Outcome(Truth.FALSE, MEASURED)
    fast = (h for h, n in spoken.items() if _beyond(n / (h.end - h.start), test.comparison, test.syllables))
    return happened(Seen(tuple(fast)), otherwise=MEASURED)


def levels(test: Level | RelativeLevel, evidence: Evidence) -> Seen:
    """Return the stretches in which a voice is as loud or as soft as `test` says."""
    if evidence.levels is None:
        return Seen(blind=True)
    bounds = _bounds(test, evidence)
    if bounds is None:
        return Seen(blind=True)
    ordered = sorted(evidence.levels, key=lambda level: (level.role, level.start))
    beyond = (
        level
        for level in ordered
        if level.role in bounds and _beyond(level.dbfs, test.comparison, bounds[level.role])
    )
    stretches = [hit for hit in _stretches(beyond) if hit.end - hit.start >= test.lasting]
    return by_role([(hit.role, hit) for hit in stretches], test.who)


def emotion(test: Emotion, evidence: Evidence) -> Outcome:
    """Judge the share of an emotion; unknown where no model told it of that side."""
    shares = [
        share
        for share in evidence.emotions or ()
        if share.feeling is test.feeling and test.who in (None, share.role)
    ]
    if not shares:
        return UNKNOWN
    most = max(shares, key=lambda share: share.share)
    percent = round(100 * most.share)
    if most.share > test.percent / 100:
        return Outcome(Truth.TRUE, min(MEASURED, percent), role=most.role)
    return Outcome(Truth.FALSE, min(MEASURED, 100 - percent))


def duration(test: Duration, evidence: Evidence) -> Outcome:
    """Judge how long the call or conversation lasts."""
    holds = _beyond(evidence.duration, test.comparison, test.seconds)
    return Outcome(Truth.TRUE if holds else Truth.FALSE, 100)


def by_role(hits: Iterable[tuple[Role, Hit]], who: Role | None, *, blind: bool = False) -> Seen:
    """Return the hits of `who`, None for anybody; what an unknown speaker did is possible of each side."""
    sure: list[Hit] = []
    possible: list[Hit] = []
    for role, hit in hits:
        if who is None or role is who:
            sure.append(hit)
        elif role is Role.UNKNOWN:
            possible.append(hit)
    return Seen(tuple(sure), tuple(possible), blind)


def _one_speech(evidence: Evidence, start: float, end: float) -> bool:
    return evidence.outlines is not None and evidence.outlines.same(start, end)


def _gaps(evidence: Evidence) -> Iterator[tuple[float, float, Role | None]]:
    """Yield start, end and who spoke last before it of each stretch without an utterance."""
    end, last = 0.0, None
    for utterance in sorted(evidence.utterances, key=lambda u: (u.start, u.end)):
        if not utterance.text.strip():
            continue
        if utterance.start > end:
            yield end, utterance.start, last
        if last is None or utterance.end >= end:
            end, last = max(end, utterance.end), utterance.role
    if evidence.duration > end:
        yield end, evidence.duration, last


def _before(who: Role | None) -> tuple[Role | None, ...]:
    """Return who may have spoken last before a silence that is `who`'s."""
    match who:
        case None:
            return (None, *Role)
        case Role.COLLECTOR:
            return (Role.OTHER, Role.UNKNOWN)
        case Role.OTHER:
            return (Role.COLLECTOR, Role.UNKNOWN)
        case Role.UNKNOWN:
            return (Role.UNKNOWN,)


def _unheard(evidence: Evidence) -> float:
    """Seconds of speech of which no utterance is known."""
    told: dict[Role, float] = {}
    for utterance in evidence.utterances:
        told[utterance.role] = told.get(utterance.role, 0.0) + utterance.end - utterance.start
    return sum(max(0.0, side.speech - told.get(side.role, 0.0)) for side in evidence.sides)


def _bounds(test: Level | RelativeLevel, evidence: Evidence) -> dict[Role, float] | None:
    """Return each speaker's bound in dBFS; None where one that counts has no median of his own."""
    every = evidence.levels or ()
    if isinstance(test, Level):
        return dict.fromkeys(Role, test.dbfs)
    if not evidence.roles_known:
        return None
    sign = 1 if test.comparison is Comparison.ABOVE else -1
    bounds: dict[Role, float] = {}
    for role in [role for role in (Role.COLLECTOR, Role.OTHER) if test.who in (None, role)]:
        own = [level for level in every if level.role is role]
        if sum(level.end - level.start for level in own) < ENOUGH_FOR_MEDIAN:
            return None
        bounds[role] = _median(own) + sign * test.decibels
    return bounds or None


def _median(levels: list[VoiceLevel]) -> float:
    """Return the level below which a voice stays for half of its time."""
    half = sum(level.end - level.start for level in levels) / 2
    ordered = sorted(levels, key=lambda level: level.dbfs)
    passed = accumulate(level.end - level.start for level in ordered)
    return next(level.dbfs for level, seconds in zip(ordered, passed, strict=True) if seconds >= half)


def _stretches(levels: Iterable[VoiceLevel]) -> list[Hit]:
    found: list[Hit] = []
    for level in levels:
        before = found[-1] if found else None
        if before and before.role is level.role and level.start - before.end <= _ONE_STRETCH:
            found[-1] = Hit(before.start, max(before.end, level.end), level.role, MEASURED)
        else:
            found.append(Hit(level.start, level.end, level.role, MEASURED))
    return found


def _syllables(text: str) -> int:
    stream = quick_stream(text)
    stream = sound(text).stream if stream is None else stream
    return len(stream) - stream.count("\0")


def _beyond(value: float, comparison: Comparison, bound: float) -> bool:
    match comparison:
        case Comparison.ABOVE:
            return value > bound
        case Comparison.BELOW:
            return value < bound
