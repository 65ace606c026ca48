"""Keeps who may approve."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from compline_hub.core.operators import OperatorRecord
from compline_hub.store.tables import OperatorRow


class SqlOperators:
    """The operators port on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> Sequence[OperatorRecord]:
        """Return everybody, removed ones too, in the order in which they were added."""
        rows = self._session.scalars(select(OperatorRow).order_by(OperatorRow.added, OperatorRow.id))
        return [
            OperatorRecord(id=row.id, name=row.name, key=row.key, added=row.added, removed=row.removed)
            for row in rows
        ]

    def keep(self, operator: OperatorRecord) -> None:
        """Keep a new operator, or what changed of a known one."""
        self._session.merge(
            OperatorRow(
                id=operator.id,
                name=operator.name,
                key=operator.key,
                added=operator.added,
                removed=operator.removed,
            )
        )
        self._session.flush()
