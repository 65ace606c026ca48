"""How the shipped recogniser mishears, learnt from sentences of training that were spoken to it (`taught.tsv`).

Which syllables it takes for which, which it loses, and which characters it writes for a syllable after which other.
Held to these counts, a text can be misheard without being spoken.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from models.text.disguise import alike, by_sound

from compline_edge.core.sounded import is_character, syllables
from compline_edge.core.syllables import SYLLABLES, fuzzy_class

TAUGHT = Path(__file__).with_name("taught.tsv")
BETWEEN = "|"
"""Between the utterances of one sentence."""
LEAST = 4
"""Times that a syllable was misheard before what it was taken for is believed; below that any near one is drawn."""
_BEGIN = "^"
_PAIRED = 200.0
"""How much more than its own frequency it counts that a character often follows the one before."""

Drawn = TypeVar("Drawn")
Pair = tuple[str, str]
"""What was said and what was heard of it, a character each; empty where one was added or lost."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A sentence of training, and how it was heard in one way."""

    categories: frozenset[str]
    way: str
    said: str
    utterances: Sequence[str]


@dataclass(frozen=True, slots=True)
class Channel:
    """Counts of what becomes of syllables and characters."""

    taken: dict[int, Counter[int | None]]  # syllable -> what it was taken for where it was wrong, None: lost
    added: Counter[str]  # characters that nobody said
    adds: float  # of them for each wrong syllable
    rewritten: float  # share of the syllables that were right whose character was not
    written: dict[int, Counter[str]]  # syllable -> the characters written for it
    after: Counter[str]  # pairs of characters written beside one another


def taught(path: Path = TAUGHT) -> Iterator[Taught]:
    """Read taught.tsv."""
    for line in path.read_text(encoding="utf-8").splitlines():
        codes, way, said, heard = line.split("\t")
        yield Taught(frozenset(codes.split("+")) - {"none"}, way, said, heard.split(BETWEEN))


def misheard(text: str, chance: random.Random, *, rate: float) -> str:
    """A text as the recogniser writes it where it gets so large a share of the syllables wrong."""
    channel, written = _learnt(), list[str]()
    for char in text:
        if not sounding(char):
            written.append(char)
            continue
        if chance.random() < rate * channel.adds:
            written.append(_drawn(channel.added, chance))
        said = syllables(char)[0]
        if chance.random() >= rate:
            keeps = chance.random() >= channel.rewritten
            written.append(char if keeps else _character(channel, said, written, chance))
            continue
        taken = channel.taken.get(said)
        if taken is None or taken.total() < LEAST:
            written.append(_near(char, chance))
        elif (heard := _drawn(taken, chance)) is not None:
            written.append(_character(channel, heard, written, chance))
    return "".join(written)


def sounding(text: str) -> str:
    """The characters of a text that have a reading."""
    return "".join(char for char in text if is_character(char) and syllables(char))


def aligned(said: str, heard: str) -> list[Pair]:
    """Characters that were said beside those that were heard, by the least edits; equal sounds cost little.

    Both hold characters with a reading alone (`sounding`).
    """
    cost = [[float(column) for column in range(len(heard) + 1)]]
    for char in said:
        above, row_cost = cost[-1], [cost[-1][0] + 1]
        for column, other in enumerate(heard, 1):
            both = above[column - 1] + _apart(char, other)
            row_cost.append(min(both, above[column] + 1, row_cost[-1] + 1))
        cost.append(row_cost)
    pairs, row, column = list[Pair](), len(said), len(heard)
    while row or column:
        if row and column:
            both = cost[row - 1][column - 1] + _apart(said[row - 1], heard[column - 1])
            if cost[row][column] == both:
                row, column = row - 1, column - 1
                pairs.append((said[row], heard[column]))
                continue
        if row and cost[row][column] == cost[row - 1][column] + 1:
            row -= 1
            pairs.append((said[row], ""))
        else:
            column -= 1
            pairs.append(("", heard[column]))
    return pairs[::-1]


@cache
def _learnt() -> Channel:
    taken: defaultdict[int, Counter[int | None]] = defaultdict(Counter)
    written: defaultdict[int, Counter[str]] = defaultdict(Counter)
    added, after = Counter[str](), Counter[str]()
    wrong = right = rewritten = 0
    for sentence in taught():
        heard = sounding("".join(sentence.utterances))
        after.update(first + second for first, second in pairwise(_BEGIN + heard))
        for char in heard:
            written[syllables(char)[0]][char] += 1
        for was, came in aligned(sounding(sentence.said), heard):
            if not was:
                added[came] += 1
            elif not came or syllables(was)[0] not in syllables(came):
                wrong += 1
                taken[syllables(was)[0]][syllables(came)[0] if came else None] += 1
            else:
                right += 1
                rewritten += was != came
    return Channel(dict(taken), added, added.total() / wrong, rewritten / right, dict(written), after)


@cache
def _apart(said: str, heard: str) -> float:
    """0 where it is the same character, up to 1.6: two edits are only a little worse."""
    if said == heard:
        return 0.0
    of, to = syllables(said), syllables(heard)
    if set(of) & set(to):
        return 0.2
    if fuzzy_class(of[0]) == fuzzy_class(to[0]):
        return 0.4
    first, second = SYLLABLES[of[0]], SYLLABLES[to[0]]
    return 1.0 if first[0] == second[0] or first[-2:] == second[-2:] else 1.6


def _character(channel: Channel, syllable: int, written: Sequence[str], chance: random.Random) -> str:
    """A character that is written for a syllable, rather one that often follows the last."""
    choices = channel.written.get(syllable)
    if not choices:
        return chance.choice(by_sound()[fuzzy_class(syllable)] or [""])
    last = written[-1][-1:] if written else _BEGIN
    weights = [
        count * (1 + _PAIRED * channel.after[last + char] / (10 + count)) for char, count in choices.items()
    ]
    return chance.choices(list(choices), weights)[0]


def _near(char: str, chance: random.Random) -> str:
    """A character whose first or last sound is the same."""
    spelled = SYLLABLES[syllables(char)[0]]
    return chance.choice(_by_edge()[chance.choice((spelled[:1], spelled[-2:]))] or [alike(char, chance)])


def _drawn(counts: Counter[Drawn], chance: random.Random) -> Drawn:
    return chance.choices(list(counts), list(counts.values()))[0]


@cache
def _by_edge() -> defaultdict[str, list[str]]:
    """First letter, or last two, of a syllable -> common characters."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for chars in by_sound().values():
        for char in chars:
            spelled = SYLLABLES[syllables(char)[0]]
            for edge in (spelled[:1], spelled[-2:]):
                found[edge].append(char)
    return found
