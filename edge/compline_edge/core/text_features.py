"""What the text classifier reads of a text: its runs of characters and of sounds, each as a number."""

from __future__ import annotations

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

BUCKETS: Final = 1 << 16
"""Rows of the classifier's table; runs that share a number share a row."""

CHARACTER_RUNS: Final = (1, 2, 3)
SOUND_RUNS: Final = (2, 3, 4)
"""Lengths of runs; one sound alone says little that its character does not."""

MOST_TOKENS: Final = 128
"""Characters (or syllables spelled in letters) of a text that are read; longer ones are read piece by piece."""

_BEGIN, _END = 2, 3  # code points that no folded text has
_DIGIT = ord("0")
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SPREAD = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(64 - 16)

Buckets = npt.NDArray[np.int32]


def features(text: str) -> Buckets:
    """Return the numbers [runs] of the runs in the first `MOST_TOKENS` tokens of a text; empty where it holds none.

    Characters are folded as the matcher folds them (traditional forms, digits of any script, split characters, pinyin
    in letters), and every digit is the same. A sound is the class of syllables that the matcher takes for the same.
    """
    sounded = sound(text)
    if not sounded.chars:
        return np.empty(0, dtype=np.int32)
    chars = _tokens(sounded.chars)
    chars[(chars >= _DIGIT) & (chars < _DIGIT + 10)] = _DIGIT
    sounds = _tokens(sounded.stream)
    runs = [_hashed(chars, length, salt=length) for length in CHARACTER_RUNS if length <= len(chars)]
    runs += [_hashed(sounds, length, salt=16 + length) for length in SOUND_RUNS if length <= len(sounds)]
    return np.concatenate(runs).astype(np.int32)


def _tokens(text: str) -> npt.NDArray[np.uint64]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)[:MOST_TOKENS]
    return np.concatenate([[_BEGIN], codes, [_END]]).astype(np.uint64)


def _hashed(tokens: npt.NDArray[np.uint64], length: int, *, salt: int) -> npt.NDArray[np.uint64]:
    """The numbers [tokens - length + 1] of all runs of a length: multiplicative hashing, top bits kept."""
    count = len(tokens) - length + 1
    mixed = np.full(count, salt, dtype=np.uint64)
    for place in range(length):
        mixed = (mixed ^ tokens[place : place + count]) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return (mixed * _SPREAD) >> _SHIFT
