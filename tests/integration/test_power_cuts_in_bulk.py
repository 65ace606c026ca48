"""Thousands of states that a power cut may leave: nothing acknowledged is lost, nothing is there twice, it goes on."""

from __future__ import annotations

import json

import pytest

from tests.traced import needs_strace, traced

STATES = {"outbox": 3_000, "hand-over": 800, "hub": 1_200}
"""Different states of the disk in `make test`: 5,000."""
PROVED = {"outbox": 20_000, "hand-over": 5_000, "hub": 9_000}
"""The same in `make prove`, of each of `SEEDS`: 102,000."""
SEEDS = (1, 2, 3)
CONTROL = 1_000
"""States of which a broken variant must show itself in one."""
QUICK = (
    ("outbox", "normal"),
    ("outbox", "no-file-sync"),
    ("hand-over", "no-folder-sync"),
    ("hand-over", "clears-first"),
    ("hub", "normal"),
    ("hub", "answers-first"),
)
OTHERS = {
    (story, variant) for story in STATES for variant in ("off", "normal", "no-file-sync", "no-folder-sync")
}
CONTROLS = [*QUICK, *(pytest.param(*each, marks=pytest.mark.prove) for each in sorted(OTHERS - {*QUICK}))]

pytestmark = needs_strace


def cuts(story: str, *, states: int, seed: int = 1, variant: str = "full") -> tuple[int, str, str]:
    """Cut the power; returns the exit status, the figures and what went wrong."""
    done = traced("bulk_power_cuts", story, states, seed, variant, timeout=1_700)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("story", STATES)
def test_story_when_the_power_is_cut_then_nothing_that_was_told_is_lost_and_it_goes_on(story: str) -> None:
    code, figures, problem = cuts(story, states=STATES[story])
    assert (code, problem) == (0, "")
    assert json.loads(figures)["states"] == STATES[story]


@pytest.mark.parametrize(("story", "variant"), CONTROLS)
def test_story_when_the_program_is_a_broken_one_then_the_cuts_find_it(story: str, variant: str) -> None:
    """The control: weaker commits, syncs left out, steps in another order."""
    code, _, problem = cuts(story, states=CONTROL, variant=variant)
    assert code == 1
    assert f"{story} does not hold" in problem


@pytest.mark.prove
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("story", PROVED)
def test_story_when_the_power_is_cut_a_hundred_thousand_times_then_everything_holds(
    story: str, seed: int
) -> None:
    code, figures, problem = cuts(story, states=PROVED[story], seed=seed)
    assert (code, problem) == (0, "")
    assert json.loads(figures)["states"] == PROVED[story]
