"""What network and battery put off, and what they never do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compline_edge.core.conditions import Conditions, Network, evidence_may_go, pace_in, waits
from compline_shared.courier import (
    Conditioned,
    Connecting,
    Courier,
    Event,
    Looked,
    Lost,
    Offline,
    Online,
    Pace,
    SealedEntry,
    Send,
    Wait,
    react,
)

NOW, WALL = 100.0, 1_795_000_000.0
FREE = Conditions()
METERED = Conditions(Network.METERED)
LOW = Conditions(battery_low=True)
NOTHING = Conditions(Network.NONE)


def entry(*, age: float, urgent: bool = False) -> SealedEntry:
    return SealedEntry(1, 1, b"1", b"h", b"c" * 100, b"head", urgent, WALL - age)


def sends(conditions: Conditions, *, age: float, urgent: bool = False) -> bool:
    """Whether a verdict of that age goes out in these conditions, on a connection."""
    link = Online(sent=0, since=NOW, misses=0)
    courier = Courier(settled=0, pace=pace_in(conditions, Pace()), link=link)
    _, commands = react(courier, Looked((entry(age=age, urgent=urgent),), WALL), NOW)
    return any(isinstance(command, Send) for command in commands)


def after(courier: Courier, event: Event) -> Courier:
    return react(courier, event, NOW)[0]


def conditioned(*, network: bool, fresh: bool, pace: Pace | None = None) -> Conditioned:
    return Conditioned(pace or Pace(), network=network, fresh=fresh, jitter=0.5)


@pytest.mark.parametrize(
    ("conditions", "ages"),
    [
        (FREE, (4, 6)),
        (METERED, (119, 121)),
        (LOW, (299, 301)),
        (replace(METERED, battery_low=True), (299, 301)),
    ],
)
def test_pace_when_conditions_are_poor_then_verdicts_wait_longer_for_others(
    conditions: Conditions, ages: tuple[float, float]
) -> None:
    assert [sends(conditions, age=age) for age in ages] == [False, True]


@pytest.mark.parametrize("conditions", [FREE, METERED, LOW, replace(METERED, battery_low=True)])
def test_pace_when_a_finding_is_urgent_then_it_goes_at_once_whatever_the_conditions(
    conditions: Conditions,
) -> None:
    assert sends(conditions, age=0, urgent=True)


def test_pace_when_the_battery_is_low_then_attempts_are_rarer() -> None:
    assert (pace_in(FREE, Pace()).longest, pace_in(LOW, Pace()).longest) == (120, 300)


@pytest.mark.parametrize(
    ("conditions", "goes"),
    [(FREE, True), (METERED, False), (LOW, False), (NOTHING, False)],
)
def test_evidence_when_bytes_or_power_are_dear_then_it_waits(conditions: Conditions, goes: bool) -> None:
    assert evidence_may_go(conditions) is goes


def test_words_when_nothing_is_put_off_then_none() -> None:
    assert waits(FREE) == ""


@pytest.mark.parametrize("conditions", [METERED, LOW, NOTHING])
def test_words_when_something_is_put_off_then_said_in_both_languages(conditions: Conditions) -> None:
    chinese, english = waits(conditions).splitlines()
    assert not chinese.isascii()
    assert english.isascii()


def test_conditioned_when_there_is_no_network_then_no_attempt_for_half_an_hour() -> None:
    courier = after(Courier(settled=0), conditioned(network=False, fresh=False))
    assert courier.link == Offline(NOW + 1_800)
    assert react(courier, Looked((), WALL), NOW + 1_799)[1] == (Wait(NOW + 1_800),)


def test_conditioned_when_a_network_comes_then_an_attempt_soon_and_back_off_starts_over() -> None:
    waiting = Courier(settled=0, link=Offline(NOW + 1_800, misses=7), network=False)
    assert after(waiting, conditioned(network=True, fresh=True)) == Courier(
        settled=0, link=Offline(NOW + 0.5)
    )


def test_conditioned_when_the_network_stays_then_the_back_off_does_too() -> None:
    waiting = Courier(settled=0, link=Offline(NOW + 60, misses=7))
    slower = pace_in(LOW, Pace())
    changed = after(waiting, conditioned(network=True, fresh=False, pace=slower))
    assert changed == Courier(settled=0, pace=slower, link=Offline(NOW + 60, misses=7))


def test_conditioned_when_an_attempt_is_under_way_then_it_goes_on() -> None:
    trying = Courier(settled=0, link=Connecting(2))
    assert after(trying, conditioned(network=False, fresh=False)).link == Connecting(2)


def test_lost_when_there_is_no_network_then_the_next_attempt_is_far() -> None:
    trying = Courier(settled=0, link=Connecting(0), network=False)
    assert after(trying, Lost(jitter=1.0)).link == Offline(NOW + 1_800, 1)
