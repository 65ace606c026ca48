"""Delivery: batches in order, receipts believed only where they fit the own chain, go-back-N."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.stranger.frames import sign
from tests.stranger.memory import Entry, Memory

TAKEN, GAP, FORK = 1, 2, 3
BATCH_BYTES = 8 * 1024
BATCH_ENTRIES = 100
UNANSWERED = 16 * 1024
LONGEST = 120.0


@dataclass(frozen=True)
class Pace:
    """Times of the page, in seconds; a test may be in a hurry."""

    linger: float = 5.0
    patience: float = 20.0
    same_gap: float = 20.0
    attempt: float = 1.0


@dataclass
class Courier:
    """What was sent, what was answered, and what goes out next."""

    memory: Memory
    identity: Ed25519PrivateKey
    send: Callable[[bytes], None]
    pace: Pace = field(default_factory=Pace)
    _cursor: int = 0
    _under_way: list[tuple[int, int]] = field(default_factory=list)
    _deadline: float = 0.0
    _patience: float = 0.0
    _gap: tuple[int, float] | None = None

    @property
    def stopped(self) -> bool:
        """Whether a receipt showed another past than the own: a person has to look."""
        return bool(self.memory.get("stopped", otherwise=False))

    @property
    def owed(self) -> int:
        return self.memory.newest - self.memory.settled

    def begin_again(self) -> None:
        """From the entry after the last receipt."""
        self._cursor = self.memory.settled + 1
        self._under_way.clear()

    def connected(self) -> None:
        self._patience = self.pace.patience
        self._gap = None
        self.begin_again()

    def pump(self, now: float, wall: float) -> None:
        """Send what is due."""
        if self.stopped:
            return
        if self._under_way and now >= self._deadline:
            self._patience = min(2 * self._patience, LONGEST)
            self.begin_again()
        hurry = self.memory.urgent_after(self._cursor)
        while due := self._due(wall, hurry):
            frame = self._batch(due)
            if self._under_way and sum(size for _, size in self._under_way) + len(frame) > UNANSWERED:
                return
            self.send(frame)
            self._deadline = now + self._patience
            self._under_way.append((due[-1].seq, len(frame)))
            self._cursor = due[-1].seq + 1

    def _due(self, wall: float, hurry: bool) -> list[Entry]:
        due: list[Entry] = []
        size = 0
        for entry in self.memory.entries(self._cursor, BATCH_ENTRIES):
            if due and size + len(entry.sealed) > BATCH_BYTES:
                return due
            due.append(entry)
            size += len(entry.sealed) + 3
        if not due:
            return due
        full = len(due) == BATCH_ENTRIES
        late = not 0 <= wall - due[0].made < self.pace.linger
        again = due[0].seq <= self.memory.get("sent", 0)
        return due if full or hurry or late or again or self.memory.segment(due[0].segment).ended else []

    def _batch(self, entries: list[Entry]) -> bytes:
        segment = self.memory.segment(entries[0].segment)
        self.memory.put(sent=max(self.memory.get("sent", 0), entries[-1].seq))
        handset, binding = self.memory.get("handset"), self.memory.get("binding")
        payload = [handset, binding, segment.epoch, segment.enc, segment.header, entries[0].seq]
        return sign(self.identity, "up", [*payload, [each.sealed for each in entries], entries[-1].head])

    def receipt(self, payload: list[Any], now: float) -> None:
        """Settle on a receipt that fits, and on nothing else."""
        _, binding, up_to, head, outcome = payload
        if binding != self.memory.get("binding") or outcome not in (TAKEN, GAP, FORK):
            return
        own = self.memory.get("genesis") if up_to == 0 else self.memory.head(up_to)
        if outcome == FORK or own is None or own != head:
            self.memory.put(stopped=True)
            return
        if outcome == GAP:
            self._missing(up_to, now)
        elif up_to > self.memory.settled:
            self.memory.put(settled=up_to)
            self._gap = None
            self._patience = self.pace.patience
            self._deadline = now + self._patience
            self._under_way = [each for each in self._under_way if each[0] > up_to]
            self._cursor = max(self._cursor, up_to + 1)

    def _missing(self, up_to: int, now: float) -> None:
        if self._gap and self._gap[0] == up_to and now - self._gap[1] < self.pace.same_gap:
            return
        self.memory.put(settled=up_to)
        self._gap = (up_to, now)
        self._patience = self.pace.patience
        self.begin_again()
