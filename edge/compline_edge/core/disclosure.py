"""Notices when a call lacks what a collector must say: who calls, and that it is recorded."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from compline_edge.core.noticed import Noticed
from compline_shared.taxonomy import Category, Role, Severity, Technique

IDENTITY_RULE = 1
RECORDING_RULE = 2
ENOUGH_SPEECH = 8.0
"""Seconds of speech on the collector's side below which a call is too short to judge an absence."""
CLEAR_TEXT = 0.5
"""Mean token confidence below which "not heard" says nothing about "not said"."""
CALLS_WITHOUT = 0.1
"""Share of calls that lack both notices, assumed for the confidence alone."""
WIDE_BAND = 16_000
"""Hz of a recording below which nothing is claimed: over 8 kHz lines 18-25 % of calls that gave both notices show
neither, so that a report is right 30-39 times in 100 (`python -m models.spotter.notices`)."""
CONFIDENCE = 48
"""How often a report is right at 16 kHz, by the same measurement: 12 % of calls that gave both notices show neither."""


def absences(
    disclosed: AbstractSet[int], *, role: Role, speech: float, clarity: float, sample_rate: int, end: float
) -> tuple[Noticed, ...]:
    """Return a finding for each required notice where none of them was heard; it asks to listen, no more.

    Where one was heard, the collector did open the call as he must, and the other is likelier to have been missed by
    the model than by him: nothing is claimed. Nor is it over narrow lines, where most reports would
    be wrong.

    Args:
        disclosed: entry ids of the notices that were heard.
        role: whose side was listened to.
        speech: seconds of speech on that side.
        clarity: mean token confidence 0..1 of its text.
        sample_rate: Hz, as recorded.
        end: seconds, where the finding is placed: the end of what was listened to.
    """
    if disclosed or speech < ENOUGH_SPEECH or clarity < CLEAR_TEXT or sample_rate < WIDE_BAND:
        return ()
    return tuple(
        Noticed(
            category=Category.MISSING_DISCLOSURE,
            severity=Severity.NOTICE,
            confidence=CONFIDENCE,
            role=role,
            technique=Technique.ABSENCE,
            entry=0,
            phrase="",
            rule=rule,
            start=end,
            end=end,
        )
        for rule in (IDENTITY_RULE, RECORDING_RULE)
    )
