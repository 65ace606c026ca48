"""Writes the audit chain, and reads it back to be checked."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from compline_hub.core.audit import Act, Chained, End, Entry, chained
from compline_hub.store.engine import hold_tail
from compline_hub.store.tables import AuditEndRow, AuditRow
from compline_shared.ids import BindingId, HandsetId

_ONE = 1
_AT_ONCE = 500


class SqlAudit:
    """The audit port on one session; entries are added and never changed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def note(self, entry: Entry) -> None:
        """Add an entry to the chain."""
        hold_tail(self._session)
        row = self._session.get(AuditEndRow, _ONE, populate_existing=True)
        if row is None:
            row = AuditEndRow(one=_ONE, number=End().number, head=End().head)
            self._session.add(row)
        added = chained(End(row.number, row.head), entry)
        self._session.add(_row(added))
        row.number, row.head = added.number, added.head
        self._session.flush()

    def end(self) -> End:
        """Return where the chain ends by its own record."""
        row = self._session.get(AuditEndRow, _ONE)
        return End() if row is None else End(row.number, row.head)

    def entries(self, *, after: int = 0) -> Iterator[Chained]:
        """Yield all entries after a number, in order; whoever stops early leaves nothing open."""
        question = select(AuditRow).order_by(AuditRow.number).limit(_AT_ONCE)
        while rows := self._session.scalars(question.where(AuditRow.number > after)).all():
            yield from map(_chained, rows)
            after = rows[-1].number


def _row(added: Chained) -> AuditRow:
    entry = added.entry
    return AuditRow(
        number=added.number,
        at=entry.at,
        who=entry.who,
        act=int(entry.act),
        detail=entry.detail,
        handset=entry.handset,
        binding=entry.binding,
        command=entry.command,
        head=added.head,
    )


def _chained(row: AuditRow) -> Chained:
    entry = Entry(
        at=row.at,
        who=row.who,
        act=Act(row.act),
        detail=row.detail,
        handset=None if row.handset is None else HandsetId(row.handset),
        binding=None if row.binding is None else BindingId(row.binding),
        command=row.command,
    )
    return Chained(row.number, entry, row.head)
