"""A text as the matcher reads it: folded characters, how each sounds, and where each stood."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from compline_edge.core.normaliser import SPLIT_PARTS, Normalised, Offsets, normalise
from compline_edge.core.syllables import INDEX, SYLLABLES, fuzzy_class, primary_table, readings, spell

_SPELLED = 0xF0000
"""Private-use code point of syllable 0 as written in Latin letters; no folded text has it."""
_UNSURE = "\uffff"
_LETTERS = 26
_FIRST_LETTER = ord("a")


@dataclass(frozen=True, slots=True, eq=False)
class Sounded:
    """Token i is `chars[i]`, sounds like `stream[i]` (NUL for no sound) and stood at [starts[i], ends[i])."""

    chars: str
    stream: str
    starts: Offsets
    ends: Offsets


def sound(text: str) -> Sounded:
    """Fold `text` and class its characters by sound; pinyin in Latin letters becomes one token a syllable."""
    folded = normalise(text)
    letters = ((folded.codes - np.uint32(_FIRST_LETTER)) < _LETTERS).nonzero()[0]
    if letters.size:
        folded = _spelled(folded, letters)
    stream = _class_table()[folded.codes].tobytes().decode("utf-16-le")
    return Sounded(folded.text, stream, folded.starts, folded.ends)


def quick_stream(text: str) -> str | None:
    """Return the stream that `sound` would give, faster for short texts; None where only `sound` can tell.

    That is where Latin letters may be pinyin, or a character may be written in two parts.
    """
    stream = text.translate(_quick_classes())
    return None if _UNSURE in stream else stream


def class_keys(literal: str) -> tuple[str, ...]:
    """Return the class streams of a literal, up to 4 where characters have a second common reading."""
    classes = _class_chars()
    key = literal.translate(classes)
    if _SECOND.keys().isdisjoint(literal):
        return (key,)
    keys = [key]
    for place in [place for place, char in enumerate(literal) if char in _SECOND][:2]:
        other = classes[_SPELLED + INDEX[_SECOND[literal[place]]]]
        keys += [one[:place] + other + one[place + 1 :] for one in keys]
    return tuple(dict.fromkeys(keys))


@lru_cache(maxsize=8192)
def syllables(char: str) -> tuple[int, ...]:
    """Return the syllables that a token may sound like, the usual one first; () for none."""
    code = ord(char)
    if code >= _SPELLED:
        return (code - _SPELLED,)
    return readings(char) or ((int(primary_table()[code]),) if primary_table()[code] else ())


def is_character(char: str) -> bool:
    """Whether a token was written as a Chinese character rather than in letters or digits."""
    return 0x3400 <= ord(char) < _SPELLED


_SECOND = {
    "还": "huan", "行": "hang", "重": "chong", "长": "chang", "都": "du", "得": "dei", "调": "tiao",
    "乐": "yue", "传": "zhuan", "率": "shuai", "弹": "tan",
    "曾": "zeng", "给": "ji", "血": "xie", "露": "lou",
}  # fmt: skip
"""Characters that are often read in a second way."""


def _spelled(folded: Normalised, letters: Offsets) -> Normalised:
    """Replace Latin letters, which stand at tokens `letters`, by one token a syllable where they are pinyin."""
    keep = np.ones(len(folded.codes), dtype=np.bool_)
    codes, ends = folded.codes.copy(), folded.ends.copy()
    text = folded.codes[letters].astype(np.uint8).tobytes().decode("ascii")
    starts, tokens = folded.starts[letters].tolist(), letters.tolist()
    for first, last in pairwise([0, *((np.diff(letters) > 1).nonzero()[0] + 1).tolist(), len(text)]):
        for place, word in _words(text[first:last], starts[first:last]):
            token = tokens[first + place]
            for index, size in spell(word) or ():
                codes[token] = _SPELLED + index
                ends[token] = folded.ends[token + size - 1]
                keep[token + 1 : token + size] = False
                token += size
    return Normalised(codes[keep], folded.starts[keep], ends[keep])


def _words(text: str, starts: list[int]) -> list[tuple[int, str]]:
    """Divide letters where the original had something between them, unless only the whole is pinyin.

    Returns:
        place in `text` and letters of each word.
    """
    if starts[-1] - starts[0] == len(text) - 1:
        return [(0, text)]
    cuts = [0, *(place for place in range(1, len(text)) if starts[place] != starts[place - 1] + 1), len(text)]
    words = [(first, text[first:last]) for first, last in pairwise(cuts)]
    if all(spell(word) for _, word in words) or not spell(text):
        return words
    return [(0, text)]


class _ClassChars(dict[int, str]):
    """Code point -> class of sound as a character, for what has one; filled as characters come."""

    def __missing__(self, code: int) -> str:
        number = int(_class_table()[code])
        if not number:
            raise KeyError(code)
        self[code] = found = chr(number)
        return found


@cache
def _class_chars() -> _ClassChars:
    return _ClassChars()


class _QuickClasses(dict[int, str | None]):
    """Code point -> class of sound as a character, None for what is dropped; filled as characters come."""

    def __missing__(self, code: int) -> str | None:
        self[code] = found = self._found(code)
        return found

    def _found(self, code: int) -> str | None:
        folded = normalise(chr(code)).codes.tolist()
        if not folded:
            return None
        unsure = folded[0] - _FIRST_LETTER in range(_LETTERS) or chr(folded[0]) in SPLIT_PARTS
        return _UNSURE if unsure else chr(int(_class_table()[folded[0]]))


@cache
def _quick_classes() -> _QuickClasses:
    return _QuickClasses()


@cache
def _class_table() -> npt.NDArray[np.uint16]:
    """Return [code points] -> number of the class of sound, 0 for none; spelled syllables included."""
    numbers: dict[str, int] = {}
    classes = [0] + [
        numbers.setdefault(fuzzy_class(index), len(numbers) + 1) for index in range(1, len(SYLLABLES))
    ]
    table = np.array(classes, dtype=np.uint16)[primary_table()]
    table[_SPELLED : _SPELLED + len(SYLLABLES)] = classes
    return table
