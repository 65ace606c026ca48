"""All phrases of lexicon packs in one Aho-Corasick automaton over classes of sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import ahocorasick

from compline_edge.core.sounded import class_keys
from compline_edge.core.template import Phrase, phrases
from compline_shared.lexicon import Entry

Places = tuple[tuple[int, int], ...]
"""Token range [start, end) of each part of a phrase."""


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A phrase found by its longest part; `before` and `after` are the class streams of the other parts."""

    entry: Entry
    phrase: Phrase
    part: int
    before: tuple[tuple[str, ...], ...]
    after: tuple[tuple[str, ...], ...]


class PhraseIndex:
    """Finds where phrases may stand.

    One automaton serves both channels: a character has one class of sound, so what matches in characters
    matches in sound.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        anchors: dict[str, list[_Anchor]] = {}
        self.size = 0
        for entry in entries:
            for phrase in phrases(entry):
                self.size += 1
                for key, anchor in _anchors(entry, phrase):
                    anchors.setdefault(key, []).append(anchor)
        self._automaton = ahocorasick.Automaton()
        for key, found in anchors.items():
            self._automaton.add_word(key, found)
        if anchors:
            self._automaton.make_automaton()

    def hits(self, stream: str) -> Iterator[tuple[Entry, Phrase, Places]]:
        """Yield each place of `stream`, a `Sounded.stream`, where a phrase may stand."""
        if not self.size:
            return
        for last, anchors in self._automaton.iter(stream):
            for anchor in anchors:
                places = _complete(stream, anchor, last + 1)
                if places is not None:
                    yield anchor.entry, anchor.phrase, places


def _anchors(entry: Entry, phrase: Phrase) -> Iterator[tuple[str, _Anchor]]:
    keys = [class_keys(part) for part in phrase.parts]
    part = max(range(len(keys)), key=lambda index: len(phrase.parts[index]))
    anchor = _Anchor(entry, phrase, part, tuple(keys[:part]), tuple(keys[part + 1 :]))
    for key in keys[part]:
        yield key, anchor


def _complete(stream: str, anchor: _Anchor, end: int) -> Places | None:
    """Find the other parts around the anchor that ends at `end`, each as near as its gap allows."""
    start = end - len(anchor.phrase.parts[anchor.part])
    if not anchor.phrase.gaps:
        return ((start, end),)
    gaps, part = anchor.phrase.gaps, anchor.part
    places = [(start, end)]
    for keys, gap in zip(reversed(anchor.before), reversed(gaps[:part]), strict=True):
        edge = places[0][0] - len(keys[0])
        at = _nearest(stream, keys, range(edge, max(edge - gap, 0) - 1, -1))
        if at is None:
            return None
        places.insert(0, (at, at + len(keys[0])))
    for keys, gap in zip(anchor.after, gaps[part:], strict=True):
        edge = places[-1][1]
        at = _nearest(stream, keys, range(edge, edge + gap + 1))
        if at is None:
            return None
        places.append((at, at + len(keys[0])))
    return tuple(places)


def _nearest(stream: str, keys: tuple[str, ...], places: range) -> int | None:
    """Return the first of `places` where one of `keys` stands."""
    return next((place for place in places if stream.startswith(keys, place)), None)
