"""A day's verdicts reach the hub over links that lose a third of all packets, and over links of 20 kbit/s."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from bench.wire import GOAL, publish_head
from compline_edge.link.mqtt import MAX_UNTAKEN
from compline_shared.courier import Pace
from compline_shared.ids import HandsetId
from compline_shared.topics import up
from tests.far_branch import Far, FarBranch, Told, Way, far_branch, needs_links
from tests.link_trials import courier_deliveries, naive_deliveries, naive_within

pytestmark = needs_links

GOOD = Way(delay=0.06)
LOSSY = Way(delay=0.06, loss=0.3)
"""30 % of the packets each way at a round trip of 120 ms."""

WITHIN = 4.0
"""Seconds that 200 verdicts may take there, as a median."""

SLOW = Way(delay=0.35, rate=2_500)
"""20 kbit/s at a round trip of 700 ms."""


def test_courier_when_a_third_is_lost_each_way_then_200_settle_within_4_s_and_naive_sending_takes_longer(
    tmp_path: Path,
) -> None:
    with far_branch(tmp_path) as branch:
        ours, theirs = _handsets(branch, 9, 5)
        found = courier_deliveries(branch, ours, [200] * len(ours), LOSSY)
        assert all(branch.kept(far) == list(range(1, 201)) for far in ours)
        assert statistics.median(each.settled for each in found) <= WITHIN
        assert naive_within(theirs, 200, LOSSY, WITHIN) < 3  # a control: so easy a link would prove nothing


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_courier_when_a_third_is_lost_each_way_then_the_median_of_20_seeds_settles_200_within_4_s(
    tmp_path: Path,
) -> None:
    with far_branch(tmp_path) as branch:
        ours, theirs = _handsets(branch, 20, 20)
        found = courier_deliveries(branch, ours, [200] * len(ours), LOSSY)
        reference = naive_deliveries(theirs, 200, LOSSY)
    settled = statistics.median(each.settled for each in found)
    assert settled <= WITHIN
    assert settled < statistics.median(each.settled for each in reference) / 2


def test_courier_when_the_link_is_slow_then_delivery_takes_little_more_than_the_wire(tmp_path: Path) -> None:
    with far_branch(tmp_path) as branch:
        fars = branch.handsets([SLOW] * 2, held=True)
        branch.start_hub()
        counts = (50, 200)
        found = courier_deliveries(branch, fars, counts, SLOW)
        assert [branch.kept(far) for far in fars] == [list(range(1, count + 1)) for count in counts]
    assert SLOW.rate is not None
    for count, delivery in zip(counts, found, strict=True):
        wire = delivery.up / SLOW.rate
        assert delivery.delivered <= 1.3 * wire
        assert delivery.settled <= 1.3 * wire + 2 * SLOW.delay  # the receipt comes a round trip later
        assert _carried(delivery.frames) / count <= GOAL


def test_courier_when_the_link_is_all_but_dead_then_nothing_piles_up_behind_it(tmp_path: Path) -> None:
    with far_branch(tmp_path) as branch:
        pace = Pace(answer=0.5)
        (far,) = branch.handsets([GOOD], held=True, pace=pace)
        (hasty,) = branch.handsets([GOOD], first_seed=2, held=True, pace=pace, hasty=True)
        branch.start_hub()
        for each in (far, hasty):
            each.do("judge", count=600, seed=1)
        for each in (far, hasty):
            each.hear("judged")
            each.do("run")
            each.hear("connected")
            each.link.become(Way(delay=0.06, rate=300))
            each.do("serve")
        first, last, hastys = _watched(far, 1.0), _watched(far, 10.0), _watched(hasty, 0.1)
    assert (
        pace.window < hastys["untaken"] <= MAX_UNTAKEN
    )  # the control: it sends again, up to the carrier's own bound
    assert last["untaken"] <= first["untaken"] <= pace.window
    assert max(first["flying"], last["flying"]) <= pace.window
    assert last["resident"] - first["resident"] < 2**21


def _watched(far: Far, after: float) -> Told:
    time.sleep(after)
    far.do("look")
    return far.hear("looked")


def _carried(frames: tuple[int, ...]) -> int:
    """Bytes of the MQTT packets that carry these payloads."""
    topic = up(HandsetId("0" * 16))
    return sum(size + publish_head(topic, size) for size in frames)


def _handsets(branch: FarBranch, ours: int, naive: int) -> tuple[list[Far], list[Far]]:
    """Handsets whose couriers are held once connected, and others for the naive sender, with the hub started."""
    held = branch.handsets([GOOD] * ours, held=True)
    others = branch.handsets([GOOD] * naive, first_seed=101)
    branch.start_hub()
    return held, others
