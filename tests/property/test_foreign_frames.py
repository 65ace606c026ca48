"""No frame that its sender did not make is taken, none does more than be dropped, and none costs time or memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.frame_storm import SLOW

ROOT = Path(__file__).parents[2]
MEMORY = 64
"""MiB that all inputs together may add to the process."""
SOUND = 0.12
"""Share of the inputs that are the one encoding of something, at least: 0.127 with each of the seeds 1 to 5."""


def storm(*, count: int, seconds: float, seed: int = 1, without: str | None = None) -> Any:
    arguments = [f"--count={count}", f"--seconds={seconds}", f"--seed={seed}"]
    if without:
        arguments += ["--without", without]
    done = subprocess.run(
        [sys.executable, "-m", "tests.frame_storm", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    return json.loads(done.stdout)


def test_frames_when_mutated_replayed_or_foreign_then_dropped_cheaply() -> None:
    seen = storm(count=60_000, seconds=50)
    assert (seen["accepted"], seen["crashed"]) == ([], [])
    assert seen["slowest_s"] < SLOW
    assert seen["grown_mib"] < MEMORY
    assert seen["tried"] >= 60_000
    assert seen["sound"] >= 60_000 * SOUND


@pytest.mark.prove
@pytest.mark.timeout(2_000)
@pytest.mark.parametrize("seed", range(2, 6))
def test_frames_when_a_million_are_foreign_then_dropped_cheaply(seed: int) -> None:
    seen = storm(count=250_000, seconds=1_800, seed=seed)
    assert (seen["accepted"], seen["crashed"]) == ([], [])
    assert seen["slowest_s"] < SLOW
    assert seen["grown_mib"] < MEMORY
    assert seen["tried"] >= 250_000
    assert seen["sound"] >= 250_000 * SOUND


@pytest.mark.parametrize("check", ["signature", "one encoding", "end", "shortest form", "counter"])
def test_control_frames_when_a_check_is_taken_out_then_caught_accepting(check: str) -> None:
    assert storm(count=12_000, seconds=30, without=check)["accepted"]


def test_control_frames_when_a_reader_is_slow_then_caught() -> None:
    assert storm(count=500, seconds=10, without="haste")["slowest_s"] > SLOW


def test_control_frames_when_a_reader_is_wasteful_then_caught() -> None:
    assert storm(count=100, seconds=10, without="thrift")["grown_mib"] > MEMORY
