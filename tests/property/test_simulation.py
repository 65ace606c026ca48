"""Weeks of delivery under virtual time: no verdict lost, none taken twice; each rule, once broken, is found missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from compline_shared import courier, delivery
from compline_shared.chain import Chain
from compline_shared.courier import Courier, Event, Looked, Online, SettleUpTo, Step
from compline_shared.delivery import Accepted, Arrived, Duplicate, Gap, Inbox, Taking
from sim.network import Weather
from sim.scenario import Broken, Parts, Plan, play
from sim.world import HOUR
from tests.puback import settling_on_send

SHORT = Plan(handsets=10, days=1.6)
"""Ends at an hour at which everybody is at work."""
WEEK = Plan(handsets=50, days=7, a_day=20)
BUSY_WEEK = Plan(handsets=50, days=7)
MONTH = Plan(handsets=10_000, days=30, a_day=20)
SPARSE = Plan(handsets=10, days=6, a_day=6, restore_every=6 * HOUR)
"""Handsets that have nothing new to send when the hub comes back from a backup."""
AWAY = Plan(handsets=10, days=5, weather=Weather(away=0.5))
"""Every other evening begins 72 hours without a network."""


def test_simulation_when_a_seed_is_played_twice_then_the_same_happens() -> None:
    assert play(5, SHORT) == play(5, SHORT)


def test_simulation_when_the_seed_is_another_then_something_else_happens() -> None:
    assert play(5, SHORT).trace != play(6, SHORT).trace


@pytest.mark.parametrize("first", range(1, 201, 20))
def test_delivery_when_fifty_handsets_live_through_a_week_then_each_verdict_has_its_effect_once(
    first: int,
) -> None:
    """200 weeks in all; what breaks one is played again with `make sim SEED=... A_DAY=20`."""
    assert sum(play(seed, WEEK).verdicts for seed in range(first, first + 20)) > 120_000


@pytest.mark.parametrize("seed", range(1, 5))
def test_delivery_when_handsets_are_gone_for_three_days_then_each_verdict_has_its_effect_once(
    seed: int,
) -> None:
    assert play(seed, AWAY).verdicts > 2_000


@pytest.mark.parametrize("seed", range(1, 5))
def test_delivery_when_a_restored_hub_meets_handsets_with_nothing_new_then_it_is_made_whole(
    seed: int,
) -> None:
    assert play(seed, SPARSE).verdicts > 100


def test_control_delivery_when_what_is_two_days_old_is_given_up_then_three_days_away_find_it() -> None:
    forgetful = Parts(react=giving_up_after_two_days)
    home = replace(AWAY, weather=replace(AWAY.weather, away=0.0))
    assert broken(forgetful, plan=AWAY, seeds=range(1, 5)) == 4
    assert broken(forgetful, plan=home, seeds=range(1, 5)) == 0  # nothing else finds it


def test_control_delivery_when_a_restored_hub_does_not_ask_then_a_seed_finds_it() -> None:
    assert broken(Parts(asks=False), plan=SPARSE, seeds=range(1, 5)) > 0


@pytest.mark.prove
@pytest.mark.timeout(3_600)
def test_delivery_when_busy_weeks_are_played_then_each_verdict_has_its_effect_once() -> None:
    """What breaks one is played again with `make sim SEED=...`."""
    assert sum(play(seed, BUSY_WEEK).verdicts for seed in range(1, 51)) > 2_000_000


@pytest.mark.prove
@pytest.mark.timeout(3 * 3_600)
def test_delivery_when_ten_thousand_handsets_live_through_a_month_then_each_verdict_has_its_effect_once() -> (
    None
):
    assert play(1, MONTH).verdicts > 5_000_000


def never_waiting_for_an_answer(state: Courier, event: Event, now: float) -> Step:
    return courier.react(replace(state, pace=replace(state.pace, answer=1e9, longest=1e9)), event, now)


def giving_up_after_two_days(state: Courier, event: Event, now: float) -> Step:
    if not isinstance(event, Looked) or not isinstance(state.link, Online):
        return courier.react(state, event, now)
    given_up = max((entry.seq for entry in event.due if entry.added < event.wall - 48 * HOUR), default=0)
    if not given_up:
        return courier.react(state, event, now)
    link = replace(state.link, sent=max(given_up, state.link.sent))
    state, commands = courier.react(replace(state, settled=given_up, link=link), Looked((), event.wall), now)
    return state, (SettleUpTo(given_up), *commands)


def taking_what_lacks_its_past(
    inbox: Inbox, batch: Arrived, chain: Chain, *, head_at_last: bytes | None
) -> Taking:
    taking = delivery.take(inbox, batch, chain, head_at_last=head_at_last)
    if not isinstance(taking, Gap):
        return taking
    last = batch.first_seq + len(batch.plaintexts) - 1
    return Accepted(Inbox(last, batch.head), 0, (batch.head,) * len(batch.plaintexts))


def taking_again(inbox: Inbox, batch: Arrived, chain: Chain, *, head_at_last: bytes | None) -> Taking:
    taking = delivery.take(inbox, batch, chain, head_at_last=head_at_last)
    return Accepted(inbox, 0, ()) if isinstance(taking, Duplicate) else taking


def broken(parts: Parts, *, plan: Plan = SHORT, seeds: Sequence[int] = range(1, 9)) -> int:
    """How many of the seeds notice."""
    noticed = 0
    for seed in seeds:
        try:
            play(seed, plan, parts)
        except Broken:
            noticed += 1
    return noticed


@pytest.mark.parametrize(
    "parts",
    [
        Parts(react=settling_on_send, keep_settled=0.0),
        Parts(react=never_waiting_for_an_answer),
        Parts(take=taking_what_lacks_its_past),
        Parts(take=taking_again),
        Parts(receipt_first=True),
        Parts(keep_settled=HOUR / 6),
    ],
    ids=[
        "settled when sent",
        "no answer is waited for",
        "a batch without its past is taken",
        "a batch is taken twice",
        "a receipt before the commit",
        "settled entries are not kept",
    ],
)
def test_control_delivery_when_a_rule_is_broken_then_a_seed_finds_it(parts: Parts) -> None:
    assert broken(parts) > 0
