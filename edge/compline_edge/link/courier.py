"""Carries out what the courier's core decides: reads the outbox, signs, sends, checks receipts, settles."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf
from typing import Final, TypeAlias

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compline_edge.core.conditions import Conditions, Network, pace_in
from compline_edge.link.errors import Unreachable
from compline_edge.ports import Address, Carrier, Clock, NotKept, Orders, OwedEntries, Surroundings
from compline_shared.batch import Batch, pack, unpack_receipt
from compline_shared.courier import (
    Alarm,
    Answered,
    Conditioned,
    Connect,
    Connected,
    Courier,
    Event,
    Link,
    Looked,
    Lost,
    Online,
    Pace,
    SealedEntry,
    Send,
    SettleUpTo,
    Wait,
    react,
)
from compline_shared.delivery import settle
from compline_shared.errors import MalformedFrame
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.place import Place

VIEW: Final = 200
"""Entries that one look at the outbox takes."""

ATTEMPT: Final = 30.0
"""Seconds after which an attempt knocks at no further address; anybody may say by zeroconf that he is the hub."""

MAX_FRAMES: Final = 64
"""Frames from the hub that wait to be read; more are dropped, and the hub answers again."""

SENSE: Final = 10.0
"""Seconds between looks at network and battery."""

ROOM_RETRY: Final = 5.0
"""Seconds until what a receipt settled is written again where the disk did not take it; delivery goes on."""

Find: TypeAlias = Callable[[], Awaitable[Sequence[Address]]]
_log = structlog.get_logger("compline_edge.link")


class CourierLoop:
    """One handset's courier; `run` it as a task until it is cancelled."""

    def __init__(
        self,
        entries: OwedEntries,
        *,
        identity: Ed25519PrivateKey,
        place: Place,
        hub: Callable[[], HubPublicKeys],
        carrier: Carrier,
        find: Find,
        clock: Clock,
        pace: Pace | None = None,
        orders: Orders | None = None,
        surroundings: Surroundings | None = None,
        alarm: Callable[[], object] = lambda: None,
        sense_s: float = SENSE,
    ) -> None:
        """``hub`` says by which keys the hub is known now; ``find`` where to try in an attempt, one after another.

        ``orders`` hears the frames that are no receipts, one after another, and is asked what to say first.
        ``surroundings`` set the pace; without them it stays as ``pace`` says. ``alarm`` is called once handset and hub
        disagree about the past: nobody but a person can say who is right.
        """
        self._entries = entries
        self._identity = identity
        self._place = place
        self._hub = hub
        self._carrier = carrier
        self._find = find
        self._knocked = set[Address]()
        self._clock = clock
        self._orders = orders
        self._surroundings = surroundings
        self._alarm = alarm
        self._sense_s = sense_s
        self._pace = pace or Pace()
        self._courier = Courier(settled=entries.settled, pace=self._pace)
        self._happened: deque[Event | bytes] = deque()
        self._ordered: deque[bytes | None] = deque()
        self._has_orders = asyncio.Event()
        self._wake = asyncio.Event()
        self._progress = asyncio.Condition()
        self._unsettled: int | None = None  # what a receipt settled and the disk did not take

    @property
    def link(self) -> Link:
        """Offline, connecting or online."""
        return self._courier.link

    @property
    def disputed(self) -> bool:
        """Whether the hub's past is not this handset's, so that it sends no verdicts."""
        return self._courier.disputed

    async def run(self) -> None:
        """Deliver until cancelled."""
        loop = asyncio.get_running_loop()
        self._entries.listen(lambda: _soon(loop, self._wake.set))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._deliver())
                if self._orders is not None:
                    tasks.create_task(self._obey(self._orders))
                if self._surroundings is not None:
                    tasks.create_task(self._sense(self._surroundings))
        finally:
            self._carrier.close()

    def post(self, frame: bytes) -> None:
        """Send a frame that is no batch, where there is a connection; otherwise it is not needed any more."""
        if isinstance(self._courier.link, Online):
            self._carrier.send(frame)

    async def all_settled(self) -> None:
        """Wait until the hub's receipts cover every entry that is in the outbox now."""
        last = self._entries.last_seq
        async with self._progress:
            await self._progress.wait_for(lambda: self._courier.settled >= last)

    async def _deliver(self) -> None:
        while True:
            try:
                await self._round()
            except NotKept as error:
                # the disk does not even read; what was heard meanwhile the hub says again
                _log.warning("courier.not_read", reason=type(error).__name__)
                await asyncio.sleep(ROOM_RETRY)

    async def _round(self) -> None:
        self._wake.clear()
        while self._happened:
            await self._take(self._happened.popleft())
        due = await self._due()
        until = await self._do(Looked(due=due, wall=self._clock.now(), carried=self._carrier.carried))
        if self._unsettled is not None:
            until = min(inf if until is None else until, self._clock.monotonic() + ROOM_RETRY)
        await self._pause(until)
        if self._unsettled is not None:
            await self._settle(self._unsettled)

    async def _take(self, item: Event | bytes) -> None:
        if isinstance(item, bytes):
            await self._read(item)
        else:
            await self._do(item)

    async def _read(self, frame: bytes) -> None:
        place = self._place
        try:
            receipt = unpack_receipt(frame, self._hub().receipt_key, place.handset)
        except MalformedFrame:
            self._order(frame)
            return
        if receipt.binding != place.binding:
            _log.warning("courier.frame_dropped", bytes=len(frame))
            return
        head = await asyncio.to_thread(self._entries.head_at, receipt.up_to)
        settlement = settle(receipt, head_at=head, settled=self._courier.settled)
        await self._do(Answered(settlement))

    def _order(self, frame: bytes | None) -> None:
        """Hand an order over, or with None the moment to greet; more than `MAX_FRAMES` are dropped, the hub repeats."""
        if self._orders is not None and len(self._ordered) < MAX_FRAMES:
            self._ordered.append(frame)
            self._has_orders.set()
        elif frame is not None:
            _log.warning("courier.frame_dropped", bytes=len(frame))

    async def _obey(self, orders: Orders) -> None:
        """Carry orders out beside the delivery, which goes on meanwhile: what is owed leaves while a vault freezes."""
        while True:
            await self._has_orders.wait()
            self._has_orders.clear()
            while self._ordered:
                frame = self._ordered.popleft()
                answers = await (orders.greet() if frame is None else orders.hear(frame))
                if answers is None:
                    _log.warning("courier.frame_dropped", bytes=len(frame or b""))
                for answer in answers or ():
                    self.post(answer)

    async def _sense(self, surroundings: Surroundings) -> None:
        """Tell the core of each change of network and battery."""
        before: Conditions | None = None
        while True:
            now = await asyncio.to_thread(surroundings.look)
            if now != (before or Conditions(address=now.address)):
                there = now.network is not Network.NONE
                _log.info("courier.conditions", network=now.network.value, battery_low=now.battery_low)
                self._hear(
                    Conditioned(
                        pace_in(now, self._pace),
                        network=there,
                        fresh=there and before is not None and now.address != before.address,
                        jitter=random.uniform(0.5, 1.5),
                    )
                )
            before = now
            await asyncio.sleep(self._sense_s)

    async def _due(self) -> Sequence[SealedEntry]:
        if not isinstance(self._courier.link, Online):
            return ()
        return await asyncio.to_thread(self._entries.due, after=self._courier.sent, limit=VIEW)

    async def _do(self, event: Event) -> float | None:
        """Carry out one decision and what follows from it; return when to look again."""
        self._courier, commands = react(self._courier, event, self._clock.monotonic())
        until: float | None = None
        for command in commands:
            match command:
                case Connect(attempt=attempt):
                    await self._connect(attempt)
                    until = self._clock.monotonic()
                case Send(entries=entries):
                    await self._send(entries)
                case SettleUpTo(up_to=up_to):
                    await self._settle(up_to)
                case Alarm():
                    _log.error("courier.disputed")
                    self._alarm()
                case Wait(until=until):
                    pass
        return until

    async def _connect(self, attempt: int) -> None:
        """Knock at each address in turn; where that takes long, the next attempt begins with those that had no turn."""
        addresses = await self._find()
        if not addresses:
            _log.info("courier.no_hub_found", attempt=attempt)
        if self._knocked >= {*addresses}:
            self._knocked.clear()
        ends = self._clock.monotonic() + ATTEMPT
        for address in [one for one in addresses if one not in self._knocked]:
            if await self._reached(address, attempt):
                _log.info("courier.online")
                self._knocked.clear()
                await self._do(Connected())
                self._order(None)
                return
            self._knocked.add(address)
            if self._clock.monotonic() > ends:
                break
        await self._do(Lost(jitter=random.uniform(0.5, 1.5)))

    async def _reached(self, address: Address, attempt: int) -> bool:
        loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(
                self._carrier.connect,
                address,
                on_frame=lambda frame: _soon(loop, self._hear, frame),
                on_lost=lambda: _soon(loop, self._hear, Lost(jitter=random.uniform(0.5, 1.5))),
            )
        except Unreachable as error:
            _log.info("courier.unreachable", attempt=attempt, reason=type(error).__name__)
            return False
        return True

    def _hear(self, item: Event | bytes) -> None:
        if isinstance(item, bytes) and len(self._happened) >= MAX_FRAMES:
            return
        if isinstance(item, Lost):
            _log.info("courier.offline")
        self._happened.append(item)
        self._wake.set()

    async def _send(self, entries: tuple[SealedEntry, ...]) -> None:
        first, last = entries[0], entries[-1]
        batch = Batch(
            place=replace(self._place, epoch=first.epoch),
            enc=first.enc,
            header=first.header,
            first_seq=first.seq,
            entries=tuple(entry.ciphertext for entry in entries),
            head=last.head,
        )
        frame = pack(batch, self._identity)
        self._carrier.send(frame)
        _log.debug("courier.sent", entries=len(entries), bytes=len(frame))

    async def _settle(self, up_to: int) -> None:
        try:
            await asyncio.to_thread(self._entries.settle, up_to, now=self._clock.now())
        except NotKept as error:
            self._unsettled = up_to
            _log.warning("courier.not_settled", reason=type(error).__name__)
            return
        self._unsettled = None
        _log.debug("courier.settled", up_to=up_to)
        async with self._progress:
            self._progress.notify_all()

    async def _pause(self, until: float | None) -> None:
        if self._happened:
            return
        delay = None if until is None else max(0.0, until - self._clock.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):  # wait_for of Python 3.11 may swallow a cancellation
                await self._wake.wait()


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *arguments: object) -> None:
    """Run ``call`` on the loop's thread; a loop that is closed hears nothing any more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, *arguments)
