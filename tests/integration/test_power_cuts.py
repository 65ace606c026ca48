"""The power goes at any call, the disk keeps any part of what was not synced, and a start finds what was promised."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.traced import needs_strace, traced

OPERATIONS = ("bind", "freeze", "rebind", "lease", "wipe", "resumed-freeze", "resumed-wipe")

pytestmark = needs_strace


def cuts(
    folder: Path, operation: str, *, step: int, each: int, variant: str = "full"
) -> tuple[int, int, str]:
    """Cut the power; returns the exit status, how many crash states held, and what went wrong."""
    done = traced("power_cut_program", folder, operation, step, each, variant)
    return done.returncode, len(done.stdout.splitlines()), done.stderr


@pytest.mark.parametrize("operation", OPERATIONS)
def test_change_when_the_power_is_cut_then_it_happened_or_it_did_not(tmp_path: Path, operation: str) -> None:
    code, held, problem = cuts(tmp_path, operation, step=1, each=0)
    assert (code, problem) == (0, "")
    assert held >= 20


@pytest.mark.parametrize("operation", ["record", "checkpoint"])
def test_verdict_when_acknowledged_and_the_power_is_cut_then_it_is_kept_and_owed(
    tmp_path: Path, operation: str
) -> None:
    code, held, problem = cuts(tmp_path, operation, step=7, each=1)
    assert (code, problem) == (0, "")
    assert held >= 90


@pytest.mark.parametrize("synchronous", ["off", "normal"])
def test_verdict_when_commits_are_not_synced_then_the_cuts_find_it(tmp_path: Path, synchronous: str) -> None:
    """The control: what WAL allows, and what we do not."""
    code, _, problem = cuts(tmp_path, "record", step=1, each=4, variant=synchronous)
    assert code == 1
    assert "record cut at" in problem


@pytest.mark.parametrize("variant", ["no-file-sync", "no-folder-sync"])
def test_change_when_syncs_are_left_out_then_the_cuts_find_it(tmp_path: Path, variant: str) -> None:
    """The control: a program that makes the same calls but these."""
    code, _, problem = cuts(tmp_path, "bind", step=1, each=0, variant=variant)
    assert code == 1
    assert "bind cut at" in problem


@pytest.mark.prove
@pytest.mark.timeout(900)
@pytest.mark.parametrize("operation", [*OPERATIONS, "record", "checkpoint"])
def test_operation_when_the_power_is_cut_at_every_call_then_everything_holds(
    tmp_path: Path, operation: str
) -> None:
    code, held, problem = cuts(tmp_path, operation, step=1, each=6)
    assert (code, problem) == (0, "")
    assert held >= 25
