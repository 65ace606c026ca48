"""Checks the audit chain and reads it for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compline_hub.core.audit import Chained, End, first_break
from compline_hub.errors import AuditBroken
from compline_hub.ports import Store


@dataclass(frozen=True, slots=True)
class Auditing:
    """The use case, wired."""

    store: Store

    def verify(self) -> End:
        """Return where the chain ends, if every entry is as it was written.

        Raises:
            AuditBroken: names the first entry that was changed, removed or moved.
        """
        with self.store.transaction() as ledger:
            end = ledger.audit.end()
            try:
                broken = first_break(ledger.audit.entries(), end)
            except ValueError as error:  # a kind of entry that there is not
                raise _broken("an entry") from error
        if broken is not None:
            raise _broken(f"entry {broken}")
        return end

    def newest(self, limit: int) -> Sequence[Chained]:
        """Return the newest entries, oldest first."""
        with self.store.transaction() as ledger:
            return list(ledger.audit.entries(after=ledger.audit.end().number - limit))


def _broken(where: str) -> AuditBroken:
    return AuditBroken(
        f"The audit is broken at {where}: it, or one after it, was changed, removed or moved. Keep the database as it"
        " is and compare it with a backup."
    )
