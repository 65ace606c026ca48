"""Where clauses end around a match, and whether words in its clause take it back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from compline_edge.core.phrase_index import Places
from compline_edge.core.sounded import Sounded, is_character, syllables
from compline_shared.lexicon import Entry

REACH = 8
"""Characters before and after a match in which a negative context counts."""

_ENDS_CLAUSE = re.compile("[，,。！!？?；;：:…《》“”「」\n\r]")
_ENDS_SENTENCE = re.compile("[。！!？?；;\n\r]")


class Clause:
    """The clauses of one text."""

    def __init__(self, text: str, sounded: Sounded) -> None:
        self._text = text
        self._sounded = sounded

    def unbroken(self, start: int, end: int, *, strictly: bool) -> bool:
        """Whether tokens [start, end) are one sentence (strictly: clause), or set apart one by one as a disguise."""
        if int(self._sounded.ends[end - 1]) - int(self._sounded.starts[start]) == end - start:
            return True
        between = self._between(start, end)
        mark = _ENDS_CLAUSE if strictly else _ENDS_SENTENCE
        broken = sum(mark.search(text) is not None for text in between)
        return broken == 0 or broken == len(between) > 1

    def excludes(self, entry: Entry, places: Places) -> bool:
        """Whether a negative context of `entry` takes back its phrase, whose parts stand at `places`."""
        if not entry.excluded and not entry.excluded_after:
            return False
        start, end = places[0][0], places[-1][1]
        first, last = self._first(start), self._last(end)
        window = self._sounded.chars[first:last]
        heard = _heard_as(window)
        for word in entry.excluded:
            for place in _found(word, window, heard):
                if first + place < end and not _own(first + place, len(word), places):
                    return True
        return any(
            first + place >= end for word in entry.excluded_after for place in _found(word, window, heard)
        )

    def _first(self, start: int) -> int:
        """Return the first token before `start` that is in its clause and in reach."""
        least = max(0, start - REACH)
        steps = enumerate(reversed(self._between(least, start + 1)))
        return next((start - step for step, text in steps if _ENDS_CLAUSE.search(text)), least)

    def _last(self, end: int) -> int:
        """Return the end of the tokens after `end` that are in its clause and in reach."""
        most = min(len(self._sounded.chars), end + REACH)
        steps = enumerate(self._between(end - 1, most))
        return next((end + step for step, text in steps if _ENDS_CLAUSE.search(text)), most)

    def _between(self, start: int, end: int) -> list[str]:
        """Return what stood between each two neighbours of tokens [start, end)."""
        ends, starts = (
            self._sounded.ends[start : end - 1].tolist(),
            self._sounded.starts[start + 1 : end].tolist(),
        )
        return [self._text[one:other] for one, other in zip(ends, starts, strict=True)]


def _own(place: int, size: int, places: Places) -> bool:
    """Whether a context stands inside a literal run of the phrase, whose author meant it there."""
    return any(start <= place and place + size <= end for start, end in places)


def _found(word: str, window: str, heard: str) -> Iterator[int]:
    """Yield the places of the window where `word` stands in characters or, from two syllables on, in sound."""
    yield from _places(word, window)
    if len(word) > 1:
        yield from _places(_heard_as(word), heard)


def _places(word: str, window: str) -> Iterator[int]:
    place = window.find(word)
    while place >= 0:
        yield place
        place = window.find(word, place + 1)


@lru_cache(maxsize=4096)
def _heard_as(text: str) -> str:
    """Return one character for the usual syllable of each character; a character without one stays."""
    return "".join([_heard(char) for char in text])


@lru_cache(maxsize=8192)
def _heard(char: str) -> str:
    found = syllables(char)
    if found:
        return chr(found[0])
    return char if is_character(char) else "\0"
