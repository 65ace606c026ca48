"""kill -9 at any call that changes the disk leaves a binding's life before or after the change, and never between."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

OPERATIONS = ("bind", "freeze", "rebind", "lease", "rekey", "wipe", "resumed-freeze", "resumed-wipe")
SPARSE = 6
"""Every sixth call of each kind here, each one in `make prove`."""

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def kills(folder: Path, operation: str, *, step: int, mode: tuple[str, ...] = ()) -> tuple[int, int, str]:
    """Run the kills; returns the exit status, how many there were, and what went wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.kill_program", str(folder), operation, str(step), *mode],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if "strace cannot attach here" in done.stderr:
        pytest.skip("strace may not attach to processes here")
    return done.returncode, len(done.stdout.splitlines()), done.stderr


@pytest.mark.parametrize("operation", OPERATIONS)
def test_change_when_killed_at_a_call_then_it_happened_or_it_did_not(tmp_path: Path, operation: str) -> None:
    code, count, problem = kills(tmp_path, operation, step=SPARSE)
    assert (code, problem) == (0, "")
    assert count >= 7


@pytest.mark.prove
@pytest.mark.timeout(3_000)
def test_changes_when_killed_at_every_call_then_each_happened_or_did_not(tmp_path: Path) -> None:
    outcomes = {operation: kills(tmp_path / operation, operation, step=1) for operation in OPERATIONS}
    assert {operation: problem for operation, (_, _, problem) in outcomes.items() if problem} == {}
    assert sum(count for _, count, _ in outcomes.values()) >= 500


def test_change_when_the_slot_goes_first_then_the_kills_find_it(tmp_path: Path) -> None:
    """The control: a commit point before what it makes true."""
    code, _, problem = kills(tmp_path, "freeze", step=1, mode=("careless",))
    assert code == 1
    assert "freeze killed at write" in problem
