"""kill -9 at any call that changes the disk leaves a binding's life before or after the change, and never between."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.traced import needs_strace, traced

OPERATIONS = ("bind", "freeze", "rebind", "lease", "rekey", "wipe", "resumed-freeze", "resumed-wipe")
SPARSE = 6
"""Every sixth call of each kind here, each one in `make prove`."""

pytestmark = needs_strace


def kills(folder: Path, operation: str, *, step: int, mode: tuple[str, ...] = ()) -> tuple[int, int, str]:
    """Run the kills; returns the exit status, how many there were, and what went wrong."""
    done = traced("kill_program", folder, operation, step, *mode, timeout=600)
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
