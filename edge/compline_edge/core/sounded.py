"""A text as the matcher reads it: folded characters, how each sounds, and where each stood."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from compline_edge.core.normaliser import Normalised, Offsets, normalise
from compline_edge.core.syllables import INDEX, SYLLABLES, fuzzy_class, primary_table, readings, spell

_SPELLED = 0xF0000
"""Private-use code point of syllable 0 as written in Latin letters; no folded text has it."""
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


def syllables(char: str) -> tuple[int, ...]:
    """Return the syllables that a token may sound like; () for none."""
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
    for run in np.split(letters, (np.diff(letters) > 1).nonzero()[0] + 1):
        start, stop = int(run[0]), int(run[-1]) + 1
        text = "".join(map(chr, folded.codes[start:stop].tolist()))
        for first, word in _words(text, folded.starts[start:stop].tolist()):
            place = start + first
            for index, size in spell(word) or ():
                codes[place] = _SPELLED + index
                ends[place] = folded.ends[place + size - 1]
                keep[place + 1 : place + size] = False
                place += size
    return Normalised(codes[keep], folded.starts[keep], ends[keep])


def _words(text: str, starts: list[int]) -> list[tuple[int, str]]:
    """Divide letters where the original had something between them, unless only the whole is pinyin.

    Returns:
        place in `text` and letters of each word.
    """
    cuts = [0, *(place for place in range(1, len(text)) if starts[place] != starts[place - 1] + 1), len(text)]
    words = [(first, text[first:last]) for first, last in pairwise(cuts)]
    if len(words) == 1 or all(spell(word) for _, word in words) or not spell(text):
        return words
    return [(0, text)]


@cache
def _class_chars() -> dict[int, str]:
    """Return code point -> class of sound as a character, for what has one."""
    table = _class_table()
    sounding = table.nonzero()[0].tolist()
    return dict(zip(sounding, map(chr, table[sounding].tolist()), strict=True))


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
