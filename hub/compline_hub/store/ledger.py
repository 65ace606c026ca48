"""Writes what the hub takes in, one transaction at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from compline_hub.core.alarm import AlarmKind
from compline_hub.core.enrolled import Binding, Collector, CollectorId, Handset
from compline_hub.core.record import Link
from compline_hub.store.arrivals import SqlArrivals
from compline_hub.store.audit import SqlAudit
from compline_hub.store.engine import together
from compline_hub.store.offers import SqlOffers
from compline_hub.store.operators import SqlOperators
from compline_hub.store.orders import SqlOrderBook
from compline_hub.store.tables import AlarmRow, BindingRow, CollectorRow, HandsetRow, StandingRow, Tables
from compline_shared.ids import BindingId, HandsetId, VerdictId


class SqlStore:
    """The store port on an engine made with `writing=True`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._together = together(engine)

    @contextmanager
    def transaction(self) -> Iterator[SqlLedger]:
        """Commit durably at the end of the block; roll back on an exception."""
        with Session(self._engine) as session, session.begin():
            ledger = SqlLedger(session)
            yield ledger
            ledger.arrivals.write()

    @contextmanager
    def taking(self, handsets: Collection[HandsetId]) -> Iterator[SqlLedger]:
        """A transaction about some handsets alone; those about others may run at the same time."""
        with Session(self._together) as session, session.begin():
            ledger = SqlLedger(session)
            ledger.lock(handsets)
            yield ledger
            ledger.arrivals.write()


class SqlLedger:
    """The ledger port on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read: list[Tables] = []  # a session alone forgets what nobody holds
        self.offers = SqlOffers(session)
        self.book = SqlOrderBook(session)
        self.audit = SqlAudit(session)
        self.operators = SqlOperators(session)
        self.arrivals = SqlArrivals(session)

    def lock(self, handsets: Collection[HandsetId]) -> None:
        """Lock handsets until the end, always in the same order, and read what is known of each at once."""
        question = select(HandsetRow).where(HandsetRow.id.in_(handsets)).order_by(HandsetRow.id)
        bindings = select(BindingRow).where(BindingRow.handset.in_(handsets))
        standings = select(StandingRow).join(BindingRow, StandingRow.binding == BindingRow.id)
        self._read += self._session.scalars(question.with_for_update())
        self._read += self._session.scalars(bindings)
        self._read += self._session.scalars(standings.where(BindingRow.handset.in_(handsets)))

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
        """Return the binding, or None."""
        row = self._session.get(BindingRow, binding)
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

    def head_at(self, binding: Binding, seq: int) -> bytes | None:
        """Return the chain's head after the verdict at `seq`, None where there is none."""
        return self.arrivals.head_at(binding, seq)

    def keep(self, binding: Binding, links: Sequence[Link], *, received: int) -> None:
        """Keep verdicts, mark what they supersede, and advance the binding."""
        self.arrivals.add(binding, links, received=received)
        row = self._session.get_one(BindingRow, binding.id)
        set_committed_value(row, "up_to", binding.up_to)  # as it will be: `arrivals` writes it
        set_committed_value(row, "head", binding.head)
        self._read.append(row)

    def heard(self, handset: HandsetId, *, at: int) -> None:
        """Note when the handset was heard last."""
        self.arrivals.heard(handset, at=at)

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
