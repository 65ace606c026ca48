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

_REQUIRED = (
    (IDENTITY_RULE, Severity.WARNING),
    (RECORDING_RULE, Severity.NOTICE),
)


def absences(
    disclosed: AbstractSet[int], *, role: Role, speech: float, clarity: float, end: float
) -> tuple[Noticed, ...]:
    """Return a finding for each required notice where none of them was heard.

    Where one was heard, the collector did open the call as he must, and the other is likelier to have been missed by
    the model than by him: nothing is claimed.

    Args:
        disclosed: entry ids of the notices that were heard.
        role: whose side was listened to.
        speech: seconds of speech on that side.
        clarity: mean token confidence 0..1 of its text.
        end: seconds, where the finding is placed: the end of what was listened to.
    """
    if disclosed or speech < ENOUGH_SPEECH or clarity < CLEAR_TEXT:
        return ()
    return tuple(
        Noticed(
            category=Category.MISSING_DISCLOSURE,
            severity=severity,
            confidence=round(100 * clarity),
            role=role,
            technique=Technique.ABSENCE,
            entry=0,
            phrase="",
            rule=rule,
            start=end,
            end=end,
        )
        for rule, severity in _REQUIRED
    )
