"""Answers what pages ask of the store, one function a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Engine, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from compline_hub.core.alarm import Alarm, AlarmKind
from compline_hub.core.enrolled import Handset
from compline_hub.core.evidence import Evidenced, Holding
from compline_hub.core.orders import Order
from compline_hub.core.record import MAX_PAGE, ONLINE_SECONDS, Kept, Minute, Query, Summary
from compline_hub.core.standing import Standing
from compline_hub.store.ledger import handset_of_row
from compline_hub.store.orders import order_of, standing_of
from compline_hub.store.rows import kept_of
from compline_hub.store.tables import (
    AlarmRow,
    BindingRow,
    CollectorRow,
    CommandRow,
    FindingRow,
    HandsetRow,
    StandingRow,
    VerdictRow,
)
from compline_shared.ids import BindingId, HandsetId, VerdictId
from compline_shared.taxonomy import Abstention, Category, Kind, Severity

MINUTES = 60
"""Minutes of the time line, counted back from now."""
_AT_ONCE = 500


class SqlReading:
    """The reading port on an engine made with `writing=False`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def verdicts(self, query: Query) -> Sequence[Kept]:
        """At most `query.limit` verdicts: oldest first after `query.after`, else newest first."""
        question = select(VerdictRow).where(*_conditions(query)).limit(min(query.limit, MAX_PAGE))
        order = VerdictRow.arrival.desc() if query.after is None else VerdictRow.arrival.asc()
        with Session(self._engine) as session:
            return [kept_of(row) for row in session.scalars(question.order_by(order))]

    def verdict(self, verdict: VerdictId) -> Kept | None:
        """Return one verdict, or None."""
        question = select(VerdictRow).where(
            VerdictRow.handset == verdict.handset,
            VerdictRow.binding == verdict.binding,
            VerdictRow.seq == verdict.seq,
        )
        with Session(self._engine) as session:
            row = session.scalar(question)
            return None if row is None else kept_of(row)

    def last_arrival(self) -> int:
        """Arrival of the newest verdict, 0 = none."""
        with Session(self._engine) as session:
            return session.scalar(select(func.max(VerdictRow.arrival))) or 0

    def summary(self, *, since: int, now: int) -> Summary:
        """Counts over verdicts received since `since` that no later pass superseded."""
        valid = (VerdictRow.received >= since, VerdictRow.superseded_by.is_(None))
        with Session(self._engine) as session:
            kinds = _counts(session, VerdictRow.kind, *valid)
            handsets, heard = session.execute(
                select(func.count(), func.count(case((HandsetRow.heard >= now - ONLINE_SECONDS, 1))))
                .select_from(HandsetRow)
                .where(HandsetRow.removed.is_(None))
            ).one()
            return Summary(
                since=since,
                verdicts=sum(kinds.values()),
                kinds={Kind(number): count for number, count in kinds.items()},
                severities={
                    Severity(number): count
                    for number, count in _finding_counts(session, FindingRow.severity, *valid).items()
                },
                categories={
                    Category(number): count
                    for number, count in _finding_counts(session, FindingRow.category, *valid).items()
                },
                abstentions={
                    Abstention(number): count
                    for number, count in _counts(session, VerdictRow.abstained, *valid).items()
                },
                minutes=_minutes(session, now, *valid),
                handsets=handsets,
                handsets_heard=heard,
                alarms=session.scalar(select(func.count()).select_from(AlarmRow)) or 0,
            )

    def handsets(self) -> Sequence[Handset]:
        """Return all handsets that are enrolled and not removed, oldest first."""
        with Session(self._engine) as session:
            question = (
                select(HandsetRow)
                .where(HandsetRow.removed.is_(None))
                .order_by(HandsetRow.enrolled, HandsetRow.id)
            )
            return [handset_of_row(row) for row in session.scalars(question)]

    def admitted(self) -> Sequence[HandsetId]:
        """Return the ids of all handsets that are enrolled and not removed, sorted."""
        question = select(HandsetRow.id).where(HandsetRow.removed.is_(None)).order_by(HandsetRow.id)
        with self._engine.connect() as connection:
            return [HandsetId(handset) for handset in connection.scalars(question)]

    def orders_due(self, at: int) -> bool:
        """Return whether any order is to be sent by a time."""
        with Session(self._engine) as session:
            return session.scalar(select(CommandRow.number).where(CommandRow.due <= at).limit(1)) is not None

    def orders(self, handset: HandsetId | None, *, limit: int) -> Sequence[Order]:
        """Return the newest orders, those to one handset or all."""
        question = select(CommandRow).order_by(CommandRow.number.desc()).limit(limit)
        if handset is not None:
            question = question.where(CommandRow.handset == handset)
        with Session(self._engine) as session:
            return [order_of(row) for row in session.scalars(question)]

    def standings(self) -> Mapping[HandsetId, Standing]:
        """Return what the hub knows of the newest binding of each handset that has told or was ordered anything."""
        question = (
            select(BindingRow.handset, StandingRow)
            .join(BindingRow, StandingRow.binding == BindingRow.id)
            .order_by(BindingRow.bound, BindingRow.epoch)  # the last one of a handset wins
        )
        with Session(self._engine) as session:
            return {HandsetId(handset): standing_of(row) for handset, row in session.execute(question)}

    def alarms(self) -> Sequence[Alarm]:
        """Return the newest 100 alarms."""
        with Session(self._engine) as session:
            rows = session.scalars(select(AlarmRow).order_by(AlarmRow.last.desc()).limit(100))
            return [_alarm(row) for row in rows]

    def holdings(self) -> Sequence[Holding]:
        """Return all bindings by the names that people use, those of removed handsets too, oldest first."""
        question = (
            select(BindingRow.id, HandsetRow.id, HandsetRow.name, CollectorRow.name)
            .join(HandsetRow, BindingRow.handset == HandsetRow.id)
            .outerjoin(CollectorRow, BindingRow.collector == CollectorRow.id)
            .order_by(BindingRow.bound, BindingRow.id)
        )
        with Session(self._engine) as session:
            rows = session.execute(question).all()
        return [
            Holding(BindingId(binding), HandsetId(handset), name, collector)
            for binding, handset, name, collector in rows
        ]

    def evidenced(self, binding: BindingId) -> Sequence[Evidenced]:
        """Return a binding's verdicts that have evidence, in order of seq."""
        question = (
            select(VerdictRow)
            .where(VerdictRow.binding == binding, VerdictRow.evidence.is_not(None))
            .order_by(VerdictRow.seq)
            .execution_options(yield_per=_AT_ONCE)
        )
        with Session(self._engine) as session:
            return [_evidenced(row) for row in session.scalars(question)]


