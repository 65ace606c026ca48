"""A collector gets another handset once the one before is unbound or removed, and not sooner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from compline_edge.vault.home import open_home
from compline_edge.vault.identity import create_identity
from compline_hub.core.standing import Told
from compline_hub.errors import OrderRefused
from compline_hub.service.enrolment import StillUnbound
from compline_shared.reports import BindingState, Cause
from tests.homes import SystemClock
from tests.pairing_hub import PairingHub, handset, joined, pairing_hub, refused


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[PairingHub]:
    with pairing_hub(tmp_path) as hub:
        yield hub


def told_frozen(hub: PairingHub, home: Path) -> None:
    """Let the hub have heard that the joined handset is frozen."""
    with open_home(home, clock=SystemClock()) as opened:
        place = opened.place
    with hub.hub.store.transaction() as ledger:
        standing = ledger.book.standing(place.binding)
        told = Told(place.epoch, 1, BindingState.FROZEN, Cause.COMMAND, 0, False, 0, 0, bytes(16), at=1)
        ledger.book.keep_standing(place.binding, replace(standing, told=told))


def test_pairing_when_the_collector_works_with_another_handset_then_refused_until_that_one_is_unbound(
    hub: PairingHub, tmp_path: Path
) -> None:
    joined(handset(tmp_path, "first"), hub.offer("Desk 3").invitation)
    given = hub.offer("Desk 7")
    orders = hub.hub.orders

    said = refused(tmp_path, given.invitation)
    orders.freeze("Desk 3", by="ada")
    still = refused(tmp_path, given.invitation)  # it has not said that it is frozen
    told_frozen(hub, tmp_path / "first")
    joined(handset(tmp_path), given.invitation)  # the code was not used up

    assert "works with another handset" in said
    assert still == said
    assert given.holder == "Desk 3"
    assert hub.state(given) == "joined"
    with pytest.raises(OrderRefused, match="works with another handset now"):
        orders.rebind("Desk 3", by="ada")


def test_pairing_when_the_handset_is_unbound_from_the_same_collector_then_refused_and_the_code_is_kept(
    hub: PairingHub, tmp_path: Path
) -> None:
    settings = handset(tmp_path)
    joined(settings, hub.offer().invitation)
    hub.hub.orders.freeze("Desk 7", by="ada")
    told_frozen(hub, settings.home_folder)
    (settings.home_folder / "active").unlink()  # so that the handset does not refuse by itself
    given = hub.offer()

    said = refused(tmp_path, given.invitation)

    assert "does not take this handset" in said
    assert hub.state(given) == "open"
    request = create_identity(settings.home_folder)
    with pytest.raises(StillUnbound, match="compline-hub rebind"):
        hub.hub.enrolment.enrol(request, name="Desk 7", collector="Li Wei")
    joined(settings, hub.offer(collector="Wang Fang").invitation)  # control: for somebody else it joins


def test_pairing_when_the_collectors_handset_is_lost_then_refused_until_it_is_removed(
    hub: PairingHub, tmp_path: Path
) -> None:
    joined(handset(tmp_path, "first"), hub.offer("Desk 7").invitation)
    given = hub.offer("Desk 7")

    said = refused(tmp_path, given.invitation)
    hub.hub.enrolment.remove(hub.hub.orders.handset("Desk 7").id)
    joined(handset(tmp_path), given.invitation)

    assert "works with another handset" in said
    assert hub.hub.orders.handset("Desk 7").id == create_identity(tmp_path / "handset").handset_id
