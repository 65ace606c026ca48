"""A week of a branch: its handsets, their networks, and what befalls them; then quiet, and what must hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from compline_shared.courier import react
from compline_shared.delivery import take
from compline_shared.outbox import KEEP_SETTLED
from sim.handset import Handset, React
from sim.hub import Hub, Take
from sim.network import FAIR, Weather
from sim.world import DAY, HOUR, MINUTE, World

QUIET = 4 * HOUR
"""Seconds without any fault, in which everything must arrive."""


class Broken(Exception):
    """Something that must hold does not."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated; means in s."""

    handsets: int = 50
    days: float = 7.0
    a_day: float = 120.0  # verdicts of each handset, in office hours
    kill_every: float = 8 * HOUR  # of each handset
    crash_every: float = 12 * HOUR  # of the hub
    restore_every: float = 2 * DAY
    backup_every: float = HOUR
    weather: Weather = field(default_factory=Weather)


@dataclass(frozen=True, slots=True)
class Parts:
    """The rules that are played; a control breaks one."""

    react: React = react
    take: Take = take
    keep_settled: float = KEEP_SETTLED
    receipt_first: bool = False
    asks: bool = True  # whether a restored hub asks for what it lost


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a seed came to."""

    verdicts: int
    trace: str


def play(seed: int, plan: Plan, parts: Parts = Parts()) -> Outcome:
    """Play a seed to its end.

    Raises:
        Broken: a verdict was lost or taken twice, or handset and hub do not agree; says which.
    """
    world = World(seed)
    hub = Hub(world, take=parts.take, receipt_first=parts.receipt_first, asks=parts.asks)
    end = plan.days * DAY
    handsets = [
        Handset(world, number, hub, plan.weather, react=parts.react, keep_settled=parts.keep_settled)
        for number in range(1, plan.handsets + 1)
    ]
    chance = world.chance
    for handset in handsets:
        world.after(chance.uniform(0, HOUR), handset.start)
        handset.work(plan.a_day, until=end)
        world.sometimes(plan.kill_every, partial(_killed, handset, world), until=end)
        handset.link.live(end)
    world.sometimes(plan.backup_every, hub.back_up, until=end)
    world.sometimes(plan.crash_every, lambda: hub.crash(away=chance.uniform(5, 10 * MINUTE)), until=end)
    world.sometimes(plan.restore_every, lambda: hub.restore(away=chance.uniform(60, HOUR)), until=end)
    world.run(end)
    for handset in handsets:
        handset.link.weather = FAIR
    world.run(end + HOUR + QUIET)
    for handset in handsets:
        _check(handset, hub)
    return Outcome(sum(handset.outbox.last_seq for handset in handsets), world.trace)


def _killed(handset: Handset, world: World) -> None:
    handset.kill(away=world.chance.uniform(1, 20 * MINUTE))


def _check(handset: Handset, hub: Hub) -> None:
    kept, last = hub.kept[handset.number], handset.outbox.last_seq
    name = f"handset {handset.number}"
    if handset.disputed or handset.number in hub.forked:
        raise Broken(f"{name} and the hub disagree about the past")
    if kept.wrong or kept.effects != last:
        raise Broken(f"{name} made {last} verdicts; {kept.effects} had an effect, not each its own once")
    if handset.outbox.settled != last:
        raise Broken(f"{name} still owes {last - handset.outbox.settled} verdicts that the hub has")
