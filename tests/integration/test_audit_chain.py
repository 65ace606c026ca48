"""The audit finds what somebody did to the database behind its back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from compline_hub.core.audit import Act
from compline_hub.core.orders import Reason
from compline_hub.errors import AuditBroken, OrderRefused
from compline_hub.store.engine import open_engine
from tests.branch_store import Branch, branch
from tests.postgres_server import Database
from tests.refusals import not_taken


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Branch]:
    """A branch with a few entries: bound, ordered, done, ordered, seen or done, not taken."""
    with branch(tmp_path, database=database.url) as opened:
        handset = opened.simulated()
        opened.orders.freeze("Desk 7", by="ada")
        opened.meet(handset)
        opened.orders.rebind("Desk 7", by="bo")
        opened.meet(handset)
        with pytest.raises(OrderRefused, match=not_taken(Reason.ALREADY_BOUND)):
            opened.orders.rebind("Desk 7", by="bo")
        yield opened


def tamper(office: Branch, *statements: str) -> None:
    engine = open_engine(office.hub.settings.database_url, writing=True)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_audit_control_when_nobody_touched_it_then_it_holds(office: Branch) -> None:
    assert office.hub.auditing.verify().number == len(office.audited()) >= 5


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        (["UPDATE audit SET who = 'nobody' WHERE number = 2"], 2),
        (["UPDATE audit SET at = at - 3600 WHERE number = 1"], 1),
        (["UPDATE audit SET detail = 'wipe' WHERE number = 3"], 3),
        (["UPDATE audit SET command = NULL WHERE number = 2"], 2),
        (["UPDATE audit SET act = 99 WHERE number = 1"], None),
        (["DELETE FROM audit WHERE number = 3"], 3),
        (["DELETE FROM audit WHERE number = 1"], 1),
        (["DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)"], None),
        (
            [
                "UPDATE audit SET number = -1 WHERE number = 2",
                "UPDATE audit SET number = 2 WHERE number = 3",
                "UPDATE audit SET number = 3 WHERE number = -1",
            ],
            2,
        ),
        (["DELETE FROM audit WHERE number = 2", "UPDATE audit SET number = 2 WHERE number = 3"], 2),
        (["DELETE FROM audit"], 1),
        (["DELETE FROM audit_end"], None),
    ],
    ids=[
        "who",
        "when",
        "detail",
        "command",
        "act",
        "removed",
        "first-removed",
        "last-removed",
        "reordered",
        "closed-up",
        "all-removed",
        "end-removed",
    ],
)
def test_audit_when_an_entry_was_changed_removed_or_moved_then_it_is_found(
    office: Branch, statements: list[str], broken: int | None
) -> None:
    tamper(office, *statements)

    with pytest.raises(AuditBroken, match=f"at entry {broken}" if broken else "is broken at"):
        office.hub.auditing.verify()


def test_order_when_the_transaction_fails_then_neither_it_nor_its_entry_is_kept(
    office: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(office.audited())

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("compline_hub.store.audit.SqlAudit.note", full)
    with pytest.raises(OSError, match="disk full"):
        office.orders.freeze("Desk 7", by="ada")

    assert len(office.audited()) == before
    assert len(office.hub.reading.orders(None, limit=9)) == 2


def test_audit_when_handsets_are_paired_and_removed_then_each_act_is_there_and_no_name(
    tmp_path: Path,
) -> None:
    with branch(tmp_path) as office:
        pairing = office.hub.pairing
        called_off = pairing.offer(handset_name="Desk 7", collector_name="Li Wei", by="ada").offer
        pairing.withdraw(called_off, by="bo")
        pairing.withdraw(called_off, by="bo")  # it is over already
        handset = office.simulated()
        again = office.hub.enrolment.enrol(handset.request, name="Desk 7", collector=handset.id)
        office.hub.enrolment.remove(handset.id, by="ada")
        office.hub.enrolment.remove(handset.id, by="ada")
        entries = office.audited()

    assert [(entry.who, entry.act) for entry in entries] == [
        ("ada", Act.CODE_GIVEN),
        ("bo", Act.CODE_WITHDRAWN),
        ("handset", Act.BOUND),
        ("ada", Act.REMOVED),
    ]
    assert [entry.detail for entry in entries[:2]] == [called_off] * 2
    assert (entries[2].handset, entries[2].binding) == (handset.id, again.place.binding)
    assert not any("Desk" in entry.detail or "Li" in entry.detail for entry in entries)
