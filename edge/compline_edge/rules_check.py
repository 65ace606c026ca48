"""Checks rule packs for a person: what cannot be read, and which examples do not hold."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from compline_edge.core.rule_examples import check_examples
from compline_edge.senses.pack_files import clashes, read_file
from compline_edge.senses.rule_packs import RULES


def check_files(paths: Iterable[Path]) -> tuple[str, ...]:
    """Return one sentence for each broken line, example that does not hold, and file that cannot be read.

    A rule's id is one pack's alone, whatever the languages: it goes on the wire without one.
    """
    problems: list[str] = []
    owners: dict[int, str] = {}
    for path in dict.fromkeys(paths):
        pack, found = read_file(RULES, path)
        problems += found
        if pack is not None:
            problems += clashes(RULES, pack, name=path.name, owners=owners)
            problems += check_examples(pack)
            owners |= {rule.id: str(path) for rule in pack.rules if rule.id not in owners}
    return tuple(problems)
