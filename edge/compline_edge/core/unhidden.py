"""Reads a text as it was before its writer hid the telling words in it.

Words are hidden as others that sound alike (杀币), as pinyin or its first letters, as parts of their characters (女马),
as characters that look alike, as pictures, or with their characters exchanged. What comes out is a second reading,
beside the text as it stands: a guess, for a classifier to judge, and nothing to show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from compline_edge.core.sounded import sound, syllables
from compline_edge.core.syllables import SYLLABLES

LONGEST = 4
"""Characters of the longest word that is looked for; the shortest has two."""

_PART = "\x00"
_SOUND = 0x100
"""Code point of the symbol of syllable 0; letters, which stand for a first letter, are below."""


@dataclass(frozen=True, slots=True)
class Disguises:
    """What is hidden, how, and what only looks so; data of a model."""

    words: Sequence[str]  # likelier ones later: of two that fit, the later is read
    innocent: frozenset[
        str
    ]  # spellings that ordinary texts hold, though a word of `words` might be hidden there
    wholes: Mapping[str, str]  # parts of a character, in their order -> the character
    alike: Mapping[str, str]  # character -> the parts by which it looks like others, one character each
    pictures: Mapping[str, str]  # emoji, one code point each -> what it stands for


@dataclass(frozen=True, slots=True)
class Guess:
    """A word that may be hidden: how it is written, folded, and where, in the text with its pictures named."""

    word: str
    written: str
    start: int
    end: int


class Unhider:
    """The words that are looked for, ready to be found; safe to share between threads once made."""

    def __init__(self, disguises: Disguises) -> None:
        self._innocent = disguises.innocent
        self._wholes = disguises.wholes
        self._most_parts = max(map(len, disguises.wholes), default=0)
        self._alike = disguises.alike
        self._pictures = str.maketrans(dict(disguises.pictures))
        self._words = frozenset(disguises.words)
        self._sounds: dict[str, str] = {}
        self._mixed: dict[str, str] = {}
        self._orders: dict[str, str] = {}
        self._shapes: dict[str, str] = {}
        for word in disguises.words:
            self._orders["".join(sorted(word))] = word
            for shape in self._shapes_of(word):
                self._shapes[shape] = word
            for key in _keys(word):
                self._mixed[key] = word
            self._sounds["".join(map(_symbol, word))] = word

    def read(self, text: str) -> str | None:
        """Return the text with what is hidden in the open; None where nothing seems to be."""
        pictured = text.translate(self._pictures)
        guesses = self._guessed(pictured)
        if not guesses and pictured == text:
            return None
        parts: list[str] = []
        at = 0
        for guess in guesses:
            parts += [pictured[at : guess.start], guess.word]
            at = guess.end
        return "".join([*parts, pictured[at:]])

    def guesses(self, text: str) -> list[Guess]:
        """Return what may be hidden in a text, in order of place."""
        return self._guessed(text.translate(self._pictures))

    def _guessed(self, text: str) -> list[Guess]:
        tokens, joined = self._joined(text)
        found = list(self._found(tokens))
        covered = {place for guess in found for place in range(guess.start, guess.end)}
        found += [guess for guess in joined if guess.start not in covered]
        return sorted(found, key=lambda guess: guess.start)

    def _joined(self, text: str) -> tuple[list[Guess], list[Guess]]:
        """The tokens of a text, the parts of characters joined, and which of them were joined."""
        sounded = sound(text)
        places = zip(sounded.chars, sounded.starts.tolist(), sounded.ends.tolist(), strict=True)
        tokens = [Guess(char, char, start, end) for char, start, end in places]
        kept: list[Guess] = []
        joined: list[Guess] = []
        at = 0
        while at < len(tokens):
            for size in range(min(self._most_parts, len(tokens) - at), 1, -1):
                parts = sounded.chars[at : at + size]
                whole = self._wholes.get(parts)
                if whole and parts not in self._innocent:
                    kept.append(Guess(whole, parts, tokens[at].start, tokens[at + size - 1].end))
                    joined.append(kept[-1])
                    at += size
                    break
            else:
                kept.append(tokens[at])
                at += 1
        return kept, joined

    def _found(self, tokens: Sequence[Guess]) -> Iterator[Guess]:
        """Yield each hidden word; one that stands in the open is stepped over."""
        chars = "".join([token.word for token in tokens])
        symbols = "".join(map(_symbol, chars))
        at = 0
        while at < len(chars):
            for size in range(min(LONGEST, len(chars) - at), 1, -1):
                written = chars[at : at + size]
                if written in self._words:
                    at += size
                    break
                word = self._hidden(written, symbols, at)
                if word and written not in self._innocent:
                    yield Guess(word, written, tokens[at].start, tokens[at + size - 1].end)
                    at += size
                    break
            else:
                at += 1

    def _hidden(self, written: str, symbols: str, at: int) -> str | None:
        """The word that may be hidden in the tokens `written`, which begin at `at`."""
        end = at + len(written)
        own = symbols[at:end]
        if not any(map(_is_letter, own)):
            found = self._sounds.get(own) or self._orders.get("".join(sorted(written)))
            return found or self._looks_like(written)
        cut = (_is_letter(own[0]) and at and _is_letter(symbols[at - 1])) or (
            _is_letter(own[-1]) and end < len(symbols) and _is_letter(symbols[end])
        )
        return None if cut else self._mixed.get(own)

    def _looks_like(self, written: str) -> str | None:
        """The word of which one character only looks like what is written."""
        for shape in self._shapes_of(written):
            if shape in self._shapes:
                return self._shapes[shape]
        return None

    def _shapes_of(self, chars: str) -> Iterator[str]:
        """The characters with one of them replaced by a mark and a part of it."""
        for at, char in enumerate(chars):
            for part in self._alike.get(char, ""):
                yield f"{chars[:at]}{_PART}{part}{chars[at + 1 :]}"


def _keys(word: str) -> Iterator[str]:
    """Symbols of a word with one or more of its syllables cut to their first letters."""
    for symbols in product(*((_symbol(char), _first_letter(char)) for char in word)):
        if any(map(_is_letter, symbols)):
            yield "".join(symbols)


def _symbol(char: str) -> str:
    """One character for how a token sounds; a Latin letter, or what has no sound, is its own."""
    if _is_letter(char):
        return char
    found = syllables(char)
    return chr(_SOUND + found[0]) if found else char


def _first_letter(char: str) -> str:
    found = syllables(char)
    return SYLLABLES[found[0]][0] if found else char


def _is_letter(char: str) -> bool:
    return "a" <= char <= "z"
