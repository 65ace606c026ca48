"""Reads a text for misconduct with the lexicon and, where there is one, the classifier, and joins what both saw."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from compline_edge.core.noticed import Noticed, Span
from compline_edge.core.text_calibration import percent
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.ports import TextClassifier
from compline_shared.taxonomy import Category, Role, Severity, Technique

PIECE = 60
"""Characters of neighbouring sentences that the classifier reads at once; it was trained on one or two sentences."""
LONGEST_PIECE = 120
"""Characters after which a sentence without an end is divided all the same."""

LIKELY = 0.25
"""Probability that lexicon and classifier together give a phrase, below which it is a notice whatever its entry says:
it is denied, quoted or warned against three times in four."""
NEGLIGIBLE = 0.05
"""Below this it is none: it would be shown as 0 %."""

_SENTENCE = re.compile(r"[^。！!？?；;\n\r]+[。！!？?；;\n\r]*")


@dataclass(frozen=True, slots=True)
class TextReader:
    """What judges texts, wired once; safe to share between threads."""

    matcher: TextMatcher
    classifier: TextClassifier | None = None  # None: the lexicon alone

    def find(self, text: str, role: Role, *, heard: bool = False) -> list[Noticed]:
        """Return what `text`, said or written by `role`, holds, in order of place.

        What was `heard` is a recogniser's guess, of which the classifier makes less.

        The classifier judges the collector's words and those of an unknown speaker, never the other side's. What it
        alone saw of an unknown speaker is at most a warning. Where the lexicon finds a phrase, its finding stands, with
        the confidence that both together give: as a notice where that is small, not at all where it is next to none.
        """
        matched = self.matcher.find(text, role)
        if self.classifier is None or role is Role.OTHER:
            return matched
        found: list[Noticed] = []
        for piece in pieces(text):
            inside = [n for n in matched if n.span is not None and piece.start <= n.span.start < piece.end]
            found += self._judged(text, piece, role, inside, heard=heard)
        return sorted(found, key=_place)

    def _judged(
        self, text: str, piece: Span, role: Role, matched: Sequence[Noticed], *, heard: bool
    ) -> Iterator[Noticed]:
        assert self.classifier is not None
        logits = self.classifier.logits(text[piece.start : piece.end], role)
        told: set[Category] = set()
        for noticed in matched:
            logit = logits.get(noticed.category)
            if logit is None:
                yield noticed
                continue
            told.add(noticed.category)
            of = self.classifier.calibration.of(noticed.category, heard=heard)
            probability = of.probability(logit, matched=noticed.confidence / 100)
            if probability >= NEGLIGIBLE:
                severity = noticed.severity if probability >= LIKELY else Severity.NOTICE
                yield replace(noticed, severity=severity, confidence=percent(probability))
        most = Severity.WARNING if role is Role.UNKNOWN else Severity.SERIOUS
        for category, logit in logits.items():
            of = self.classifier.calibration.of(category, heard=heard)
            probability = of.probability(logit)
            reached = of.points.severity(probability)
            if reached is not None and category not in told:
                yield Noticed(
                    category=category,
                    severity=min(reached, most),
                    confidence=percent(probability),
                    role=role,
                    technique=Technique.CLASSIFIER,
                    entry=0,
                    phrase="",
                    span=piece,
                )


def pieces(text: str) -> Iterator[Span]:
    """Divide a text into sentences, short neighbours together, long ones apart; every character is in one piece."""
    start = end = 0
    for sentence in _SENTENCE.finditer(text):
        if end > start and sentence.end() - start > PIECE:
            yield from _divided(start, end)
            start = end
        end = sentence.end()
    yield from _divided(start, len(text))


def _divided(start: int, end: int) -> Iterator[Span]:
    for first in range(start, end, LONGEST_PIECE):
        yield Span(first, min(end, first + LONGEST_PIECE))


def _place(noticed: Noticed) -> tuple[int, int]:
    span = noticed.span or Span(0, 0)
    return span.start, int(noticed.category)
