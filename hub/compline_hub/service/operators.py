"""Adds and removes those who may approve, and tells every handset in the same breath."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from compline_hub.core.audit import MAX_WHO, Act, Entry
from compline_hub.core.operators import OperatorRecord, operator_id
from compline_hub.core.orders import Reason
from compline_hub.core.sentences import english
from compline_hub.errors import OperatorRefused, OrderRefused
from compline_hub.ports import Ledger, Store
from compline_hub.service.orders import Given, order_policy, present_roster
from compline_shared.commands import MAX_OPERATORS


@dataclass(frozen=True, slots=True)
class RosterChanged:
    """Whom it was about, and the policy orders that tell the handsets."""

    operator: OperatorRecord
    given: Sequence[Given]


class OperatorRoll:
    """The use case, wired."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def all(self) -> Sequence[OperatorRecord]:
        """Return everybody, removed ones too."""
        with self._store.transaction() as ledger:
            return ledger.operators.all()

    def add(self, name: str, key: bytes, *, by: str) -> RosterChanged:
        """Let the holder of a key approve from now on; raises OperatorRefused or OrderRefused."""
        now = int(self._clock())
        operator = OperatorRecord(id=operator_id(key), name=name, key=key, added=now)
        with self._all_or_nothing(by=by, now=now) as ledger:
            present = present_roster(ledger)
            if operator.operator in present:
                raise OperatorRefused("This key is an operator's already; see `compline-hub operator list`.")
            if len(present) >= MAX_OPERATORS:
                raise OperatorRefused(f"There are {MAX_OPERATORS} operators already; remove one first.")
            return self._changed(ledger, operator, Act.OPERATOR_ADDED, by=by, now=now)

    def remove(self, name: str, *, by: str) -> RosterChanged:
        """Let an operator, by name or id, approve no more; raises OperatorRefused or OrderRefused."""
        now = int(self._clock())
        with self._all_or_nothing(by=by, now=now) as ledger:
            found = [
                record
                for record in ledger.operators.all()
                if record.removed is None and name in (record.name, record.id.hex())
            ]
            if len(found) != 1:
                raise OperatorRefused(
                    f"{len(found)} operators go by that name; give the id that `compline-hub operator list` shows."
                )
            gone = replace(found[0], removed=now)
            return self._changed(ledger, gone, Act.OPERATOR_REMOVED, by=by, now=now)

    @contextmanager
    def _all_or_nothing(self, *, by: str, now: int) -> Iterator[Ledger]:
        """A transaction that goes back when a handset may not take it; that it was refused is noted all the same."""
        try:
            with self._store.transaction() as ledger:
                yield ledger
        except OrderRefused as refused:
            with self._store.transaction() as ledger:
                ledger.audit.note(Entry(at=now, who=by[:MAX_WHO], act=Act.NOT_TAKEN, detail=refused.code))
            raise

    def _changed(
        self, ledger: Ledger, operator: OperatorRecord, act: Act, *, by: str, now: int
    ) -> RosterChanged:
        ledger.operators.keep(operator)
        ledger.audit.note(Entry(at=now, who=by[:MAX_WHO], act=act, detail=operator.id.hex()))
        given = order_policy(ledger, None, by=by, now=now)
        if isinstance(given, Reason):
            raise OrderRefused(english(given), code=given.code)
        return RosterChanged(operator, given)
