"""What the text classifier reads of a text: its characters, its sounds, and its runs of both, each as a number.

The network has one row of numbers for each. Runs share rows (hashing trick, Weinberger et al. 2009; runs as in
fastText, Bojanowski et al. 2017). Characters are folded as the matcher folds them (traditional forms, digits of any
script, split characters, pinyin in letters), every digit is the same, and sounds are classes of syllables that people
confuse, so that a misspelling on purpose changes few of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from compline_edge.core.sounded import sound
from compline_shared.taxonomy import Category

CATEGORIES: Final = (
    Category.ABUSE,
    Category.THREAT,
    Category.THIRD_PARTY,
    Category.IMPERSONATION,
    Category.OVER_PROMISE,
    Category.IMPROPER_PAYMENT,
    Category.PRIVACY,
    Category.OFF_CHANNEL,
)
"""What the classifier tells, in the order of its outputs."""

RUN_ROWS: Final = 1 << 15
FINE_ROWS: Final = 1 << 17
"""Rows of one number each for the same runs: four of them to a row of numbers, so that fewer runs share one."""
CHARACTER_ROWS: Final = 8192
"""The 6,763 characters of GB 2312 have their own; others share what is left."""
SOUND_ROWS: Final = 512

CHARACTER_RUNS: Final = (1, 2, 3)
SOUND_RUNS: Final = (2, 3, 4)
"""Lengths of runs; one sound alone says little that its character does not."""

MOST_TOKENS: Final = 128
"""Characters (or syllables spelled in letters) of a text that are read; longer ones are read piece by piece."""

_BEGIN, _END = 2, 3  # as characters no folded text has them; two classes of sounds share them
_DIGIT = ord("0")
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SPREAD = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(64 - 17)
_COARSE = 2  # bits; a row of runs is the upper 15 of a fine row's 17
_ROW, _COLUMNS = 0xB0, 94  # of GB 2312: where its characters begin, and how many a row has
_SHARED = 6_768  # first row that several characters share

Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Features:
    """Row numbers: of each token's character and sound, both [tokens], and of the runs, twice [runs]."""

    characters: Rows
    sounds: Rows
    runs: Rows
    fine: Rows


def features(text: str) -> Features | None:
    """Return what the first `MOST_TOKENS` tokens of a text give; None where it holds none."""
    sounded = sound(text)
    if not sounded.chars:
        return None
    chars, stream = _codes(sounded.chars), _codes(sounded.stream)
    chars[(chars >= _DIGIT) & (chars < _DIGIT + 10)] = _DIGIT
    ends = [_hashed(_bounded(chars), length, salt=length) for length in CHARACTER_RUNS]
    ends += [
        _hashed(_bounded(stream), length, salt=16 + length)
        for length in SOUND_RUNS
        if length <= len(stream) + 2
    ]
    fine = np.concatenate(ends).astype(np.int32)
    return Features(
        np.array([_character_row(code) for code in chars.tolist()], dtype=np.int32),
        (stream % SOUND_ROWS).astype(np.int32),
        fine >> _COARSE,
        fine,
    )


def _codes(text: str) -> npt.NDArray[np.uint64]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)[:MOST_TOKENS]
    return codes.astype(np.uint64)


def _bounded(tokens: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return np.concatenate([[_BEGIN], tokens, [_END]]).astype(np.uint64)


def _hashed(tokens: npt.NDArray[np.uint64], length: int, *, salt: int) -> npt.NDArray[np.uint64]:
    """The numbers [tokens - length + 1] of all runs of a length: multiplicative hashing, top bits kept."""
    count = len(tokens) - length + 1
    mixed = np.full(count, salt, dtype=np.uint64)
    for place in range(length):
        mixed = (mixed ^ tokens[place : place + count]) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return (mixed * _SPREAD) >> _SHIFT


@lru_cache(maxsize=16_384)
def _character_row(code: int) -> int:
    try:
        cell = chr(code).encode("gb2312")
    except UnicodeEncodeError:
        cell = b""
    if len(cell) == 2 and cell[0] >= _ROW:
        return (cell[0] - _ROW) * _COLUMNS + cell[1] - 0xA1
    return _SHARED + (code * 2_654_435_761 >> 7) % (CHARACTER_ROWS - _SHARED)
