"""Agents, hub and broker die as processes, the broker is emptied, the hub restored: no verdict lost, none doubled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.edge_program import eventually
from tests.storm import Storm

HEALING = 100.0
"""Seconds after the last mishap within which everything is settled."""


def weather(storm: Storm, *, pause: float, most: float) -> None:
    """One mishap after another until every verdict was made, or for ``most`` s."""
    end = time.monotonic() + most
    while time.monotonic() < end and not storm.all_made():
        time.sleep(storm._chance.uniform(0, 2 * pause))
        storm.befall()


@pytest.mark.timeout(300)
def test_verdicts_when_processes_are_killed_at_random_then_each_has_its_effect_once(tmp_path: Path) -> None:
    storm = Storm(tmp_path, handsets=4, count=5_000, seed=20261125)
    with storm.raging():
        weather(storm, pause=0.5, most=120)
        eventually(storm.all_settled, "all settled", within=HEALING)
    assert storm.faults() == []
    assert len(storm.happened) >= 10, storm.happened


@pytest.mark.parametrize("variant", [pytest.param("real", marks=pytest.mark.prove), "puback"])
def test_control_verdicts_when_a_brokers_acknowledgement_is_taken_for_a_receipt_then_they_are_lost(
    tmp_path: Path, variant: str
) -> None:
    """The control, beside the same with receipts: what was acknowledged is on the broker's lost disk."""
    storm = Storm(tmp_path, handsets=1, count=800, seed=1, variant=variant)
    with storm.raging():
        eventually(lambda: storm.progress()[0][1] > 0, "some are settled")
        storm.lose_what_the_broker_acknowledged(1.5)
        eventually(storm.all_made, "all made")
        if variant == "real":
            eventually(storm.all_settled, "all settled", within=HEALING)
        else:
            time.sleep(6.0)
    assert (storm.faults() == []) is (variant == "real")


def test_verdicts_when_two_hubs_of_one_name_are_on_the_lan_then_each_gets_those_of_its_own_handsets(
    tmp_path: Path,
) -> None:
    with two_hubs(tmp_path, "real") as hubs:
        for hub in hubs:
            eventually(hub.all_settled, "all settled", within=HEALING)
    assert [hub.faults() for hub in hubs] == [[], []]
    assert [hub.taken() for hub in hubs] == [300, 300]


def test_control_verdicts_when_a_handset_knocks_at_one_of_two_hubs_alone_then_some_do_not_arrive(
    tmp_path: Path,
) -> None:
    with two_hubs(tmp_path, "stubborn") as hubs:
        eventually(lambda: any(hub.all_settled() for hub in hubs), "one has all", within=HEALING)
        time.sleep(6.0)
    assert sorted(hub.taken() for hub in hubs) == [0, 300]


@contextmanager
def two_hubs(folder: Path, variant: str) -> Iterator[list[Storm]]:
    """Both have other ports than when their handsets joined: these have to ask the network, and hear of both."""
    hubs = [
        Storm(folder / name, handsets=1, count=300, seed=7, variant=variant, advertise=True)
        for name in ("a", "b")
    ]
    for hub in hubs:
        hub.move()
    with hubs[0].raging(), hubs[1].raging():
        yield hubs


@pytest.mark.prove
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", range(1, 6))
def test_verdicts_when_the_storm_is_long_then_each_has_its_effect_once(tmp_path: Path, seed: int) -> None:
    storm = Storm(tmp_path, handsets=4, count=12_000, seed=seed)
    with storm.raging():
        weather(storm, pause=1.0, most=600)
        eventually(storm.all_settled, "all settled", within=HEALING)
    assert storm.faults() == []
