"""What the real outbox keeps, but in memory, and durable over a kill; the same core decides what is kept how long."""

from __future__ import annotations

from collections.abc import Sequence

from compline_shared.courier import SealedEntry
from compline_shared.outbox import KEEP_SETTLED, Progress, put, settle


class Outbox:
    """Entries in seq order."""

    def __init__(self, genesis: bytes, *, keep_settled: float = KEEP_SETTLED) -> None:
        """``keep_settled`` is in s; a control makes it too short."""
        self._genesis = genesis
        self._keep = keep_settled
        self._entries: list[SealedEntry] = []
        self.progress = Progress()

    @property
    def last_seq(self) -> int:
        """Seq of the newest entry ever put in."""
        return self.progress.last

    @property
    def settled(self) -> int:
        """Seq up to which the hub's receipts go."""
        return self.progress.settled

    def put(self, entry: SealedEntry) -> None:
        """Keep an entry under the next seq."""
        self.progress = put(self.progress, entry.seq)
        self._entries.append(entry)

    def due(self, *, after: int, limit: int) -> Sequence[SealedEntry]:
        """Return entries above a seq, settled ones too."""
        start = max(0, after - self.progress.pruned)
        return self._entries[start : start + limit]

    def head_at(self, seq: int) -> bytes | None:
        """Return the chain's head at a seq; None where it is not known (any more)."""
        if seq == 0:
            return None if self.progress.pruned else self._genesis
        at = seq - self.progress.pruned - 1
        return self._entries[at].head if 0 <= at < len(self._entries) else None

    def settle(self, up_to: int, *, now: float) -> None:
        """Take the hub's word, forward or back, and prune what settled long ago."""
        before = self.progress.pruned
        self.progress = settle(self.progress, up_to, now=now, keep=self._keep)
        if self.progress.pruned > before:
            del self._entries[: self.progress.pruned - before]
