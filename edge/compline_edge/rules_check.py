"""Checks rule packs for a person: what cannot be read, and which examples do not hold."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from compline_edge.core.rule_examples import check_examples
from compline_edge.senses.pack_files import read_file
from compline_edge.senses.rule_packs import RULES


def check_files(paths: Iterable[Path]) -> tuple[str, ...]:
    """Return one sentence for each broken line, example that does not hold, and file that cannot be read."""
    problems: list[str] = []
    for path in paths:
        pack, found = read_file(RULES, path)
        problems += found
        if pack is not None:
            problems += check_examples(pack)
    return tuple(problems)
