"""Reads a text for misconduct with the lexicon and, where there is one, the classifier, and joins what both saw."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from compline_edge.core.noticed import Noticed, Span
from compline_edge.core.text_calibration import CategoryCalibration, percent
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.ports import TextClassifier
from compline_shared.strictness import Points
from compline_shared.taxonomy import Category, Role, Severity, Technique

PIECE = 60
"""Characters of neighbouring sentences that the classifier reads at once; it was trained on one or two sentences."""
LONGEST_PIECE = 120
"""Characters after which a sentence without an end is divided all the same."""

LEAST_SURE = 10
"""Confidence at least of a phrase that the lexicon found, %: the classifier doubts it, and does not take it back."""
LEAST_DIFFERENT = 3
"""Different characters below which a text is a noise ("好好好好") that the classifier is not asked about."""

_SENTENCE = re.compile(r"[^。！!？?；;\n\r]+[。！!？?；;\n\r]*")
_PAUSE = re.compile(r"[，,。！!？?；;：:…\s]")


@dataclass(frozen=True, slots=True)
class TextReader:
    """What judges texts, wired once; safe to share between threads."""

    matcher: TextMatcher
    classifier: TextClassifier | None = None  # None: the lexicon alone
    points: Mapping[Category, Points] = field(default_factory=dict)  # by policy; others are the calibration's

    def find(self, text: str, role: Role, *, heard: bool = False) -> list[Noticed]:
        """Return what `text`, said or written by `role`, holds, in order of place.

        The classifier judges the collector's words and those of an unknown speaker, never the other side's. What it
        alone saw of an unknown speaker is a notice where it would be an alarm, else nothing: it may be the other
        side's. Where the lexicon finds a phrase, its finding stands at least as gravely, with the confidence that both
        together give. What was `heard` is a recogniser's guess, of which the classifier makes less.
        """
        matched = self.matcher.find(text, role)
        if self.classifier is None or role is Role.OTHER:
            return matched
        found: list[Noticed] = []
        left = deque(sorted(matched, key=_place))
        for piece in pieces(text):
            inside: list[Noticed] = []
            while left and _place(left[0])[0] < piece.end:
                inside.append(left.popleft())
            found += self._judged(text, piece, role, inside, self.classifier, heard=heard)
        return sorted([*found, *left], key=_place)

    def probability(self, text: str, role: Role, category: Category) -> float | None:
        """How likely what was heard is of a category, 0..1; None where the classifier cannot tell."""
        if self.classifier is None:
            return None
        logit = _logits(self.classifier, text, role, heard=True).get(category)
        return (
            None if logit is None else self.classifier.calibration.of(category, heard=True).probability(logit)
        )

    def _judged(
        self,
        text: str,
        piece: Span,
        role: Role,
        matched: Sequence[Noticed],
        classifier: TextClassifier,
        *,
        heard: bool,
    ) -> Iterator[Noticed]:
        logits = _logits(classifier, text[piece.start : piece.end], role, heard=heard)
        most = Severity.NOTICE if role is Role.UNKNOWN else Severity.SERIOUS
        told: set[Category] = set()
        for noticed in matched:
            if noticed.category not in logits:
                yield noticed
                continue
            told.add(noticed.category)
            of = classifier.calibration.of(noticed.category, heard=heard)
            alone = _logits(classifier, _clause(text, noticed), role, heard=heard).get(
                noticed.category, -math.inf
            )
            logit = max(logits[noticed.category], alone)  # polite words around it take nothing back
            reached = self._severity(noticed.category, of, of.probability(logit))
            yield replace(
                noticed,
                severity=max(noticed.severity, min(reached or noticed.severity, most)),
                confidence=max(LEAST_SURE, percent(of.probability(logit, matched=noticed.confidence / 100))),
            )
        for category, logit in logits.items():
            of = classifier.calibration.of(category, heard=heard)
            probability = of.probability(logit)
            reached = self._severity(category, of, probability)
            if role is Role.UNKNOWN and reached is not Severity.SERIOUS:
                continue
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

    def _severity(
        self, category: Category, calibrated: CategoryCalibration, probability: float
    ) -> Severity | None:
        points = self.points.get(category)
        if points is None:
            return calibrated.points.severity(probability)
        return points.severity(percent(probability))  # as it is told: what a page shows can be held to policy


def _logits(classifier: TextClassifier, text: str, role: Role, *, heard: bool) -> Mapping[Category, float]:
    if len({char for char in text if char.isalnum()}) < LEAST_DIFFERENT:
        return {}
    return classifier.logits(text, role, heard=heard)


def _clause(text: str, noticed: Noticed) -> str:
    """The words around a phrase up to the next pauses."""
    assert noticed.span is not None
    first = max(0, noticed.span.start - LONGEST_PIECE)
    before = [pause.end() for pause in _PAUSE.finditer(text, first, noticed.span.start)]
    after = _PAUSE.search(text, noticed.span.end, noticed.span.end + LONGEST_PIECE)
    return text[max([first, *before]) : after.start() if after else noticed.span.end + LONGEST_PIECE]


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