def _conditions(query: Query) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.after is not None:
        conditions.append(VerdictRow.arrival > query.after)
    if query.before is not None:
        conditions.append(VerdictRow.arrival < query.before)
    if query.severity is not None:
        conditions.append(VerdictRow.severity >= int(query.severity))
    if query.kind is not None:
        conditions.append(VerdictRow.kind == int(query.kind))
    if query.category is not None:
        conditions.append(
            select(FindingRow.verdict)
            .where(FindingRow.verdict == VerdictRow.arrival, FindingRow.category == int(query.category))
            .exists()
        )
    return conditions


def _counts(
    session: Session, column: InstrumentedAttribute[Any], *conditions: ColumnElement[bool]
) -> dict[int, int]:
    question = select(column, func.count()).where(*conditions, column.is_not(None)).group_by(column)
    return {row[0]: row[1] for row in session.execute(question)}


def _finding_counts(
    session: Session, column: InstrumentedAttribute[Any], *conditions: ColumnElement[bool]
) -> dict[int, int]:
    question = select(column, func.count()).join(VerdictRow, FindingRow.verdict == VerdictRow.arrival)
    return {row[0]: row[1] for row in session.execute(question.where(*conditions).group_by(column))}


def _minutes(session: Session, now: int, *conditions: ColumnElement[bool]) -> tuple[Minute, ...]:
    first = now // 60 * 60 - (MINUTES - 1) * 60
    minute = (VerdictRow.received - VerdictRow.received % 60).label("minute")
    grave = func.count(case((VerdictRow.severity >= int(Severity.SERIOUS), 1)))
    question = (
        select(minute, func.count(), grave).where(*conditions, VerdictRow.received >= first).group_by(minute)
    )
    found = {
        start: Minute(start, verdicts, serious) for start, verdicts, serious in session.execute(question)
    }
    return tuple(found.get(start, Minute(start, 0, 0)) for start in range(first, first + MINUTES * 60, 60))


def _evidenced(row: VerdictRow) -> Evidenced:
    return Evidenced(
        seq=row.seq,
        started=row.started,
        kind=Kind(row.kind),
        severity=Severity(row.severity) if row.severity else None,
        categories=tuple(dict.fromkeys(Category(finding.category) for finding in row.findings)),
        superseded=row.superseded_by is not None,
        digest=row.evidence or b"",
    )


def _alarm(row: AlarmRow) -> Alarm:
    return Alarm(
        kind=AlarmKind(row.kind),
        handset=HandsetId(row.handset),
        binding=BindingId(row.binding),
        seq=row.seq,
        first=row.first,
        last=row.last,
        times=row.times,
    )
