"""Reads a text as it was before its writer hid the telling words in it.

Words are hidden as others that sound alike (杀币), as pinyin or its first letters, as parts of their characters (女马),
as characters that look alike, as pictures, or with their characters exchanged. What comes out is a second reading,
beside the text as it stands: a guess, for a classifier to judge, and nothing to show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from compline_edge.core.sounded import sound, syllables
from compline_edge.core.syllables import SYLLABLES

LONGEST = 4
"""Characters of the longest word that is looked for; the shortest has two."""

_GAP = "\x00"
_SOUND = 0x100
"""Code point of the symbol of syllable 0; letters, which stand for a first letter, are below."""


_CODE = "0123456789-_./@#"
"""What stands beside letters in numbers and names, and not beside those that stand for a word."""


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


@dataclass(frozen=True, slots=True)
class _Tokens:
    chars: list[str]
    starts: list[int]
    ends: list[int]


class Unhider:
    """The words that are looked for, ready to be found; safe to share between threads once made."""

    def __init__(self, disguises: Disguises) -> None:
        self._innocent = disguises.innocent
        self._wholes = disguises.wholes
        self._most_parts = max(map(len, disguises.wholes), default=0)
        self._first_parts = frozenset(parts[0] for parts in disguises.wholes)
        self._alike = disguises.alike
        self._pictures = str.maketrans(dict(disguises.pictures))
        self._words = frozenset(disguises.words)
        self._sounds: dict[str, str] = {}
        self._mixed: dict[str, str] = {}
        self._orders: dict[str, str] = {}
        self._shapes: dict[str, dict[str, str]] = {}
        self._chars = frozenset("".join(disguises.words))
        self._pairs = frozenset(word[at : at + 2] for word in disguises.words for at in range(len(word) - 1))
        for word in disguises.words:
            self._orders["".join(sorted(word))] = word
            for at, char in enumerate(word):
                shapes = self._shapes.setdefault(_without(word, at), {})
                shapes.update(dict.fromkeys(self._alike.get(char, ""), word))
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
        sounded = sound(text)
        tokens = _Tokens(list(sounded.chars), sounded.starts.tolist(), sounded.ends.tolist())
        joined = self._joined(sounded.chars, tokens)
        found = [guess for guess in self._found(tokens) if not _of_a_code(text, guess)]
        if not joined:
            return found
        covered = {place for guess in found for place in range(guess.start, guess.end)}
        found += [guess for guess in joined if guess.start not in covered]
        return sorted(found, key=lambda guess: guess.start)

    def _joined(self, chars: str, tokens: _Tokens) -> list[Guess]:
        """Put parts of characters together, in place; returns those that were."""
        joined: list[Guess] = []
        at = 0
        while at < len(chars):
            size = self._parts_at(chars, at)
            if size:
                parts = chars[at : at + size]
                place = at - len(chars) + len(tokens.chars)  # what was joined before has moved it to the left
                last = tokens.ends[place + size - 1]
                joined.append(Guess(self._wholes[parts], parts, tokens.starts[place], last))
                tokens.chars[place : place + size] = [joined[-1].word]
                tokens.starts[place : place + size] = [joined[-1].start]
                tokens.ends[place : place + size] = [last]
            at += size or 1
        return joined

    def _parts_at(self, chars: str, at: int) -> int:
        """How many characters from `at` on are the parts of one, 0 for none."""
        if chars[at] in self._first_parts:
            for size in range(min(self._most_parts, len(chars) - at), 1, -1):
                parts = chars[at : at + size]
                if parts in self._wholes and parts not in self._innocent:
                    return size
        return 0

    def _found(self, tokens: _Tokens) -> Iterator[Guess]:
        """Yield each hidden word; one that stands in the open is stepped over."""
        chars = "".join(tokens.chars)
        symbols = "".join(map(_symbol, chars))
        letters = not _letterless(symbols or "~")
        pairs = [chars[at : at + 2] in self._pairs for at in range(len(chars) - 1)]
        at = 0
        while at < len(chars) - 1:
            for size in range(min(LONGEST, len(chars) - at), 1, -1):
                written = chars[at : at + size]
                if written in self._words:
                    at += size
                    break
                if letters and not _letterless(symbols[at : at + size]):
                    word = self._in_letters(symbols, at, at + size)
                else:
                    word = self._in_characters(written, symbols[at : at + size], _gaps(pairs, at, size))
                if word and written not in self._innocent:
                    yield Guess(word, written, tokens.starts[at], tokens.ends[at + size - 1])
                    at += size
                    break
            else:
                at += 1

    def _in_letters(self, symbols: str, at: int, end: int) -> str | None:
        """The word of which a syllable or more are only first letters; the letters are not part of a longer run."""
        cut = (at and _is_letter(symbols[at]) and _is_letter(symbols[at - 1])) or (
            end < len(symbols) and _is_letter(symbols[end - 1]) and _is_letter(symbols[end])
        )
        return None if cut else self._mixed.get(symbols[at:end])

    def _in_characters(self, written: str, symbols: str, gaps: Sequence[int]) -> str | None:
        """The word that sounds alike, has the same characters in another order, or looks alike."""
        return self._sounds.get(symbols) or self._exchanged(written) or self._looks_like(written, gaps)

    def _exchanged(self, written: str) -> str | None:
        """The word of the same characters in another order."""
        return self._orders.get("".join(sorted(written))) if self._chars.issuperset(written) else None

    def _looks_like(self, written: str, gaps: Sequence[int]) -> str | None:
        """The word of which one character, at one of `gaps`, only looks like what is written."""
        for at in gaps:
            if shapes := self._shapes.get(_without(written, at)):
                for part in self._alike.get(written[at], ""):
                    if part in shapes:
                        return shapes[part]
        return None


def _of_a_code(text: str, guess: Guess) -> bool:
    """Whether letters of a guess belong to a number or a name of a file or a case: XJ-2026 hides no word."""
    before, after = text[: guess.start][-1:], text[guess.end :][:1]
    first, last = text[guess.start], text[guess.end - 1]
    return (first.isascii() and before != "" and before in _CODE) or (
        last.isascii() and after != "" and after in _CODE
    )


def _gaps(pairs: Sequence[bool], at: int, size: int) -> Sequence[int]:
    """Where a character of `size` from `at` on can be another's look-alike: two neighbours beside it are a word's."""
    if size == 2:
        return (0, 1)
    if size == 3:
        return (0, 1, 2) if pairs[at] or pairs[at + 1] else (1,)
    return (0, 1, 2, 3) if pairs[at] or pairs[at + 2] else ()


def _without(chars: str, at: int) -> str:
    return f"{chars[:at]}{_GAP}{chars[at + 1 :]}"


def _keys(word: str) -> Iterator[str]:
    """Symbols of a word with one or more of its syllables cut to their first letters."""
    for symbols in product(*((_symbol(char), _first_letter(char)) for char in word)):
        if any(map(_is_letter, symbols)):
            yield "".join(symbols)


@lru_cache(maxsize=8192)
def _symbol(char: str) -> str:
    """One character for how a token sounds; a Latin letter, or what has no sound, is its own."""
    if _is_letter(char):
        return char
    found = syllables(char)
    return chr(_SOUND + found[0]) if found else char


def _first_letter(char: str) -> str:
    found = syllables(char)
    return SYLLABLES[found[0]][0] if found else char


def _letterless(symbols: str) -> bool:
    return min(symbols) > "z"


def _is_letter(char: str) -> bool:
    return "a" <= char <= "z"
