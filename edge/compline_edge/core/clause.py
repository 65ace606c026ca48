"""Where clauses end around a match, and whether words in its clause take it back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from compline_edge.core.phrase_index import Places
from compline_edge.core.sounded import Sounded, syllables
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
        mark = _ENDS_CLAUSE if strictly else _ENDS_SENTENCE
        broken = sum(self._divided(place, mark) for place in range(start + 1, end))
        return broken == 0 or (broken == end - start - 1 and broken > 1)

    def excludes(self, entry: Entry, places: Places) -> bool:
        """Whether a negative context of `entry` takes back its phrase, whose parts stand at `places`."""
        if not entry.excluded and not entry.excluded_after:
            return False
        end = places[-1][1]
        first, last = self._first(places[0][0]), self._last(end)
        window = self._sounded.chars[first:last]
        heard = "".join([_heard(char) for char in window])
        for word in entry.excluded:
            for place in _found(word, window, heard, first):
                if place < end and not _own(place, len(word), places):
                    return True
        return any(
            place >= end for word in entry.excluded_after for place in _found(word, window, heard, first)
        )

    def _first(self, start: int) -> int:
        place = start
        while place > max(0, start - REACH) and not self._divided(place, _ENDS_CLAUSE):
            place -= 1
        return place

    def _last(self, end: int) -> int:
        place = end
        while place < min(len(self._sounded.chars), end + REACH) and not self._divided(place, _ENDS_CLAUSE):
            place += 1
        return place

    def _divided(self, place: int, mark: re.Pattern[str]) -> bool:
        """Whether a mark stands between the tokens before and at `place`."""
        between = self._sounded.ends[place - 1], self._sounded.starts[place]
        return between[0] != between[1] and mark.search(self._text, *map(int, between)) is not None


def _own(place: int, size: int, places: Places) -> bool:
    """Whether a context stands inside a literal run of the phrase, whose author meant it there."""
    return any(start <= place and place + size <= end for start, end in places)


def _found(word: str, window: str, heard: str, first: int) -> Iterator[int]:
    """Yield the tokens at which `word` stands in characters or, from two syllables on, in sound."""
    yield from (first + found.start() for found in re.finditer(re.escape(word), window))
    if len(word) > 1:
        sounds = "".join([_heard(char) for char in word])
        if "\0" not in sounds:
            yield from (first + found.start() for found in re.finditer(re.escape(sounds), heard))


@lru_cache(maxsize=8192)
def _heard(char: str) -> str:
    found = syllables(char)
    return chr(found[0]) if found else "\0"
