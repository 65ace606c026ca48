"""All phrases of a rule pack, compiled once and found in the utterances of a call."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from compline_edge.core.approximate import nearly
from compline_edge.core.noticed import Span
from compline_edge.core.outcome import Hit
from compline_edge.core.sounded import class_keys, sound
from compline_edge.core.speech import Token, Utterance
from compline_edge.core.text_matcher import TextMatcher
from compline_shared.lexicon import Entry, Pack
from compline_shared.rule import Similar, Wording
from compline_shared.taxonomy import Category, Severity
from compline_shared.template import Template

Wanted: TypeAlias = tuple[str, int]
"""A phrase as its author wrote it and the percent of it that must sound; 0: found as phrases of lexicons are."""

EXACTLY = 0
MOMENT = 0.00005
"""Seconds that a message takes which has one time only, so that what stands in it has an order.

Less than what tells messages of one second apart (`pipeline.A_MOMENT`), or a message would not be over when the next
begins.
"""
_ALIKE = 80
"""Confidence in a phrase of which every syllable sounds right, the same as a lexicon's; above it, it is written."""
_AHEAD = 32
"""Characters within which the next token of an utterance stands in its text."""


class Wordings:
    """The phrases of one pack; safe to share between threads once made."""

    def __init__(self, wordings: Iterable[Wording], similar: Iterable[Similar]) -> None:
        self._texts = tuple({wording.text: wording.template for wording in wordings}.items())
        entries = tuple(_entry(number, template) for number, (_, template) in enumerate(self._texts))
        self._matcher = TextMatcher([Pack("", 0, "", entries)])
        alike = {(w.text, test.percent): w.template for test in similar for w in test.wordings}
        self._keys = [
            (wanted, key, len(key) * (100 - wanted[1]) // 100)
            for wanted, template in alike.items()
            for key in _keys(template)
        ]

    def hits(self, utterances: Iterable[Utterance]) -> dict[Wanted, list[Hit]]:
        """Return where each phrase is said or written; phrases that are nowhere are left out."""
        found: dict[Wanted, list[Hit]] = {}
        for utterance in utterances:
            clock: _Clock | None = None
            for wanted, confidence, span in self._spans(utterance.text):
                clock = clock or _Clock(utterance)
                found.setdefault(wanted, []).append(clock.hit(span, confidence))
        return found

    def _spans(self, text: str) -> Iterator[tuple[Wanted, int, Span]]:
        for number, confidence, span in self._matcher.matches(text):
            yield (self._texts[number][0], EXACTLY), confidence, span
        if not self._keys:
            return
        sounded = sound(text)
        for wanted, key, most in self._keys:
            for first, end, errors in nearly(sounded.stream, key, most=most):
                span = Span(int(sounded.starts[first]), int(sounded.ends[end - 1]))
                yield wanted, round(_ALIKE * (1 - errors / len(key))), span


class _Clock:
    """Tells when what stands at a place of an utterance's text was said, and how surely it was."""

    def __init__(self, utterance: Utterance) -> None:
        self._utterance = utterance
        self._tokens: list[Token] = []
        self._begins: list[int] = []
        self._ends: list[int] = []
        place = 0
        for token in utterance.tokens:
            begins = utterance.text.find(token.text, place, place + _AHEAD + len(token.text))
            if begins >= 0:
                place = begins + len(token.text)
                self._tokens.append(token)
                self._begins.append(begins)
                self._ends.append(place)

    def hit(self, span: Span, confidence: int) -> Hit:
        """Return the hit of a phrase at `span`, no surer than the words it rests on."""
        role, alike = self._utterance.role, confidence <= _ALIKE
        first, last = bisect_right(self._ends, span.start), bisect_left(self._begins, span.end)
        inside = self._tokens[first:last]
        if inside:
            certainty = sum(token.confidence for token in inside) / len(inside)
            return Hit(inside[0].start, inside[-1].end, role, round(confidence * certainty), alike)
        start, end = self._moment(span.start), self._moment(span.end)
        return Hit(start, end, role, round(confidence * self._utterance.confidence), alike)

    def _moment(self, place: int) -> float:
        lasts = max(self._utterance.end - self._utterance.start, MOMENT)
        return self._utterance.start + lasts * place / len(self._utterance.text)


def _keys(template: Template) -> tuple[str, ...]:
    literals = ("".join(parts) for parts in template.phrases())
    return tuple(dict.fromkeys(key for literal in literals for key in class_keys(literal)))


def _entry(number: int, template: Template) -> Entry:
    return Entry(
        id=number,
        category=Category.THREAT,  # asks nothing of it: what is matched is a phrase, whatever it is about
        severity=Severity.NOTICE,
        template=template,
        excluded=(),
        excluded_after=(),
        canonical="",
        gloss="",
        in_text=True,
        in_audio=False,
        debtor=True,
        line=0,
    )
