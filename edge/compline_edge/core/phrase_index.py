"""All phrases of lexicon packs in one Aho-Corasick automaton over classes of sound."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import ahocorasick
import numpy as np

from compline_edge.core.common_characters import BY_FREQUENCY
from compline_edge.core.sounded import class_keys
from compline_edge.core.template import Phrase, phrases
from compline_shared.lexicon import Entry

Places = tuple[tuple[int, int], ...]
"""Token range [start, end) of each part of a phrase."""


@dataclass(frozen=True, slots=True)
class _Around:
    """A phrase with gaps, found by its longest part: the class streams and gaps of the parts before and after it."""

    before: tuple[tuple[int, tuple[str, ...]], ...]  # nearest first
    after: tuple[tuple[int, tuple[str, ...]], ...]


class PhraseIndex:
    """Finds where phrases may stand.

    One automaton serves both channels: a character has one class of sound, so what matches in characters matches
    in sound. There are 100,000 phrases: what is kept of each is a few numbers in arrays, not objects (20 MB less).
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = tuple(entries)
        self._entry_of = array("I")  # of each phrase, its place in the entries
        self._begins = array("I", [0])  # of each phrase, where its characters begin in the texts, and the end
        self._arounds: dict[int, _Around] = {}  # of phrases with gaps
        texts: list[str] = []
        keys: dict[str, int] = {}  # of the longest parts, numbered
        rows, found = array("I"), array("I")  # number of a key, and of a phrase that it may begin
        same: dict[_Around, _Around] = {}
        for place, entry in enumerate(self._entries):
            for phrase in phrases(entry):
                number = len(self._entry_of)
                self._entry_of.append(place)
                texts.append(phrase.text)
                self._begins.append(self._begins[-1] + len(phrase.text))
                part = phrase.parts.index(max(phrase.parts, key=len)) if phrase.gaps else 0
                if phrase.gaps:
                    around = _around(phrase, part)
                    self._arounds[number] = same.setdefault(around, around)
                for key in class_keys(phrase.parts[part]):
                    rows.append(keys.setdefault(key, len(keys)))
                    found.append(number)
        self.size = len(self._entry_of)
        self._texts = "".join(texts)
        self._found, self._groups = _grouped(rows, found, len(keys))
        self._automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
        for key in _commonest_first(keys):
            self._automaton.add_word(key, keys[key])
        if keys:
            self._automaton.make_automaton()

    def silent(self, stream: str) -> bool:
        """Whether nothing can be found in `stream`."""
        return not self.size or next(self._automaton.iter(stream), None) is None

    def hits(self, stream: str) -> Iterator[tuple[Entry, str, Places]]:
        """Yield entry, characters and places of each phrase that may stand in `stream`, a `Sounded.stream`."""
        if not self.size:
            return
        for last, key in self._automaton.iter(stream):
            for phrase in self._found[self._groups[key] : self._groups[key + 1]]:
                text = self._texts[self._begins[phrase] : self._begins[phrase + 1]]
                places = _places(stream, text, self._arounds.get(phrase), last + 1)
                if places is not None:
                    yield self._entries[self._entry_of[phrase]], text, places


def _grouped(rows: array[int], found: array[int], size: int) -> tuple[array[int], array[int]]:
    """Order what was found by its row; with where each of so many rows begins, and the end."""
    ordered = np.argsort(np.asarray(rows), kind="stable")
    begins = np.searchsorted(np.asarray(rows)[ordered], np.arange(size + 1))
    return array("I", np.asarray(found)[ordered].tolist()), array("I", begins.tolist())


def _around(phrase: Phrase, part: int) -> _Around:
    keys = [class_keys(literal) for literal in phrase.parts]
    before = tuple(zip(reversed(phrase.gaps[:part]), reversed(keys[:part]), strict=True))
    return _Around(before, tuple(zip(phrase.gaps[part:], keys[part + 1 :], strict=True)))


def _places(stream: str, text: str, around: _Around | None, end: int) -> Places | None:
    """Where the parts of a phrase stand of which its only one, or its anchor, ends at `end`."""
    if around is None:
        return ((end - len(text), end),)
    return _completed(stream, around, (end - _anchor_size(text, around), end))


def _anchor_size(text: str, around: _Around) -> int:
    return len(text) - sum(len(keys[0]) for _, keys in (*around.before, *around.after))


def _completed(stream: str, around: _Around, anchor: tuple[int, int]) -> Places | None:
    """Find the other parts around the anchor, each as near as its gap allows."""
    places = [anchor]
    for gap, keys in around.before:
        edge = places[0][0] - len(keys[0])
        at = _nearest(stream, keys, range(edge, max(edge - gap, 0) - 1, -1))
        if at is None:
            return None
        places.insert(0, (at, at + len(keys[0])))
    for gap, keys in around.after:
        edge = places[-1][1]
        at = _nearest(stream, keys, range(edge, edge + gap + 1))
        if at is None:
            return None
        places.append((at, at + len(keys[0])))
    return tuple(places)


def _nearest(stream: str, keys: tuple[str, ...], places: range) -> int | None:
    """Return the first of `places` where one of `keys` stands."""
    return next((place for place in places if stream.startswith(keys, place)), None)


def _commonest_first(keys: Iterable[str]) -> list[str]:
    """Put what begins with common sounds first: a trie node looks its children up in the order of their making."""
    rank: dict[str, int] = {}
    for sound in class_keys(BY_FREQUENCY)[0]:
        rank.setdefault(sound, len(rank))
    return sorted(keys, key=lambda key: rank.get(key[0], len(rank)))
