"""How writers hide words, for a classifier to learn; text that was misheard is `mishearing`'s."""

from __future__ import annotations

import random
from collections import defaultdict
from functools import cache

from models.text.pictures import PICTURES
from models.text.shapes import common, in_parts, look_alikes

from compline_edge.core.sounded import syllables
from compline_edge.core.syllables import SYLLABLES, fuzzy_class

SIGNS = "·*.-_~ 、♥🙏。,"
_LETTERS = str.maketrans("0123456789", "oizeasbtbg")
_FIRST_LEVEL = 3_755
"""Characters of GB 2312's first level, which come first and are the common ones."""


def disguised(text: str, chance: random.Random) -> str:
    """A text as somebody writes it who does not want it found by its characters."""
    way = chance.choice(
        (
            _homophones,
            _homophones,
            _pinyin,
            _signs,
            _mixed,
            _parts,
            _look_alikes,
            _pictures,
            _initials,
            _order,
        )
    )
    return way(text, chance)


def alike(char: str, chance: random.Random) -> str:
    """Another common character of the same class of sound, or itself."""
    found = syllables(char)
    return chance.choice(by_sound()[fuzzy_class(found[0])] or [char]) if found else char


@cache
def by_sound() -> defaultdict[str, list[str]]:
    """Class of sounds -> its common characters."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for char in common()[:_FIRST_LEVEL]:
        if known := syllables(char):
            found[fuzzy_class(known[0])].append(char)
    return found


def _homophones(text: str, chance: random.Random) -> str:
    rate = chance.uniform(0.15, 0.7)
    return "".join(alike(char, chance) if chance.random() < rate else char for char in text)


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


def _parts(text: str, chance: random.Random) -> str:
    rate = chance.uniform(0.15, 0.6)
    return "".join(
        chance.choice(in_parts(char) or [char]) if chance.random() < rate else char for char in text
    )


def _look_alikes(text: str, chance: random.Random) -> str:
    rate = chance.uniform(0.1, 0.5)
    return "".join(
        chance.choice(look_alikes().get(char) or [char]) if chance.random() < rate else char for char in text
    )


def _pictures(text: str, chance: random.Random) -> str:
    """Pictures of things that sound alike, wherever there are any."""
    rate = chance.uniform(0.2, 0.9)
    return "".join(
        chance.choice(_shown()[_sound(char)] or [char]) if chance.random() < rate else char for char in text
    )


def _initials(text: str, chance: random.Random) -> str:
    """Two to four characters beside one another as first letters, here and there."""
    written, at = list[str](), 0
    while at < len(text):
        size = chance.choice((2, 2, 3, 4)) if chance.random() < 0.15 else 0
        run = text[at : at + size]
        if run and all(map(syllables, run)):
            written += [SYLLABLES[syllables(char)[0]][0] for char in run]
        else:
            run = text[at]
            written.append(run)
        at += len(run)
    return "".join(written)


def _order(text: str, chance: random.Random) -> str:
    """Neighbours exchanged, here and there."""
    chars, rate = list(text), chance.uniform(0.08, 0.3)
    for at in range(1, len(chars)):
        if chance.random() < rate:
            chars[at - 1], chars[at] = chars[at], chars[at - 1]
    return "".join(chars)


def _sound(char: str) -> str:
    found = syllables(char)
    return fuzzy_class(found[0]) if found else ""


@cache
def _shown() -> defaultdict[str, list[str]]:
    """Class of sounds -> the pictures of things called so; none for what has no sound."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for picture, word in PICTURES.items():
        if len(word) == 1 and _sound(word):
            found[_sound(word)].append(picture)
    return found
