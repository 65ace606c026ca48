"""Sentences written by hand as templates, and what they expand to."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compline_shared.taxonomy import Category, Role

SENTENCES = Path(__file__).with_name("sentences")
SIDES = {"collector": Role.COLLECTOR, "debtor": Role.OTHER}
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """One construction; its expansions are never divided between training and what measures it."""

    categories: frozenset[Category]  # empty: lawful, or not the collector's
    role: Role
    text: str


def read_templates(folder: Path = SENTENCES) -> list[Template]:
    """Read every file of templates, in order of name and line.

    Raises ValueError with file and line where one cannot be read.
    """
    found: list[Template] = []
    slots = read_slots(folder)
    for path in sorted(folder.glob("*.tsv")):
        if path.name == "slots.tsv":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found.append(_read(line, slots, where=f"{path.name}:{number}"))
    return found


def read_slots(folder: Path = SENTENCES) -> dict[str, tuple[str, ...]]:
    """What each slot may be filled with."""
    lines = (folder / "slots.tsv").read_text(encoding="utf-8").splitlines()
    return {name: tuple(options.split("|")) for name, options in (line.split("\t") for line in lines)}


def drawn(key: str) -> float:
    """A number of 0 to 1 that a key draws, the same every time and whatever else there is."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) / 2**32


def expand(template: Template, slots: Mapping[str, tuple[str, ...]], chance: random.Random) -> str:
    """One sentence of a template."""
    text = _CHOICE.sub(lambda found: chance.choice(found[1].split("|")), template.text)
    return _SLOT.sub(lambda found: chance.choice(slots[found[1]]), text)


def _read(line: str, slots: dict[str, tuple[str, ...]], *, where: str) -> Template:
    columns = line.split("\t")
    if len(columns) != 3 or columns[1] not in SIDES:
        raise ValueError(f"{where}: a line is categories, collector or debtor, and a template")
    codes = () if columns[0] == "none" else columns[0].split("+")
    try:
        categories = frozenset(Category[code.upper()] for code in codes)
    except KeyError as unknown:
        raise ValueError(f"{where}: there is no category {unknown}") from None
    text = columns[2].strip()
    left = _SLOT.sub("", _CHOICE.sub("", text))
    if any(sign in left for sign in "[]{}|") or not text:
        raise ValueError(f"{where}: brackets do not match, or are nested")
    if missing := set(_SLOT.findall(text)) - set(slots):
        raise ValueError(f"{where}: there is no slot {sorted(missing)[0]}")
    return Template(categories, SIDES[columns[1]], text)
