"""Fails where a part of the product is covered by fewer tests than pyproject.toml asks for."""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the product: the files whose path begins so, but for those of a longer beginning."""

    begins: str
    floor: float  # percent
    reached: int = 0  # lines and branches
    known: int = 0

    @property
    def percent(self) -> float:
        """Share of lines and branches that a test reached."""
        return 100 * self.reached / self.known if self.known else 0.0


def parts(report: Mapping[str, Any], floors: Mapping[str, float]) -> list[Part]:
    """Return each part with its figures, from the report of `coverage json`.

    A file that no part has is left out; a part without files has 0 %.
    """
    longest_first = sorted(floors, key=len, reverse=True)
    files: dict[str, list[Mapping[str, int]]] = {begins: [] for begins in floors}
    for path, file in report["files"].items():
        begins = next((b for b in longest_first if path.startswith(b)), None)
        if begins is not None:
            files[begins].append(file["summary"])
    return [_summed(begins, floors[begins], summaries) for begins, summaries in files.items()]


def _summed(begins: str, floor: float, summaries: Iterable[Mapping[str, int]]) -> Part:
    reached = known = 0
    for summary in summaries:
        reached += summary["covered_lines"] + summary["covered_branches"]
        known += summary["num_statements"] + summary["num_branches"]
    return Part(begins, floor, reached, known)


def main() -> int:
    """Print each part beside its floor; 1 where one is below."""
    parser = argparse.ArgumentParser(prog="make coverage", description=__doc__)
    parser.add_argument("report", type=Path, help="what `coverage json` wrote")
    report = json.loads(parser.parse_args().report.read_text(encoding="utf-8"))
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = parts(report, pyproject["tool"]["compline"]["coverage"])
    for part in found:
        verdict = "" if part.percent >= part.floor else "  below its floor: write the tests that are missing"
        print(f"{part.begins:28} {part.percent:5.1f} %  floor {part.floor:5.1f} %{verdict}")
    return int(any(part.percent < part.floor for part in found))


if __name__ == "__main__":
    sys.exit(main())
