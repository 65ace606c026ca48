"""All phrases of lexicon packs in one Aho-Corasick automaton over classes of sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import ahocorasick

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


_Anchored = tuple[Entry, str, _Around | None]
"""Entry, characters of the phrase, what stands around the anchor; a tuple because there are 100,000 of them."""


class PhraseIndex:
    """Finds where phrases may stand.

    One automaton serves both channels: a character has one class of sound, so what matches in characters matches
    in sound.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        anchored: dict[str, list[_Anchored]] = {}
        self.size = 0
        for entry in entries:
            for phrase in phrases(entry):
                self.size += 1
                part = phrase.parts.index(max(phrase.parts, key=len)) if phrase.gaps else 0
                found = (entry, phrase.text, _around(phrase, part) if phrase.gaps else None)
                for key in class_keys(phrase.parts[part]):
                    anchored.setdefault(key, []).append(found)
        self._automaton = ahocorasick.Automaton()
        for key in _commonest_first(anchored):
            self._automaton.add_word(key, anchored[key])
        if anchored:
            self._automaton.make_automaton()

    def silent(self, stream: str) -> bool:
        """Whether nothing can be found in `stream`."""
        return not self.size or next(self._automaton.iter(stream), None) is None

    def hits(self, stream: str) -> Iterator[tuple[Entry, str, Places]]:
        """Yield entry, characters and places of each phrase that may stand in `stream`, a `Sounded.stream`."""
        if not self.size:
            return
        for last, anchored in self._automaton.iter(stream):
            for entry, text, around in anchored:
                if around is None:
                    yield entry, text, ((last + 1 - len(text), last + 1),)
                    continue
                places = _completed(stream, around, (last + 1 - _anchor_size(text, around), last + 1))
                if places is not None:
                    yield entry, text, places


def _around(phrase: Phrase, part: int) -> _Around:
    keys = [class_keys(literal) for literal in phrase.parts]
    before = tuple(zip(reversed(phrase.gaps[:part]), reversed(keys[:part]), strict=True))
    return _Around(before, tuple(zip(phrase.gaps[part:], keys[part + 1 :], strict=True)))


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
