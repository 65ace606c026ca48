"""A character trigram model with back-off, small enough for a phone: what may follow two characters, and how likely.

Layout of a file, little-endian: the 8 bytes of `MAGIC`; uint32 characters V, bigrams B, trigrams T; two tables of 256
float32, of log-probabilities and of back-off weights; uint16 [V] code points, the first one 0 for the start of an
utterance; uint8 [V] probabilities and uint8 [V] back-offs of the characters; uint16 [V] bigrams of each character;
uint16 [B] what follows, uint8 [B], uint8 [B] as above, uint16 [B] trigrams of each bigram; uint16 [T] what follows,
uint8 [T] probabilities. What follows is in rising order. Source: back-off as in Katz 1987, discounted as in Kneser and
Ney 1995; 8 bits a weight as in Whittaker and Raj 2001.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from compline_shared.errors import ComplineError

MAGIC = b"CMPNGRM1"
START = 0
"""Character before the first of an utterance."""
LEVELS = 256
MOST_BYTES = 16_000_000
UNKNOWN = -12.0
"""Log-probability of what is no character of the model, about one in 160,000."""
_REMEMBERED = 128
"""Contexts whose log-probabilities are kept, 12 KB each."""

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.uint16]
Context = tuple[int, ...]
"""Up to two characters, the nearest last."""


class BadNgrams(ComplineError):
    """The language model's file cannot be used; restore its folder."""


@dataclass(frozen=True, slots=True)
class Ngrams:
    """The arrays of a file, as its layout says."""

    log_probs: Floats  # [256]
    back_offs: Floats  # [256]
    characters: Places  # [V]
    character_probs: Codes
    character_back_offs: Codes
    bigrams: Places  # [V], how many begin with each character
    seconds: Places  # [B]
    second_probs: Codes
    second_back_offs: Codes
    trigrams: Places  # [B], how many begin with each bigram
    thirds: Places  # [T]
    third_probs: Codes

    def pack(self) -> bytes:
        """Write the file."""
        sizes = np.array([len(self.characters), len(self.seconds), len(self.thirds)], dtype="<u4")
        return MAGIC + sizes.tobytes() + b"".join(getattr(self, name).tobytes() for name in self.__slots__)


class NgramModel:
    """Log-probabilities of the next character; the latest contexts are remembered. Safe to share between threads."""

    def __init__(self, ngrams: Ngrams) -> None:
        self._ngrams = ngrams
        self._bigram_first = np.concatenate([[0], np.cumsum(ngrams.bigrams, dtype=np.int64)])
        self._trigram_first = np.concatenate([[0], np.cumsum(ngrams.trigrams, dtype=np.int64)])
        self._alone = np.append(ngrams.log_probs[ngrams.character_probs], np.float32(UNKNOWN))
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._after)

    @cached_property
    def places(self) -> dict[str, int]:
        """Place of each character among the model's."""
        return {chr(code): place for place, code in enumerate(self._ngrams.characters.tolist()) if place}

    @property
    def unknown(self) -> int:
        """Place of what is no character of the model, the last of each row."""
        return len(self._ngrams.characters)

    def after(self, context: Context) -> Floats:
        """Natural log-probability [V + 1] of each character after `context`; the last is any other."""
        return self._remembered(context)

    def log_prob(self, text: str) -> float:
        """Natural log-probability of a text as a whole utterance."""
        places = [START, *(self.places.get(char, self.unknown) for char in text)]
        return math.fsum(
            float(self.after(tuple(places[max(0, end - 2) : end]))[places[end]])
            for end in range(1, len(places))
        )

    def _after(self, context: Context) -> Floats:
        ngrams = self._ngrams
        row = self._alone.copy()
        if not context or context[-1] == self.unknown:
            return row
        last = context[-1]
        row += ngrams.back_offs[ngrams.character_back_offs[last]]
        first, end = self._bigram_first[last : last + 2]
        row[ngrams.seconds[first:end]] = ngrams.log_probs[ngrams.second_probs[first:end]]
        if len(context) > 1 and context[-2] != self.unknown:
            bigram = self._bigram(context[-2], last)
            if bigram is not None:
                row += ngrams.back_offs[ngrams.second_back_offs[bigram]]
                first, end = self._trigram_first[bigram : bigram + 2]
                row[ngrams.thirds[first:end]] = ngrams.log_probs[ngrams.third_probs[first:end]]
        return row

    def _bigram(self, first: int, second: int) -> int | None:
        start, end = self._bigram_first[first : first + 2]
        place = int(start + np.searchsorted(self._ngrams.seconds[start:end], second))
        return place if place < end and self._ngrams.seconds[place] == second else None


def parse_ngrams(content: bytes) -> Ngrams:
    """Read a file.

    Raises:
        BadNgrams: it is none, too large, cut short, or names a place that does not exist.
    """
    if len(content) > MOST_BYTES or content[: len(MAGIC)] != MAGIC or len(content) < len(MAGIC) + 12:
        raise BadNgrams("The language model is no file of trigrams; restore its folder.")
    characters, bigrams, trigrams = np.frombuffer(content, "<u4", 3, len(MAGIC)).tolist()
    sizes: tuple[tuple[str, int], ...] = (
        ("<f4", LEVELS), ("<f4", LEVELS),
        ("<u2", characters), ("u1", characters), ("u1", characters), ("<u2", characters),
        ("<u2", bigrams), ("u1", bigrams), ("u1", bigrams), ("<u2", bigrams),
        ("<u2", trigrams), ("u1", trigrams),
    )  # fmt: skip
    wanted = len(MAGIC) + 12 + sum(np.dtype(kind).itemsize * size for kind, size in sizes)
    if wanted != len(content):
        raise BadNgrams(f"The language model has {len(content)} bytes, not {wanted}; restore its folder.")
    arrays, place = [], len(MAGIC) + 12
    for kind, size in sizes:
        arrays.append(np.frombuffer(content, kind, size, place))
        place += np.dtype(kind).itemsize * size
    found = Ngrams(*arrays)
    inside = (
        max(found.seconds.max(initial=0), found.thirds.max(initial=0)) < characters
        and int(found.bigrams.sum()) == bigrams
        and int(found.trigrams.sum()) == trigrams
        and bool(np.isfinite(found.log_probs).all() and np.isfinite(found.back_offs).all())
    )
    if not inside:
        raise BadNgrams("The language model names characters that it does not have; restore its folder.")
    return found
