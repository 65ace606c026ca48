"""The file of the latest figures keeps what was not measured anew."""

from __future__ import annotations

import json
from pathlib import Path

from bench.figure import Figure, keep


def line(name: str, value: float) -> str:
    return Figure(name=name, value=value, unit="s", against=None, better="lower").line()


def values(latest: Path) -> list[tuple[str, float]]:
    rows = (json.loads(written) for written in latest.read_text(encoding="utf-8").splitlines())
    return [(row["name"], row["value"]) for row in rows]


def test_latest_when_one_topic_is_measured_then_the_others_stay(tmp_path: Path) -> None:
    keep([line("a", 1.0), line("b", 2.0)], tmp_path / "latest.jsonl")

    keep([line("b", 3.0)], tmp_path / "latest.jsonl")

    assert values(tmp_path / "latest.jsonl") == [("a", 1.0), ("b", 3.0)]


def test_latest_when_a_name_comes_twice_then_both_replace_the_old(tmp_path: Path) -> None:
    keep([line("a", 1.0)], tmp_path / "latest.jsonl")

    keep([line("a", 2.0), line("a", 3.0)], tmp_path / "latest.jsonl")

    assert values(tmp_path / "latest.jsonl") == [("a", 2.0), ("a", 3.0)]
