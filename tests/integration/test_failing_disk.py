"""The disk fails at one call or from one on: nothing that was acknowledged is lost, also by a power cut afterwards."""

from __future__ import annotations

import json

import pytest

from tests.traced import needs_strace, traced

FAULTS = [
    # story, call, error, every n-th call in `make test`
    ("hand-over", "fsync", "EIO", 13),
    ("hand-over", "fdatasync", "EIO", 9),
    ("hand-over", "pwrite64", "ENOSPC+", 131),
    ("hand-over", "pread64", "EIO", 11),
    ("hub", "fdatasync", "EIO", 11),
    ("hub", "pwrite64", "ENOSPC", 190),
]
"""The handset's SQLCipher syncs by fsync, its outbox and the hub's store by fdatasync."""
MORE = [
    ("hand-over", "fsync", "EIO+", 1),
    ("hand-over", "pwrite64", "ENOSPC", 3),
    ("hand-over", "write", "ENOSPC", 1),
    ("hand-over", "rename", "EIO", 1),
    ("hand-over", "fdatasync", "EIO+", 1),
    ("hand-over", "pwrite64", "EIO", 3),
    ("hand-over", "pread64", "EIO+", 3),
    ("hand-over", "openat", "ENOSPC", 1),
    ("hand-over", "ftruncate", "EIO", 1),
    ("hand-over", "unlink", "EIO", 1),
    ("hub", "fsync", "EIO", 1),
    ("hub", "fdatasync", "EIO+", 1),
    ("hub", "pwrite64", "ENOSPC+", 7),
    ("hub", "openat", "EIO", 2),
]
CONTROLS = [
    ("hand-over", "fsync", "EIO", 2, "acknowledges-anyway"),
    ("hand-over", "fdatasync", "EIO", 3, "trusts-the-log"),
    ("hub", "fdatasync", "EIO", 1, "acknowledges-anyway"),
    pytest.param("hub", "fdatasync", "EIO+", 1, "trusts-the-log", marks=pytest.mark.prove),
    pytest.param("hand-over", "fsync", "EIO+", 1, "trusts-the-log", marks=pytest.mark.prove),
]

pytestmark = needs_strace


def failing(story: str, call: str, error: str, step: int, variant: str = "full") -> tuple[int, str, str]:
    """Let the calls fail in turn; returns the exit status, the figures and what went wrong."""
    done = traced("failing_disk", story, call, error, step, variant)
    return done.returncode, done.stdout, done.stderr


def assert_holds(story: str, call: str, error: str, step: int) -> None:
    code, figures, problem = failing(story, call, error, step)
    assert (code, problem) == (0, "")
    assert json.loads(figures)["states"] >= json.loads(figures)["runs"] > 0


@pytest.mark.parametrize(("story", "call", "error", "step"), FAULTS)
def test_story_when_the_disk_fails_at_a_call_then_nothing_acknowledged_is_lost(
    story: str, call: str, error: str, step: int
) -> None:
    assert_holds(story, call, error, step)


@pytest.mark.parametrize(("story", "call", "error", "step", "variant"), CONTROLS)
def test_story_when_the_program_is_a_broken_one_then_it_shows(
    story: str, call: str, error: str, step: int, variant: str
) -> None:
    """The control: who acknowledges before it is kept, or believes a log whose sync failed."""
    code, _, problem = failing(story, call, error, step, variant)
    assert code == 1
    assert f"{story}, {call}:error=" in problem


@pytest.mark.prove
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("story", "call", "error", "step"),
    [*((s, c, e, 1 if c != "pwrite64" else 3) for s, c, e, _ in FAULTS), *MORE],
)
def test_story_when_the_disk_fails_at_each_call_in_turn_then_nothing_acknowledged_is_lost(
    story: str, call: str, error: str, step: int
) -> None:
    assert_holds(story, call, error, step)
