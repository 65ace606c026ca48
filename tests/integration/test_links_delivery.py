"""A day's verdicts reach the hub over links that lose a third of all packets, and over links of 20 kbit/s."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.wire import GOAL, publish_head
from compline_edge.link.mqtt import MAX_UNTAKEN
from compline_shared.courier import Pace
from compline_shared.ids import HandsetId
from compline_shared.topics import up
from tests.far_branch import Far, FarBranch, Told, Way, far_branch, needs_links
from tests.link_trials import Delivery, courier_deliveries, naive_deliveries, naive_within

pytestmark = needs_links

GOOD = Way(delay=0.06)
LOSSY = Way(delay=0.06, loss=0.3)
"""30 % of the packets each way at a round trip of 120 ms."""

WITHIN = 4.0
"""Seconds that 200 verdicts may take there, as a median."""

SLOW = Way(delay=0.35, rate=2_500)
"""20 kbit/s at a round trip of 700 ms."""

ATTEMPTS = 3
"""How often the slow link is tried: a machine that is busy elsewhere adds to the time and never takes from it."""


@dataclass(frozen=True, slots=True)
class Office:
    """One hub and the handsets of all tests here; each is used by one test."""

    branch: FarBranch
    lossy: list[Far]
    naive: list[Far]
    slow: list[Far]
    stuck: Far
    hasty: Far


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with far_branch(tmp_path_factory.mktemp("branch")) as branch:
        impatient = Pace(answer=0.5)
        good = branch.handsets([GOOD] * 9, held=True)
        slow = branch.handsets([SLOW] * (2 * ATTEMPTS), first_seed=21, held=True)
        naive = branch.handsets([GOOD] * 5, first_seed=101)
        (stuck,) = branch.handsets([GOOD], first_seed=31, held=True, pace=impatient)
        (hasty,) = branch.handsets([GOOD], first_seed=32, held=True, pace=impatient, hasty=True)
        branch.start_hub()
        yield Office(branch, good, naive, slow, stuck, hasty)


def test_courier_when_a_third_is_lost_each_way_then_200_settle_within_4_s_and_naive_sending_takes_longer(
    office: Office,
) -> None:
    found = courier_deliveries(office.branch, office.lossy, [200] * len(office.lossy), LOSSY)
    assert all(office.branch.kept(far) == list(range(1, 201)) for far in office.lossy)
    assert statistics.median(each.settled for each in found) <= WITHIN
    assert naive_within(office.naive, 200, LOSSY, WITHIN) < 3  # a control: so easy a link would prove nothing


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_courier_when_a_third_is_lost_each_way_then_the_median_of_20_seeds_settles_200_within_4_s(
    tmp_path: Path,
) -> None:
    with far_branch(tmp_path) as branch:
        ours = branch.handsets([GOOD] * 20, held=True)
        theirs = branch.handsets([GOOD] * 20, first_seed=101)
        branch.start_hub()
        found = courier_deliveries(branch, ours, [200] * len(ours), LOSSY)
        reference = naive_deliveries(theirs, 200, LOSSY)
    settled = statistics.median(each.settled for each in found)
    assert settled <= WITHIN
    assert settled < statistics.median(each.settled for each in reference) / 2


def test_courier_when_the_link_is_slow_then_delivery_takes_little_more_than_the_wire(office: Office) -> None:
    counts = (50, 200)
    late = dict.fromkeys(counts, 0.0)
    for attempt in range(ATTEMPTS):
        pair = office.slow[2 * attempt : 2 * attempt + 2]
        found = courier_deliveries(office.branch, pair, counts, SLOW)
        assert [office.branch.kept(far) for far in pair] == [list(range(1, count + 1)) for count in counts]
        assert all(_carried(each.frames) / count <= GOAL for count, each in zip(counts, found, strict=True))
        late = {count: _late(each) for count, each in zip(counts, found, strict=True)}
        if max(late.values()) <= 0:
            break
    assert max(late.values()) <= 0, late


def test_courier_when_the_link_is_all_but_dead_then_nothing_piles_up_behind_it(office: Office) -> None:
    far, hasty = office.stuck, office.hasty
    for each in (far, hasty):
        each.do("judge", count=600, seed=1)
    for each in (far, hasty):
        each.hear("judged")
        each.do("run")
        each.hear("connected")
        each.link.become(Way(delay=0.06, rate=300))
        each.do("serve")
    first, last, hastys = _watched(far, 1.0), _watched(far, 10.0), _watched(hasty, 0.1)
    window = Pace().window
    assert (
        window < hastys["untaken"] <= MAX_UNTAKEN
    )  # the control: it sends again, up to the carrier's own bound
    assert last["untaken"] <= first["untaken"] <= window
    assert max(first["flying"], last["flying"]) <= window
    assert last["resident"] - first["resident"] < 2**21


def _watched(far: Far, after: float) -> Told:
    time.sleep(after)
    far.do("look")
    return far.hear("looked")


def _late(delivery: Delivery) -> float:
    """Seconds by which a delivery took longer than 1.3 times the wire, its receipt a round trip more."""
    assert SLOW.rate is not None
    most = 1.3 * delivery.up / SLOW.rate
    return max(delivery.delivered - most, delivery.settled - most - 2 * SLOW.delay)


def _carried(frames: tuple[int, ...]) -> int:
    """Bytes of the MQTT packets that carry these payloads."""
    topic = up(HandsetId("0" * 16))
    return sum(size + publish_head(topic, size) for size in frames)
