"""A pairing code that expires by itself is audited once, whoever notices it, and one that was used is not."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Final

import pytest

from compline_hub.app import Hub, open_hub
from compline_hub.core.audit import Act, Entry
from compline_hub.core.offer import LIFE, Offer
from compline_hub.core.pairing import Barred, Bind
from compline_hub.errors import EnrolmentRefused
from compline_hub.safekeeping import back_up, restore, rotate_escrow
from compline_hub.service.enrolment import Enrolment
from compline_hub.service.pairing import Pairing
from compline_hub.settings import HubSettings
from compline_hub.store.offers import SqlOffers
from compline_shared.enrolment import EnrolmentGrant, EnrolmentRequest
from tests.branch_store import Branch, Clock, branch
from tests.wire_handset import WireHandset

PROCESSES: Final = 4
CODES: Final = 20
SECONDS: Final = 60.0


@dataclass(slots=True)
class Desk:
    """A branch whose pairing goes by a clock that the test moves."""

    office: Branch
    pairing: Pairing
    clock: Clock

    def give(self, name: str = "Desk 7") -> str:
        return self.pairing.offer(handset_name=name, collector_name="Li Wei", by="ada").offer

    def become(self, offer: Offer) -> None:
        with self.office.hub.store.transaction() as ledger:
            ledger.offers.put(offer)

    def kept(self, offer: str) -> Offer:
        with self.office.hub.store.transaction() as ledger:
            found = ledger.offers.offer(offer)
        assert found is not None
        return found

    def expired(self) -> list[str]:
        return [entry.detail for entry in self.office.audited() if entry.act is Act.CODE_EXPIRED]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with branch(tmp_path) as office:
        yield Desk(office, pairing_of(office.hub, office.hub.enrolment, office.clock), office.clock)


def pairing_of(hub: Hub, enrolment: Enrolment, clock: Callable[[], float]) -> Pairing:
    return Pairing(
        hub.store,
        hub.ring,
        enrolment,
        address=("127.0.0.1", 1),
        officer_key=None,
        clock=clock,
    )


def test_code_when_it_expires_then_the_hub_audits_it_once(desk: Desk) -> None:
    given = desk.give()
    desk.clock.now += LIFE

    desk.pairing.expire()
    desk.pairing.expire()

    assert desk.office.audited()[1:] == [
        Entry(at=desk.clock.now, who="hub", act=Act.CODE_EXPIRED, detail=given)
    ]
    assert desk.kept(given).sealed is None
    assert desk.office.hub.auditing.verify().number == 2


def test_code_when_its_time_is_not_over_then_nothing_is_audited(desk: Desk) -> None:
    desk.give()
    desk.clock.now += LIFE - 1

    desk.pairing.expire()

    assert desk.expired() == []


def test_code_when_the_clock_was_set_back_before_it_was_given_then_audited_once(desk: Desk) -> None:
    given = desk.give()
    desk.clock.now -= 1

    desk.pairing.expire()
    desk.pairing.expire()

    assert desk.expired() == [given]


def test_code_when_the_next_one_is_given_after_its_time_then_audited_before_that(desk: Desk) -> None:
    first = desk.give()
    desk.clock.now += LIFE

    second = desk.give()
    desk.pairing.expire()

    assert [(entry.act, entry.detail) for entry in desk.office.audited()] == [
        (Act.CODE_GIVEN, first),
        (Act.CODE_EXPIRED, first),
        (Act.CODE_GIVEN, second),
    ]


def test_code_when_it_is_called_off_after_its_time_then_it_has_expired(desk: Desk) -> None:
    given = desk.give()
    desk.clock.now += LIFE

    desk.pairing.withdraw(given, by="bo")

    assert [entry.act for entry in desk.office.audited()] == [Act.CODE_GIVEN, Act.CODE_EXPIRED]


def two_codes_one_of_which_is_over(folder: Path) -> list[tuple[str, Act, str]]:
    """Give out two codes in real time, for keys are replaced by that; return what the audit is to say at the end."""
    with branch(folder) as office:
        desk = Desk(office, office.hub.pairing, office.clock)
        over, still_open = desk.give("Desk 7"), desk.give("Desk 8")
        desk.become(replace(desk.kept(over), made=1, expires=1 + LIFE))
        back_up(office.hub.settings, folder / "backup", passphrase="correct horse battery", by="ada")
    return [("hub", Act.CODE_EXPIRED, over), ("bo", Act.CODE_WITHDRAWN, still_open)]


def ended(folder: Path) -> list[tuple[str, Act, str]]:
    with branch(folder) as office:
        entries = office.audited()
    return [
        (one.who, one.act, one.detail) for one in entries if one.act in (Act.CODE_EXPIRED, Act.CODE_WITHDRAWN)
    ]


def test_code_when_the_escrow_key_is_replaced_after_its_time_then_it_has_expired(tmp_path: Path) -> None:
    expected = two_codes_one_of_which_is_over(tmp_path)

    rotate_escrow(HubSettings(data_dir=str(tmp_path / "hub")), by="bo")

    assert ended(tmp_path) == expected


def test_code_when_a_backup_is_restored_after_its_time_then_it_has_expired(tmp_path: Path) -> None:
    expected = two_codes_one_of_which_is_over(tmp_path)
    settings = HubSettings(data_dir=str(tmp_path / "restored" / "hub"))

    restore(settings, tmp_path / "backup", passphrase="correct horse battery", by="bo")

    assert ended(tmp_path / "restored") == expected


def test_code_when_a_handset_took_it_and_never_joined_then_audited(desk: Desk) -> None:
    given = desk.give()
    desk.become(desk.kept(given).taken_by(WireHandset().id))
    desk.clock.now += LIFE

    desk.pairing.expire()

    assert desk.expired() == [given]


def test_code_when_it_was_joined_spent_or_called_off_then_it_does_not_expire(desk: Desk) -> None:
    joined, spent, called_off = desk.give(), desk.give(), desk.give()
    desk.become(desk.kept(joined).taken_by(WireHandset().id).joined())
    desk.become(desk.kept(spent).tried_wrong().tried_wrong().tried_wrong())
    desk.pairing.withdraw(called_off, by="bo")
    desk.clock.now += LIFE

    desk.pairing.expire()
    desk.give()

    assert desk.expired() == []


def test_code_when_it_expires_while_its_handset_is_refused_then_it_is_not_open_again(desk: Desk) -> None:
    given = desk.give()
    request = WireHandset().request

    class Slow(Enrolment):
        def __init__(self) -> None:
            """Nothing of the real one is asked."""

        def enrol(
            self, request: EnrolmentRequest, *, name: str, collector: str | None = None
        ) -> EnrolmentGrant:
            desk.clock.now += LIFE
            desk.pairing.expire()
            raise EnrolmentRefused("Not this one.")

    answer = pairing_of(desk.office.hub, Slow(), desk.clock).carry_out(Bind(given, request, proven=True))
    desk.pairing.expire()

    assert isinstance(answer, Barred)
    assert (desk.kept(given).state.code, desk.kept(given).sealed) == ("expired", None)
    assert desk.expired() == [given]


def test_codes_when_several_processes_let_them_expire_at_once_then_each_is_audited_once(desk: Desk) -> None:
    given = [desk.give(f"Desk {number}") for number in range(CODES)]

    statuses = at_once(desk.office.hub.settings.data_dir, desk.clock.now + LIFE)

    assert statuses == [0] * PROCESSES
    assert sorted(desk.expired()) == sorted(given)
    desk.office.hub.auditing.verify()


def test_control_code_when_what_expired_is_told_without_being_changed_then_audited_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = desk.give()
    desk.clock.now += LIFE

    def told(offers: SqlOffers, _now: int) -> Sequence[Offer]:
        return offers.unfinished()

    monkeypatch.setattr(SqlOffers, "expire", told)
    desk.pairing.expire()
    desk.pairing.expire()

    assert desk.expired() == [given, given]


def expire(data_dir: str, now: int, barrier: Barrier) -> None:
    """One process's part."""
    with open_hub(HubSettings(data_dir=data_dir)) as hub:
        pairing = pairing_of(hub, hub.enrolment, lambda: now)
        barrier.wait(SECONDS)
        pairing.expire()


def at_once(data_dir: str, now: int) -> list[int | None]:
    """Let several processes expire at the same moment; return how each ended."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    processes = [context.Process(target=expire, args=(data_dir, now, barrier)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(SECONDS)
    return [process.exitcode for process in processes]
