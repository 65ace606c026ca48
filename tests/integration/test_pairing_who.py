"""Who may pair: one collector works with one handset, and each who may not has a sentence and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.errors import AlreadyEnrolled, HomeInUse
from compline_edge.vault.former import beginning_in
from compline_edge.vault.home import open_home
from compline_edge.vault.identity import create_identity, folder_of
from compline_hub.core.orders import Reason
from compline_hub.core.standing import Question, Told
from compline_hub.errors import OrderRefused
from compline_hub.service.enrolment import StillUnbound
from compline_shared.reports import BindingState, Cause
from tests.homes import SystemClock, bytes_under
from tests.pairing_hub import PairingHub, handset, joined, pairing_hub, refused
from tests.refusals import not_taken
from tests.successor import unbind

OFFICER = bytes(range(32))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[PairingHub]:
    with pairing_hub(tmp_path, officer_key=OFFICER.hex()) as hub:
        yield hub


def told_frozen(hub: PairingHub, home: Path) -> None:
    """Let the hub have heard that the joined handset is frozen."""
    with open_home(home, clock=SystemClock()) as opened:
        place = opened.place
    with hub.hub.store.transaction() as ledger:
        standing = ledger.book.standing(place.binding)
        question = Question(bytes(16), bytes(32))
        told = Told(place.epoch, 1, BindingState.FROZEN, Cause.COMMAND, 0, False, 0, 0, 0, question, at=1)
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
    with pytest.raises(OrderRefused, match=not_taken(Reason.COLLECTOR_ELSEWHERE)):
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

    assert "compline-hub rebind" in said
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


def test_pairing_when_the_handset_is_bound_then_refused_before_anybody_is_asked(
    hub: PairingHub, tmp_path: Path
) -> None:
    settings = handset(tmp_path)
    joined(settings, hub.offer().invitation)
    before = bytes_under(settings.home_folder)
    given = hub.offer("Desk 7", "Wang Fang")

    with pytest.raises(AlreadyEnrolled, match="unbind it first"):
        joined(settings, given.invitation)

    assert bytes_under(settings.home_folder) == before
    assert hub.state(given) == "open"


def test_pairing_when_an_agent_works_in_the_home_then_refused_before_anybody_is_asked(
    hub: PairingHub, tmp_path: Path
) -> None:
    settings = handset(tmp_path)
    joined(settings, hub.offer().invitation)
    given = hub.offer("Desk 7", "Wang Fang")

    with (
        open_home(settings.home_folder, clock=SystemClock()),
        pytest.raises(HomeInUse, match="Another agent works"),
    ):
        joined(settings, given.invitation)

    assert hub.state(given) == "open"


def test_pairing_when_a_known_handset_gets_another_collector_then_a_new_binding(
    hub: PairingHub, tmp_path: Path
) -> None:
    settings = handset(tmp_path)
    joined(settings, hub.offer(collector="Li Wei").invitation)
    first = (settings.home_folder / "active").read_text()
    (settings.home_folder / "active").unlink()  # as after the old binding's end

    joined(settings, hub.offer(collector="Wang Fang").invitation)

    second = (settings.home_folder / "active").read_text()
    with hub.hub.store.transaction() as ledger:
        newest = ledger.binding_of(create_identity(settings.home_folder).handset_id)
    assert first != second
    assert newest is not None
    assert newest.id == second


def test_pairing_when_a_handset_gets_another_collector_then_it_keeps_the_hubs_time_of_it(
    hub: PairingHub, tmp_path: Path
) -> None:
    settings = handset(tmp_path)
    home = settings.home_folder
    joined(settings, hub.offer(collector="Li Wei").invitation)
    unbind(home)

    joined(settings, hub.offer(collector="Wang Fang").invitation)

    beginning = beginning_in(folder_of(home, (home / "active").read_text()))
    assert beginning is not None
    assert beginning.hub == CertificateStore(home).hub_time()


def test_pairing_when_the_handset_was_removed_then_its_old_home_cannot_come_back(
    hub: PairingHub, tmp_path: Path
) -> None:
    settings = handset(tmp_path)
    joined(settings, hub.offer().invitation)
    hub.hub.enrolment.remove(create_identity(settings.home_folder).handset_id)
    (settings.home_folder / "active").unlink()

    assert "new home folder" in refused(tmp_path, hub.offer(collector="Wang Fang").invitation)
