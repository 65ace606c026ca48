"""Notices that were given, as evidence for rules: what is said rightly is no finding, but a rule may ask for it."""

from __future__ import annotations

from collections.abc import Iterable

from compline_edge.core.noticed import Noticed
from compline_edge.core.speech import Utterance
from compline_edge.core.text_matcher import TextMatcher
from compline_shared.taxonomy import Category, Role, Severity, Technique


def notices_given(matcher: TextMatcher, utterances: Iterable[Utterance]) -> tuple[Noticed, ...]:
    """Return the notices that stand in the text of utterances, each where its utterance is."""
    return tuple(
        notice_given(
            entry,
            role=utterance.role,
            start=utterance.start,
            end=utterance.end,
            confidence=round(100 * utterance.confidence),
        )
        for utterance in utterances
        for entry in sorted(matcher.disclosures(utterance.text))
    )


def notice_given(entry: int, *, role: Role, start: float, end: float, confidence: int) -> Noticed:
    """Return a notice that was heard, by phrase or by text, as what `entry` in a rule finds."""
    return Noticed(
        category=Category.MISSING_DISCLOSURE,
        severity=Severity.NOTICE,
        confidence=confidence,
        role=role,
        technique=Technique.LEXICON_TEXT,
        entry=entry,
        phrase="",
        start=start,
        end=end,
    )
