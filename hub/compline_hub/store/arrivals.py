"""Adds what handsets sent to the store, that of a whole transaction at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Connection, Table, bindparam, func, select
from sqlalchemy.orm import Session

from compline_hub.core.enrolled import Binding
from compline_hub.core.record import Link
from compline_hub.store.engine import hold_tail
from compline_hub.store.many import Row, insert_many, update_many
from compline_hub.store.rows import finding_values_of, values_of
from compline_hub.store.tables import BindingRow, FindingRow, HandsetRow, VerdictRow
from compline_shared.ids import BindingId, HandsetId

_VERDICT, _FINDING = cast(Table, VerdictRow.__table__), cast(Table, FindingRow.__table__)
_BINDING, _HANDSET = cast(Table, BindingRow.__table__), cast(Table, HandsetRow.__table__)
_SUPERSEDED = (
    _VERDICT.update()
    .where(
        _VERDICT.c.handset == bindparam("whose"),
        _VERDICT.c.binding == bindparam("which"),
        _VERDICT.c.seq == bindparam("earlier"),
    )
    .values(superseded_by=bindparam("by"))
)
_SUPERSEDED_BEFORE = (
    _VERDICT.update()
    .where(_VERDICT.c.binding == bindparam("which"), _VERDICT.c.superseded_by == bindparam("earlier"))
    .values(superseded_by=bindparam("by"))
)


class SqlArrivals:
    """What arrived in one transaction, kept in memory until `write`: then a few statements add all of it.

    Row by row through the ORM, a batch of three verdicts cost a millisecond a verdict.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._verdicts: list[tuple[Binding, Link, int]] = []
        self._heads: dict[tuple[BindingId, int], bytes] = {}
        self._ends: dict[BindingId, Binding] = {}
        self._heard: dict[HandsetId, int] = {}

    def add(self, binding: Binding, links: Sequence[Link], *, received: int) -> None:
        """Keep verdicts, which end where the binding now does."""
        self._verdicts += [(binding, link, received) for link in links]
        self._heads.update(((binding.id, link.verdict.seq), link.head) for link in links)
        self._ends[binding.id] = binding

    def heard(self, handset: HandsetId, *, at: int) -> None:
        """Note when a handset was heard last."""
        self._heard[handset] = at

    def head_at(self, binding: Binding, seq: int) -> bytes | None:
        """Return the chain's head after the verdict at `seq`, None where there is none."""
        waiting = self._heads.get((binding.id, seq))
        if waiting is not None:
            return waiting
        question = select(VerdictRow.head).where(
            VerdictRow.handset == binding.handset, VerdictRow.binding == binding.id, VerdictRow.seq == seq
        )
        return self._session.scalar(question)

    def write(self) -> None:
        """Write what waits, in its order: a reader that saw one arrival has seen every earlier one."""
        connection = self._session.connection()
        update_many(connection, _HANDSET, [{"id": it, "heard": at} for it, at in self._heard.items()])
        if self._verdicts:
            hold_tail(self._session)
            self._write_verdicts(
                connection, (connection.scalar(select(func.max(_VERDICT.c.arrival))) or 0) + 1
            )
            ends = [{"id": end.id, "up_to": end.up_to, "head": end.head} for end in self._ends.values()]
            update_many(connection, _BINDING, ends)
        self._verdicts, self._heads, self._ends, self._heard = [], {}, {}, {}

    def _write_verdicts(self, connection: Connection, first: int) -> None:
        verdicts, findings, superseding = list[Row](), list[Row](), list[Row]()
        for arrival, (binding, link, received) in enumerate(self._verdicts, first):
            verdict = link.verdict
            values = values_of(
                verdict, handset=binding.handset, binding=binding.id, head=link.head, received=received
            )
            verdicts.append({"arrival": arrival, **values})
            findings += finding_values_of(verdict, arrival=arrival)
            if verdict.supersedes:
                superseding.append(
                    {
                        "whose": binding.handset,
                        "which": binding.id,
                        "earlier": verdict.supersedes,
                        "by": verdict.seq,
                    }
                )
        insert_many(connection, _VERDICT, verdicts)
        insert_many(connection, _FINDING, findings)
        if superseding:
            connection.execute(_SUPERSEDED, superseding)
            connection.execute(_SUPERSEDED_BEFORE, superseding)
