"""Through loss, repeats, disorder, damage, outages and power cuts every verdict reaches the hub, once and in order."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from compline_shared.courier import Pace
from tests.far_branch import Far, Way, far_branch, needs_links
from tests.running_hub import MOSQUITTO

pytestmark = needs_links

WEATHER = Way(delay=0.03, loss=0.15, duplicate=0.1, reorder=0.15, corrupt=0.03, rate=50_000, queue=30_000)
OUTAGE = Way(silent=True)
QUIET = Way(delay=0.03)
PACE = Pace(batch_age=0.3, answer=3.0, reconnect=0.2, longest=6.0)
"""The product's, some ten times faster, so that half a minute holds what else takes minutes."""
KEEPALIVE = 2
CALLS = 8


def test_storm_when_it_is_over_then_every_verdict_is_at_the_hub_once_and_settled(tmp_path: Path) -> None:
    _storm(tmp_path, seeds=range(1, 7), rounds=7, cuts=1)


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(100, 160, 12))
def test_storm_when_it_lasts_for_many_seeds_then_every_verdict_is_at_the_hub_once_and_settled(
    tmp_path: Path, first: int
) -> None:
    _storm(tmp_path, seeds=range(first, first + 12), rounds=40, cuts=4)


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed (apt-get install mosquitto)")
def test_power_cut_when_the_broker_had_acknowledged_then_only_who_believed_it_loses(tmp_path: Path) -> None:
    with far_branch(tmp_path, broker="mosquitto") as branch:
        pace = replace(PACE, longest=2.0)
        (courier,) = branch.handsets([QUIET], pace=pace)
        (believer,) = branch.handsets([QUIET], first_seed=2, pace=pace, believes_broker=True)
        branch.start_hub()
        for far in (courier, believer):
            far.do("run")
            far.hear("connected")
        branch.pause_hub()
        for far in (courier, believer):
            far.do("judge", count=20, seed=1)
            far.hear("judged")
        believer.do("settle")
        assert believer.hear("settled")["up_to"] == 20
        branch.kill_hub()
        branch.start_hub()
        courier.do("settle")
        courier.hear("settled")
        believer.hear("connected")
        assert branch.kept(courier) == list(range(1, 21))
        assert branch.kept(believer) != list(
            range(1, 21)
        )  # the control: its outbox says that the hub has them


def _storm(folder: Path, *, seeds: range, rounds: int, cuts: int) -> None:
    chance = random.Random(seeds.start)
    with far_branch(folder) as branch:
        fars = branch.handsets([WEATHER] * len(seeds), first_seed=seeds.start, pace=PACE, keepalive=KEEPALIVE)
        branch.start_hub()
        for far in fars:
            far.do("run")
        cut_after = set(chance.sample(range(2, rounds - 1), cuts))
        for number in range(rounds):
            _blow(fars, chance)
            if number in cut_after:
                branch.kill_hub()
                branch.start_hub()
        for far in fars:
            far.link.become(WEATHER)
            far.do("settle")
        owed = list(range(1, rounds * CALLS + 1))
        assert [far.hear("settled")["up_to"] for far in fars] == [owed[-1]] * len(fars)
        assert [branch.kept(far) for far in fars] == [owed] * len(fars)
    _blew(fars)


def _blow(fars: list[Far], chance: random.Random) -> None:
    """Let each handset judge some calls, and a third of the links be cut for a while, one way or both."""
    for far in fars:
        far.do("judge", count=CALLS, seed=chance.randrange(2**32))
        ways = (OUTAGE if chance.random() < 0.2 else WEATHER, OUTAGE if chance.random() < 0.2 else WEATHER)
        far.link.become(*ways)
    time.sleep(chance.uniform(0.4, 1.6))


def _blew(fars: list[Far]) -> None:
    """Fail unless all of it happened."""
    both = [traffic for far in fars for traffic in (far.link.up, far.link.down)]
    for what in ("lost", "swallowed", "duplicated", "reordered", "corrupted"):
        assert sum(getattr(traffic, what) for traffic in both) > 0
    assert any(told["what"] == "lost" for far in fars for told in far.past)
