"""A handset: the courier's own core over an outbox in memory that keeps what the real one keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from compline_shared.batch import Receipt
from compline_shared.courier import (
    Alarm,
    Answered,
    Conditioned,
    Connect,
    Connected,
    Connecting,
    Courier,
    Event,
    Looked,
    Lost,
    Offline,
    Online,
    Pace,
    SealedEntry,
    Send,
    SettleUpTo,
    Step,
    Wait,
    react,
)
from compline_shared.delivery import Arrived, settle
from compline_shared.outbox import KEEP_SETTLED
from sim.chain import QuickChain
from sim.hub import Hub
from sim.network import Link, Weather
from sim.outbox import Outbox
from sim.world import DAY, World

VIEW = 200
UNHEARD = 20.0
"""As `compline_edge.warden` waits for an answer."""
ENTRY = bytes(102)
"""As long as `make bench` finds real entries."""
URGENT = 0.05
"""Share of the verdicts."""
CALL = (1, 2, 3, 4)
"""Verdicts that a call comes to: live ones and the full one, and those of its chat."""
ENCS = (bytes(32), bytes([1]) * 32)
"""Two segments take turns: a batch holds entries of one alone."""
PACE = Pace()
React: TypeAlias = Callable[[Courier, Event, float], Step]


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
        self.chain = QuickChain()
        self.link = Link(world, weather, broke=self._lost, sensed=self._sensed)
        self.outbox = Outbox(self.chain.genesis, keep_settled=keep_settled)
        self.disputed = False
        self._courier = Courier(settled=0)
        self._has_network = True
        self._runs = True
        self._look_at: float | None = None
        self._greeting: object | None = None
        hub.know(self)

    def work(self, a_day: float, *, until: float) -> None:
        """Make so many verdicts in the office hours of each day."""
        hours = self.link.weather
        pause = (hours.evening - hours.morning) / a_day * (sum(CALL) / len(CALL))

        def call() -> None:
            if self._world.now >= until:
                return
            clock = self._world.now % DAY
            if clock < hours.evening:
                if clock >= hours.morning:
                    self.judge()
                wait = max(hours.morning - clock, 0.0)
            else:
                wait = DAY - clock + hours.morning
            self._world.after(wait + self._world.chance.expovariate(1 / pause), call)

        self._world.after(self._world.chance.expovariate(1 / pause), call)

    def judge(self) -> None:
        """Make the verdicts of one call; now and then an urgent one."""
        outbox, world = self.outbox, self._world
        head = outbox.head_at(outbox.last_seq)
        assert head is not None
        for seq in range(outbox.last_seq + 1, outbox.last_seq + 1 + world.chance.choice(CALL)):
            head = self.chain.link(head, self.body(seq))
            urgent = world.chance.random() < URGENT
            outbox.put(SealedEntry(seq, 1, ENCS[seq // 256 % 2], b"", ENTRY, head, urgent, world.wall))
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
        self._courier = Courier(self.outbox.settled, PACE, Offline(), self._has_network)
        self._look_at = None
        self._look()

    def hear(self, receipt: Receipt) -> None:
        """Take a receipt."""
        if self._runs:
            head = self.outbox.head_at(receipt.up_to)
            self._tell(Answered(settle(receipt, head_at=head, settled=self._courier.settled)))
            self._look()

    def greeted(self) -> None:
        """The hub has heard how this handset stands."""
        self._greeting = None

    def hub_went(self) -> None:
        """The hub or its broker ended: the connection breaks."""
        self.link.break_off()

    def _sensed(self, there: bool) -> None:
        self._has_network = there
        if self._runs:
            self._tell(Conditioned(PACE, network=there, fresh=there, jitter=self._jitter()))
            self._look()

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
        attempt = self._courier.link

        def answered() -> None:
            if not self._runs or self._courier.link is not attempt:
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

        settled = self.outbox.settled
        self.link.carry(lambda: self._hub.greet(self.number, settled=settled))
        self._world.after(patience, again)

    def _send(self, entries: Sequence[SealedEntry]) -> None:
        first, last = entries[0], entries[-1]
        bodies = [self.body(entry.seq) for entry in entries]
        batch = Arrived(first.seq, bodies, last.head)
        self._world.note("send", self.number, first.seq, last.seq)
        self.link.carry(lambda: self._hub.hear(self.number, batch))

    def _jitter(self) -> float:
        return self._world.chance.uniform(0.5, 1.5)
