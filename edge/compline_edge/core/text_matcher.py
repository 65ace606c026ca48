"""Finds the phrases of lexicon packs in a text, by characters and by how they sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compline_edge.core.clause import Clause
from compline_edge.core.common_characters import COMMON
from compline_edge.core.noticed import Noticed, Span
from compline_edge.core.phrase_index import PhraseIndex, Places
from compline_edge.core.sounded import Sounded, is_character, quick_stream, sound, syllables
from compline_shared.lexicon import Entry, Pack
from compline_shared.taxonomy import Category, Role, Severity, Technique

LEAST_SYLLABLES = 3
"""A phrase of fewer syllables counts only when its characters are written: too much sounds like it."""

_SHORT = 500  # characters
_WRITTEN = 95
_WRITTEN_WITH_GAP = 90
_SOUNDED = 80


@dataclass(frozen=True, slots=True)
class _Match:
    entry: Entry
    start: int  # token
    end: int  # token, exclusive
    technique: Technique
    confidence: int


class TextMatcher:
    """The phrases of some packs, ready to be found; safe to share between threads once made."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        entries = [entry for pack in packs for entry in pack.entries if entry.in_text]
        self._index = PhraseIndex(entries)

    @property
    def size(self) -> int:
        """How many phrases are looked for."""
        return self._index.size

    def find(self, text: str, role: Role) -> list[Noticed]:
        """Return what `text`, said or written by `role`, holds against the packs, in order of place.

        The other side's words count only against entries that say so; an unknown speaker never raises a veto.
        Overlapping matches of one category are one, the gravest.
        """
        if self._silent(text):
            return []
        sounded = sound(text)
        matches = [
            m for m in self._matches(text, sounded) if m.entry.category is not Category.MISSING_DISCLOSURE
        ]
        if not matches:
            return []
        if role is Role.OTHER:
            matches = [match for match in matches if match.entry.debtor]
        return [_noticed(match, sounded, role) for match in _collapsed(matches)]

    def disclosures(self, text: str) -> frozenset[int]:
        """Return the ids of the disclosures (identity, recording notice) that `text` makes."""
        if self._silent(text):
            return frozenset()
        matches = self._matches(text, sound(text))
        return frozenset(m.entry.id for m in matches if m.entry.category is Category.MISSING_DISCLOSURE)

    def matches(self, text: str) -> list[tuple[int, int, Span]]:
        """Return entry, confidence and place of every match, whoever says it and whatever else stands there."""
        if self._silent(text):
            return []
        sounded = sound(text)
        return [(m.entry.id, m.confidence, _span(m, sounded)) for m in self._matches(text, sounded)]

    def _silent(self, text: str) -> bool:
        """Whether a short text surely holds nothing; arrays cost more than they save there."""
        if len(text) > _SHORT:
            return False
        stream = quick_stream(text)
        return stream is not None and self._index.silent(stream)

    def _matches(self, text: str, sounded: Sounded) -> Iterator[_Match]:
        clause = Clause(text, sounded)
        for entry, wanted, places in self._index.hits(sounded.stream):
            match = _judged(entry, wanted, places, sounded)
            if match is None:
                continue
            strictly = match.technique is Technique.LEXICON_PINYIN
            if clause.unbroken(match.start, match.end, strictly=strictly) and not clause.excludes(
                entry, places
            ):
                yield match


def _judged(entry: Entry, wanted: str, places: Places, sounded: Sounded) -> _Match | None:
    start, end = places[0][0], places[-1][1]
    written = "".join([sounded.chars[first:last] for first, last in places])
    if written == wanted:
        confidence = _WRITTEN if len(places) == 1 else _WRITTEN_WITH_GAP
        return _Match(entry, start, end, Technique.LEXICON_TEXT, confidence)
    if len(wanted) < LEAST_SYLLABLES:
        return None
    confidence = _sounded_confidence(wanted, written)
    return _Match(entry, start, end, Technique.LEXICON_PINYIN, confidence) if confidence else None


def _sounded_confidence(wanted: str, written: str) -> int:
    """Return how surely `written` is `wanted` misspelt on purpose, 0 for what is likelier a coincidence."""
    size = len(wanted)
    pairs = [(one, other) for one, other in zip(wanted, written, strict=True) if one != other]
    characters = [other for _, other in pairs if is_character(other)]
    if size == LEAST_SYLLABLES and len(pairs) == 1 and not COMMON.isdisjoint(characters):
        return 0
    inexact = [other for one, other in pairs if not _sound_alike(one, other)]
    if len(inexact) > max(1, size // 4) or any(not is_character(other) for other in inexact):
        return 0
    if inexact and 2 * len(characters) > size:
        return 0
    share = (30 * len(characters) + 15 * (len(pairs) - len(characters))) / size
    return round(_SOUNDED - share - 5 * len(inexact))


def _sound_alike(one: str, other: str) -> bool:
    """Whether two characters share a reading, tones aside."""
    sounds = syllables(one)
    return any(sound in sounds for sound in syllables(other))


def _collapsed(matches: list[_Match]) -> list[_Match]:
    """Keep of overlapping matches of one category the gravest, then what is written, then the longest."""
    matches.sort(key=lambda m: (-m.entry.severity, m.technique, m.start - m.end, m.start, m.entry.id))
    kept: list[_Match] = []
    taken: dict[Category, set[int]] = {}
    for match in matches:
        tokens = taken.setdefault(match.entry.category, set())
        place = range(match.start, match.end)
        if tokens.isdisjoint(place):
            tokens.update(place)
            kept.append(match)
    return sorted(kept, key=lambda match: match.start)


def _noticed(match: _Match, sounded: Sounded, role: Role) -> Noticed:
    entry = match.entry
    return Noticed(
        category=entry.category,
        severity=min(entry.severity, Severity.SERIOUS) if role is Role.UNKNOWN else entry.severity,
        confidence=match.confidence,
        role=role,
        technique=match.technique,
        entry=entry.id,
        phrase=entry.canonical,
        span=_span(match, sounded),
    )


def _span(match: _Match, sounded: Sounded) -> Span:
    return Span(int(sounded.starts[match.start]), int(sounded.ends[match.end - 1]))
