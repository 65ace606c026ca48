"""Two transactions at once: what one read stays true until it commits, and neither fails for the other's sake."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from compline_hub.core.alarm import AlarmKind
from compline_hub.core.audit import Act, Entry
from compline_hub.core.enrolled import Collector, CollectorId
from compline_hub.core.record import Link, Query
from compline_hub.ports import Ledger, Store
from compline_hub.store import arrivals, audit
from compline_hub.store.ledger import SqlLedger, SqlStore
from compline_shared.ids import Seq, VerdictId
from tests.branch_store import NOW, Branch, branch
from tests.postgres_server import Database, PostgresServer
from tests.wire_handset import WireHandset, drafts

SECONDS = 1.0
"""For how long one waits for the other to come as far; under a lock it comes only later."""
Change = Callable[[Ledger, WireHandset, Callable[[], None]], None]
Opens = Callable[[Store, WireHandset], AbstractContextManager[Ledger]]


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Branch]:
    with branch(tmp_path, database=database.url) as made:
        yield made


@pytest.fixture
def unlocked(tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Branch]:
    """The control: a hub on PostgreSQL whose transactions lock nothing, as READ COMMITTED alone has it."""
    with branch(tmp_path, database=postgres.database().url) as made:
        monkeypatch.setattr(SqlLedger, "lock", lambda *_: None)
        monkeypatch.setattr(SqlStore, "transaction", lambda store: store.taking(()))
        for module in (arrivals, audit):
            monkeypatch.setattr(module, "hold_tail", lambda _: None)
        yield made


def taking(store: Store, handset: WireHandset) -> AbstractContextManager[Ledger]:
    return store.taking([handset.id])


def whole(store: Store, _handset: WireHandset) -> AbstractContextManager[Ledger]:
    return store.transaction()


def sign(ledger: Ledger, handset: WireHandset, meet: Callable[[], None]) -> None:
    """As an order is signed: under the next counter, which no other command may ever bear."""
    standing = ledger.book.standing(handset.grant.place.binding)
    meet()
    ledger.book.keep_standing(handset.grant.place.binding, replace(standing, signed=standing.signed + 1))


def alarm(ledger: Ledger, handset: WireHandset, meet: Callable[[], None]) -> None:
    ledger.raise_alarm(AlarmKind.FORK, VerdictId(handset.id, handset.grant.place.binding, Seq(4)), at=NOW)
    meet()


def note(ledger: Ledger, handset: WireHandset, meet: Callable[[], None]) -> None:
    ledger.audit.note(Entry(at=NOW, who="ada", act=Act.ALARMED, handset=handset.id))
    meet()


def hire(ledger: Ledger, handset: WireHandset, meet: Callable[[], None]) -> None:
    known = ledger.collector_named("Li Wei")
    meet()
    if known is None:
        ledger.put_collector(Collector(CollectorId(handset.id[::-1]), "Li Wei"), at=NOW)


def race(office: Branch, change: Change, *sides: tuple[Opens, WireHandset]) -> list[BaseException]:
    """Let both sides make a change at the same time; returns what failed."""
    barrier, failed = threading.Barrier(len(sides)), list[BaseException]()

    def meet() -> None:
        with suppress(threading.BrokenBarrierError):
            barrier.wait(SECONDS)

    def run(opens: Opens, handset: WireHandset) -> None:
        try:
            with opens(office.hub.store, handset) as ledger:
                change(ledger, handset, meet)
        except Exception as error:  # noqa: BLE001 (the test looks at it)
            failed.append(error)

    threads = [threading.Thread(target=run, args=side) for side in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def signed(office: Branch, handset: WireHandset) -> int:
    with office.hub.store.transaction() as ledger:
        return ledger.book.standing(handset.grant.place.binding).signed


BOTH = pytest.mark.parametrize(
    ("first", "second"), [(taking, taking), (whole, taking), (whole, whole)], ids=["taking", "mixed", "whole"]
)


@BOTH
def test_counter_when_two_sign_at_once_then_each_has_its_own(
    office: Branch, first: Opens, second: Opens
) -> None:
    handset = office.handset()

    failed = race(office, sign, (first, handset), (second, handset))

    assert (failed, signed(office, handset)) == ([], 2)


@BOTH
def test_alarm_when_two_raise_it_at_once_then_it_is_one_counted_twice(
    office: Branch, first: Opens, second: Opens
) -> None:
    handset = office.handset()

    failed = race(office, alarm, (first, handset), (second, handset))

    assert (failed, [alarm.times for alarm in office.hub.reading.alarms()]) == ([], [2])


@BOTH
def test_audit_when_two_add_to_it_at_once_then_the_chain_is_whole(
    office: Branch, first: Opens, second: Opens
) -> None:
    one, other = office.handset("Desk 7"), office.handset("Desk 8")

    failed = race(office, note, (first, one), (second, other))

    assert (failed, office.hub.auditing.verify().number) == ([], 4)


def test_collector_when_two_bring_one_in_at_once_then_it_is_one_person(office: Branch) -> None:
    one, other = office.handset("Desk 7"), office.handset("Desk 8")

    assert race(office, hire, (whole, one), (whole, other)) == []


def verdict(ledger: Ledger, handset: WireHandset, meet: Callable[[], None]) -> None:
    binding = ledger.binding(handset.grant.place.binding)
    assert binding is not None
    handset.judge(*drafts(1))
    advanced = replace(binding, up_to=1, head=handset.heads[1])
    ledger.keep(advanced, [Link(handset.verdicts[0], handset.heads[1])], received=NOW)
    assert isinstance(ledger, SqlLedger)
    ledger.arrivals.write()
    meet()


def test_arrivals_when_two_handsets_are_taken_at_once_then_each_has_its_own_number(office: Branch) -> None:
    one, other = office.handset("Desk 7"), office.handset("Desk 8")

    failed = race(office, verdict, (taking, one), (taking, other))

    kept = office.hub.reading.verdicts(Query(after=0))
    assert (failed, [it.arrival for it in kept]) == ([], [1, 2])


def test_control_when_nothing_is_locked_then_a_counter_is_given_twice(unlocked: Branch) -> None:
    handset = unlocked.handset()

    failed = race(unlocked, sign, (taking, handset), (taking, handset))

    assert (failed, signed(unlocked, handset)) != ([], 2)


@pytest.mark.parametrize("change", [alarm, hire, note, verdict])
def test_control_when_nothing_is_locked_then_one_fails_for_the_others_sake(
    unlocked: Branch, change: Change
) -> None:
    one, other = unlocked.handset("Desk 7"), unlocked.handset("Desk 8")

    assert race(unlocked, change, (taking, one), (taking, one if change is alarm else other)) != []


def test_taking_when_handsets_are_others_then_nobody_waits(office: Branch, database: Database) -> None:
    """On PostgreSQL: SQLite has one writer at a time."""
    one, other = office.handset("Desk 7"), office.handset("Desk 8")
    met = list[bool]()
    barrier = threading.Barrier(2)

    def read(ledger: Ledger, handset: WireHandset, _meet: Callable[[], None]) -> None:
        assert ledger.binding(handset.grant.place.binding) is not None
        with suppress(threading.BrokenBarrierError):
            barrier.wait(SECONDS)
            met.append(True)

    failed = race(office, read, (taking, one), (taking, other))

    assert (failed, len(met)) == ([], 0 if database.server is None else 2)
