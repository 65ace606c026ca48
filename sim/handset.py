"""A handset: the courier's own core over an outbox in memory that keeps what the real one keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from compline_shared.batch import Receipt
from compline_shared.chain import Chain
from compline_shared.courier import (
    Alarm,
    Answered,
    Connect,
    Connected,
    Connecting,
    Courier,
    Event,
    Looked,
    Lost,
    Offline,
    Online,
    SealedEntry,
    Send,
    SettleUpTo,
    Step,
    Wait,
    react,
)
from compline_shared.delivery import Arrived, settle
from compline_shared.ids import BindingId
from compline_shared.masking import BranchKey
from sim.hub import Hub
from sim.network import Link, Weather
from sim.world import DAY, World

KEEP_SETTLED = 7 * DAY
"""As `compline_edge.vault.outbox` does."""
VIEW = 200
UNHEARD = 20.0
"""As `compline_edge.warden` waits for an answer."""
ENTRY_BYTES = 102
"""Measured of real entries by `make bench`."""
React: TypeAlias = Callable[[Courier, Event, float], Step]


class Outbox:
    """What `compline_edge.vault.outbox.Outbox` keeps of delivery, durable over a kill; entries in seq order."""

    def __init__(self, genesis: bytes, *, keep_settled: float = KEEP_SETTLED) -> None:
        self._genesis = genesis
        self._keep = keep_settled
        self._entries: list[SealedEntry] = []
        self._settled_at: list[float | None] = []
        self._pruned = 0
        self.settled = 0

    @property
    def last_seq(self) -> int:
        """Seq of the newest entry ever put in."""
        return self._pruned + len(self._entries)

    def put(self, entry: SealedEntry) -> None:
        """Keep an entry under the next seq."""
        self._entries.append(entry)
        self._settled_at.append(None)

    def due(self, *, after: int, limit: int) -> Sequence[SealedEntry]:
        """Return entries above a seq, settled ones too."""
        start = max(0, after - self._pruned)
        return self._entries[start : start + limit]

    def head_at(self, seq: int) -> bytes | None:
        """Return the chain's head at a seq; None where it is not known (any more)."""
        if seq == 0:
            return self._genesis
        at = seq - self._pruned - 1
        return self._entries[at].head if 0 <= at < len(self._entries) else None

    def settle(self, up_to: int, *, now: float) -> None:
        """Take the hub's word, forward or back, and prune what settled long ago."""
        forward = up_to > self.settled
        first, last = (self.settled, up_to) if forward else (up_to, self.settled)
        for seq in range(max(first, self._pruned), min(last, self.last_seq)):
            at = seq - self._pruned
            if not forward or self._settled_at[at] is None:
                self._settled_at[at] = now if forward else None
        self.settled = up_to
        old = 0
        for at, settled in enumerate(self._settled_at):
            if settled is None or settled >= now - self._keep or self._pruned + at + 1 >= up_to:
                break
            old = at + 1
        del self._entries[:old], self._settled_at[:old]
        self._pruned += old


