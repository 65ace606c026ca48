"""Fuzzing led by coverage finds nothing that a reader of foreign bytes takes or trips over."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python"
)


def fuzzed(folder: Path, *, seconds: int, without: str | None = None) -> subprocess.CompletedProcess[str]:
    arguments = [str(folder), str(seconds), *([without] if without else [])]
    return subprocess.run(
        [sys.executable, "-m", "tests.reader_fuzz", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 90,
    )


def test_readers_when_fuzzed_then_nothing_is_found(tmp_path: Path) -> None:
    done = fuzzed(tmp_path / "corpus", seconds=10)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert "number_of_executed_units" in done.stderr


@pytest.mark.prove
@pytest.mark.timeout(1_000)
def test_readers_when_fuzzed_for_long_then_nothing_is_found(tmp_path: Path) -> None:
    done = fuzzed(tmp_path / "corpus", seconds=600)
    assert done.returncode == 0, done.stderr[-2_000:]


@pytest.mark.parametrize("check", ["signature", "end"])
def test_control_readers_when_a_check_is_taken_out_then_the_fuzzer_finds_it(
    check: str, tmp_path: Path
) -> None:
    done = fuzzed(tmp_path / "corpus", seconds=30, without=check)
    assert done.returncode != 0
    assert " took " in done.stderr + done.stdout
