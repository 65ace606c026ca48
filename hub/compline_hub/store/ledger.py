"""Writes what the hub takes in, one transaction at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine, Select, select, update
from sqlalchemy.orm import Session

from compline_hub.core.alarm import AlarmKind
from compline_hub.core.enrolled import Binding, Collector, CollectorId, Handset
from compline_hub.core.record import Link
from compline_hub.store.audit import SqlAudit
from compline_hub.store.offers import SqlOffers
from compline_hub.store.operators import SqlOperators
from compline_hub.store.orders import SqlOrderBook
from compline_hub.store.rows import row_of
from compline_hub.store.tables import AlarmRow, BindingRow, CollectorRow, HandsetRow, VerdictRow
from compline_shared.ids import BindingId, HandsetId, VerdictId


class SqlStore:
    """The store port on an engine made with `writing=True`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def transaction(self) -> Iterator[SqlLedger]:
        """Commit durably at the end of the block; roll back on an exception."""
        with Session(self._engine) as session, session.begin():
            yield SqlLedger(session)


class SqlLedger:
    """The ledger port on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.offers = SqlOffers(session)
        self.book = SqlOrderBook(session)
        self.audit = SqlAudit(session)
        self.operators = SqlOperators(session)

    def handset(self, handset: HandsetId) -> Handset | None:
        """Return the enrolled handset, or None."""
        row = self._session.get(HandsetRow, handset)
        return None if row is None else handset_of_row(row)

    def handsets(self) -> Sequence[Handset]:
        """Return all enrolled handsets by id."""
        return [
            handset_of_row(row) for row in self._session.scalars(select(HandsetRow).order_by(HandsetRow.id))
        ]

    def binding(self, binding: BindingId) -> Binding | None:
        """Return the binding, or None; its row is locked until the end, where the database has row locks."""
        row = self._session.get(BindingRow, binding, with_for_update=True)
        return None if row is None else _binding(row)

    def binding_of(self, handset: HandsetId) -> Binding | None:
        """Return the newest binding of a handset, or None."""
        row = self._session.scalar(_newest_first(handset).limit(1))
        return None if row is None else _binding(row)

    def bindings_of(self, handset: HandsetId) -> Sequence[Binding]:
        """Return all bindings of a handset, newest first."""
        return [_binding(row) for row in self._session.scalars(_newest_first(handset))]

    def put_handset(self, handset: Handset) -> None:
        """Keep a handset, new or changed."""
        self._session.merge(
            HandsetRow(
                id=handset.id,
                name=handset.name,
                signing_key=handset.signing_key,
                tls_key=handset.tls_key,
                enrolled=handset.enrolled,
                heard=handset.heard,
                removed=handset.removed,
                certified_by=handset.certified_by,
            )
        )
        self._session.flush()

    def bind(self, binding: Binding) -> None:
        """Keep a new binding of a handset that is kept."""
        self._session.add(
            BindingRow(
                id=binding.id,
                handset=binding.handset,
                epoch=binding.epoch,
                up_to=binding.up_to,
                head=binding.head,
                escrow=binding.escrow,
                collector=binding.collector,
                bound=binding.bound,
            )
        )
        self._session.flush()

    def collector_named(self, name: str) -> Collector | None:
        """Return the collector of this name, or None."""
        row = self._session.scalar(select(CollectorRow).where(CollectorRow.name == name))
        return None if row is None else Collector(CollectorId(row.id), row.name)

    def collector(self, collector: CollectorId) -> Collector | None:
        """Return the collector, or None."""
        row = self._session.get(CollectorRow, collector)
        return None if row is None else Collector(CollectorId(row.id), row.name)

    def put_collector(self, collector: Collector, *, at: int) -> None:
        """Keep a new collector."""
        self._session.add(CollectorRow(id=collector.id, name=collector.name, made=at))
        self._session.flush()

    def holder(self, collector: CollectorId) -> Handset | None:
        """Return the handset, not removed, whose newest binding is this collector's and not released, or None."""
        question = select(BindingRow).where(BindingRow.collector == collector)
        for row in self._session.scalars(question.order_by(BindingRow.bound.desc())):
            handset = self.handset(HandsetId(row.handset))
            newest = self.binding_of(HandsetId(row.handset))
            if handset is None or handset.removed is not None or newest is None or newest.id != row.id:
                continue
            if not self.book.standing(newest.id).released:
                return handset
        return None

    def bindings(self) -> Sequence[Binding]:
        """Return all bindings by id."""
        rows = self._session.scalars(select(BindingRow).order_by(BindingRow.id))
        return [_binding(row) for row in rows]

    def keep_binding(self, binding: Binding) -> None:
        """Set a binding's epoch and what is kept of its secrets."""
        row = self._session.get_one(BindingRow, binding.id)
        row.epoch, row.escrow, row.next_escrow = binding.epoch, binding.escrow, binding.next_escrow
        self._session.flush()

    def head_at(self, binding: BindingId, seq: int) -> bytes | None:
        """Return the chain's head after the verdict at `seq`, None where there is none."""
        question = select(VerdictRow.head).where(VerdictRow.binding == binding, VerdictRow.seq == seq)
        return self._session.scalar(question)

    def keep(self, binding: Binding, links: Sequence[Link], *, received: int) -> None:
        """Keep verdicts, mark what they supersede, and advance the binding."""
        self._session.add_all(
            row_of(
                link.verdict, handset=binding.handset, binding=binding.id, head=link.head, received=received
            )
            for link in links
        )
        self._session.flush()  # one insert of many rows; their arrival follows their order here
        for link in links:
            if link.verdict.supersedes:
                self._supersede(binding.id, earlier=link.verdict.supersedes, by=link.verdict.seq)
        bound = self._session.get_one(BindingRow, binding.id)
        bound.up_to, bound.head = binding.up_to, binding.head
        self._session.flush()

    def heard(self, handset: HandsetId, *, at: int) -> None:
        """Note when the handset was heard last."""
        self._session.get_one(HandsetRow, handset).heard = at

    def raise_alarm(self, kind: AlarmKind, verdict: VerdictId, *, at: int) -> bool:
        """Raise an alarm, or count it once more; return whether it is new."""
        row = self._session.get(AlarmRow, (int(kind), verdict.handset, verdict.binding))
        if row is not None:
            row.seq, row.last, row.times = verdict.seq, at, row.times + 1
            return False
        self._session.add(
            AlarmRow(
                kind=int(kind),
                handset=verdict.handset,
                binding=verdict.binding,
                seq=verdict.seq,
                first=at,
                last=at,
                times=1,
            )
        )
        self._session.flush()
        return True

    def _supersede(self, binding: BindingId, *, earlier: int, by: int) -> None:
        """Mark `earlier` and whatever it had superseded itself."""
        self._session.execute(
            update(VerdictRow)
            .where(
                VerdictRow.binding == binding,
                (VerdictRow.seq == earlier) | (VerdictRow.superseded_by == earlier),
            )
            .values(superseded_by=by)
        )


def _newest_first(handset: HandsetId) -> Select[BindingRow]:
    mine = select(BindingRow).where(BindingRow.handset == handset)
    return mine.order_by(BindingRow.bound.desc(), BindingRow.epoch.desc())


def handset_of_row(row: HandsetRow) -> Handset:
    """Return what a handset row means."""
    return Handset(
        id=HandsetId(row.id),
        name=row.name,
        signing_key=row.signing_key,
        enrolled=row.enrolled,
        heard=row.heard,
        tls_key=row.tls_key,
        removed=row.removed,
        certified_by=row.certified_by,
    )


def _binding(row: BindingRow) -> Binding:
    return Binding(
        id=BindingId(row.id),
        handset=HandsetId(row.handset),
        epoch=row.epoch,
        up_to=row.up_to,
        head=row.head,
        escrow=row.escrow,
        collector=None if row.collector is None else CollectorId(row.collector),
        bound=row.bound,
        next_escrow=row.next_escrow,
    )