class Handset:
    """One collector's phone."""

    def __init__(
        self,
        world: World,
        number: int,
        hub: Hub,
        weather: Weather,
        *,
        react: React = react,
        keep_settled: float = KEEP_SETTLED,
    ) -> None:
        self.number = number
        self._world = world
        self._hub = hub
        self._react = react
        self.chain = Chain(BranchKey(bytes(32)), BindingId(f"{number:016x}"))
        self.link = Link(world, weather, broke=self._lost)
        self.outbox = Outbox(self.chain.genesis, keep_settled=keep_settled)
        self.disputed = False
        self._courier = Courier(settled=0)
        self._runs = True
        self._look_at: float | None = None
        self._greeting: object | None = None
        hub.know(self)

    def judge(self) -> None:
        """Make the next verdict; now and then an urgent one."""
        seq = self.outbox.last_seq + 1
        head = self.outbox.head_at(seq - 1)
        assert head is not None
        self.outbox.put(
            SealedEntry(
                seq=seq,
                epoch=1,
                enc=(seq // 256).to_bytes(32, "big"),
                header=b"",
                ciphertext=bytes(ENTRY_BYTES),
                head=self.chain.link(head, self.body(seq)),
                urgent=self._world.chance.random() < 0.05,
                added=self._world.wall,
            )
        )
        if isinstance(self._courier.link, Online):
            self._look()

    def body(self, seq: int) -> bytes:
        """What the verdict of a seq says."""
        return b"%d %d" % (self.number, seq)

    def kill(self, *, away: float) -> None:
        """End the agent at once, and start it after ``away`` s: only the outbox is left."""
        if not self._runs:
            return
        self._runs = False
        self.link.break_off()
        self._world.note("kill", self.number)
        self._world.after(away, self.start)

    def start(self) -> None:
        """Begin with what the outbox says."""
        self._runs = True
        self._courier = Courier(settled=self.outbox.settled)
        self._look_at = None
        self._look()

    def hear(self, receipt: Receipt) -> None:
        """Take a receipt."""
        if self._runs:
            head = self.outbox.head_at(receipt.up_to)
            self._tell(Answered(settle(receipt, head_at=head)))
            self._look()

    def greeted(self) -> None:
        """The hub has heard how this handset stands."""
        self._greeting = None

    def hub_went(self) -> None:
        """The hub or its broker ended: the connection breaks."""
        self.link.break_off()

    def _lost(self) -> None:
        if self._runs and isinstance(self._courier.link, Online | Connecting):
            self._tell(Lost(self._jitter()))
            self._look()

    def _look(self) -> None:
        online = isinstance(self._courier.link, Online)
        due = self.outbox.due(after=self._courier.sent, limit=VIEW) if online else ()
        self._tell(Looked(due, self._world.wall))

    def _tell(self, event: Event) -> None:
        self._courier, commands = self._react(self._courier, event, self._world.now)
        for command in commands:
            match command:
                case Connect():
                    self._connect()
                case Send(entries=entries):
                    self._send(entries)
                case SettleUpTo(up_to=up_to):
                    self.outbox.settle(up_to, now=self._world.wall)
                case Alarm():
                    self.disputed = True
                    self._world.note("disputed", self.number)
                case Wait(until=until):
                    self._wait(until)

    def _wait(self, until: float | None) -> None:
        self._look_at = until
        if until is None:
            return

        def look() -> None:
            if self._runs and self._look_at == until:
                self._look()

        self._world.after(max(0.0, until - self._world.now), look)

    def _connect(self) -> None:
        courier = self._courier

        def answered() -> None:
            if not self._runs or self._courier is not courier or isinstance(courier.link, Offline):
                return
            there = self.link.is_up and self._hub.is_up
            self._tell(Connected() if there else Lost(self._jitter()))
            if there:
                self._greet(UNHEARD)
            self._look()

        self._world.after(self._world.chance.uniform(0.2, 3.0), answered)

    def _greet(self, patience: float) -> None:
        """Report, as a new connection begins with; again while nothing answers, each time after twice as long."""
        self._greeting = greeting = object()

        def again() -> None:
            if self._greeting is greeting and isinstance(self._courier.link, Online):
                self._greet(2 * patience)

        last, owed = self.outbox.last_seq, self.outbox.last_seq - self.outbox.settled
        self.link.carry(lambda: self._hub.greet(self.number, last_seq=last, owed=owed))
        self._world.after(patience, again)

    def _send(self, entries: Sequence[SealedEntry]) -> None:
        first, last = entries[0], entries[-1]
        bodies = [self.body(entry.seq) for entry in entries]
        batch = Arrived(first.seq, bodies, last.head)
        self._world.note("send", self.number, first.seq, last.seq)
        self.link.carry(lambda: self._hub.hear(self.number, batch))

    def _jitter(self) -> float:
        return self._world.chance.uniform(0.5, 1.5)
