"""Checks rule packs for a person: what cannot be read, and which examples do not hold."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from compline_edge.core.rule_examples import check_examples
from compline_shared.rule import RulePack
from compline_shared.rule_pack import MAX_BYTES, read_rules


def check_files(paths: Iterable[Path]) -> tuple[str, ...]:
    """Return one sentence for each broken line, example that does not hold, and file that cannot be read."""
    problems: list[str] = []
    for path in paths:
        pack, found = read_file(path)
        problems += found
        if pack is not None:
            problems += check_examples(pack)
    return tuple(problems)


def read_file(path: Path) -> tuple[RulePack | None, tuple[str, ...]]:
    """Read one pack file: the pack of its sound rules, and a sentence for each broken line."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        return read_rules(raw.decode("utf-8"), name=path.name)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return None, (f"{path.name}:{line}: the file is not UTF-8; save it as UTF-8",)
    except OSError as error:
        return None, (
            f"{path.name}: the file cannot be read ({error.strerror}); check that it is there and readable",
        )
