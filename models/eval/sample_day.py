"""What the verdicts on the sample day's calls say, beside what is truly said; self-made, and no value was chosen by it.

Every call goes the whole way, as `compline-edge inspect` judges it. A category is right in a call that holds it, wrong
in one that does not and does not tolerate it, missed where the call holds it and the verdict does not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Figure
from compline_edge.inspection import FoundRow, Inspector
from compline_edge.senses.recording import LIMIT_S
from compline_edge.settings import EdgeSettings
from compline_edge.wiring import instruments

DAY = Path("packaging/sample-day")
EXPECTED = DAY / "expected.json"

NEAR = 2.0
"""Seconds by which a finding may lie beside what was said."""


@dataclass(frozen=True, slots=True)
class Said:
    """One violation that the script holds."""

    category: str
    start: float | None  # s; None for an absence
    end: float | None  # s; None where only the start is known


@dataclass(frozen=True, slots=True)
class Tally:
    """Categories of one call's verdict."""

    right: AbstractSet[str]
    wrong: AbstractSet[str]
    missed: AbstractSet[str]


def figures(*, day: Path = DAY) -> Iterator[Figure]:
    """Yield calls right, wrong and missed in all and by category, then the share of single phrases found."""
    inspector = Inspector(instruments(EdgeSettings(models="models")).listener, longest=LIMIT_S)
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    phrases = heard = 0
    for call in json.loads((day / "expected.json").read_text(encoding="utf-8"))["calls"]:
        (row,) = inspector.inspect(day / call["path"])
        said = [Said(f["category"], f["start_s"], f["end_s"]) for f in call["findings"]]
        one = tally({f.category for f in row.findings}, said, tolerated=set(call["tolerated"]))
        right.update(one.right)
        wrong.update(one.wrong)
        missed.update(one.missed)
        spoken = [phrase for phrase in said if phrase.start is not None]
        phrases += len(spoken)
        heard += sum(found_near(phrase, row.findings) for phrase in spoken)
    yield from _counts("", right.total(), wrong.total(), missed.total())
    for category in sorted(right | wrong | missed):
        yield from _counts(f"_{category}", right[category], wrong[category], missed[category])
    yield Figure("sample_day_phrases_found", heard / phrases, "share", None, "higher")


def tally(found: AbstractSet[str], said: Sequence[Said], *, tolerated: AbstractSet[str]) -> Tally:
    """Compare the categories that one verdict claims with those that the call holds."""
    held = {one.category for one in said}
    return Tally(right=found & held, wrong=found - held - tolerated, missed=held - found)


def found_near(said: Said, findings: Sequence[FoundRow]) -> bool:
    """Is there a finding of this very category where it is said?"""
    if said.start is None:
        return False
    end = said.start if said.end is None else said.end
    return any(
        f.category == said.category and said.start - NEAR <= f.offset_s <= end + NEAR for f in findings
    )


def _counts(suffix: str, right: int, wrong: int, missed: int) -> Iterator[Figure]:
    """Right ones stand against all that there were to find."""
    yield Figure(f"sample_day_right{suffix}", right, "calls", right + missed, "higher")
    yield Figure(f"sample_day_wrong{suffix}", wrong, "calls", None, "lower")
    yield Figure(f"sample_day_missed{suffix}", missed, "calls", None, "lower")
