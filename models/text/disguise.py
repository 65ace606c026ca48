"""How writers hide words, and how recognisers mishear them."""

from __future__ import annotations

import random
from collections import defaultdict
from functools import cache

from compline_edge.core.sounded import syllables
from compline_edge.core.syllables import SYLLABLES, fuzzy_class

SIGNS = "·*.-_~ 、♥🙏。,"
_LETTERS = str.maketrans("0123456789", "oizeasbtbg")


def disguised(text: str, chance: random.Random) -> str:
    """A text as somebody writes it who does not want it found by its characters."""
    way = chance.choice((_homophones, _homophones, _pinyin, _signs, _mixed))
    return way(text, chance)


def misheard(text: str, chance: random.Random, *, rate: float) -> str:
    """A text as a recogniser writes it that gets so large a share of the syllables wrong."""
    heard: list[str] = []
    for char in text:
        if not syllables(char) or chance.random() > rate:
            heard.append(char)
            continue
        match chance.choices(("alike", "near", "lost", "added"), weights=(45, 25, 22, 8))[0]:
            case "alike":
                heard.append(_alike(char, chance))
            case "near":
                heard.append(_near(char, chance))
            case "added":
                heard += [char, chance.choice(_common())]
    return "".join(heard)


def _homophones(text: str, chance: random.Random) -> str:
    rate = chance.uniform(0.15, 0.7)
    return "".join(_alike(char, chance) if chance.random() < rate else char for char in text)


def _pinyin(text: str, chance: random.Random) -> str:
    rate = chance.uniform(0.15, 0.6)
    spelled = [
        SYLLABLES[syllables(char)[0]] if syllables(char) and chance.random() < rate else char for char in text
    ]
    return chance.choice(("", " ")).join(spelled) if chance.random() < 0.3 else "".join(spelled)


def _signs(text: str, chance: random.Random) -> str:
    rate, sign = chance.uniform(0.1, 0.6), chance.choice(SIGNS)
    return "".join(char + sign if chance.random() < rate else char for char in text).translate(_LETTERS)


def _mixed(text: str, chance: random.Random) -> str:
    return _signs(_homophones(text, chance), chance)


def _alike(char: str, chance: random.Random) -> str:
    """Another common character of the same class of sound, or itself."""
    found = syllables(char)
    return chance.choice(_by_sound()[fuzzy_class(found[0])] or [char]) if found else char


def _near(char: str, chance: random.Random) -> str:
    """A character whose first or last sound is the same."""
    found = syllables(char)
    if not found:
        return char
    spelled = SYLLABLES[found[0]]
    return chance.choice(_by_edge()[chance.choice((spelled[:1], spelled[-2:]))] or [char])


@cache
def _common() -> list[str]:
    """The 3,755 characters of the first level of GB 2312."""
    cells = (bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    chars = (cell.decode("gb2312", "ignore") for cell in cells)
    return [char for char in chars if char and syllables(char)]


@cache
def _by_sound() -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for char in _common():
        found[fuzzy_class(syllables(char)[0])].append(char)
    return found


@cache
def _by_edge() -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for char in _common():
        spelled = SYLLABLES[syllables(char)[0]]
        for edge in (spelled[:1], spelled[-2:]):
            found[edge].append(char)
    return found
