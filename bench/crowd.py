"""Thousands of handsets in one process: a bare MQTT 3.1.1 client each, driven by the real courier core."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compline_edge.link.tls import handset_context
from compline_shared.batch import Batch, pack, unpack_receipt
from compline_shared.certificates import Certificate
from compline_shared.courier import (
    Alarm,
    Answered,
    Connect,
    Connected,
    Courier,
    Event,
    Looked,
    Lost,
    Online,
    SealedEntry,
    Send,
    SettleUpTo,
    Wait,
    react,
)
from compline_shared.delivery import settle
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import HandsetId
from compline_shared.place import Place
from compline_shared.topics import down, up

AT_ONCE = 48
"""Handshakes of one process that are under way at a time: it has one core at most, a phone each has its own."""
PATIENCE = 20.0  # s, of one connection
KEEPALIVE = 12  # s, as a handset has it
LOOK = 1_024
_CONNACK, _PUBLISH, _SUBACK = 2, 3, 9


@dataclass(frozen=True, slots=True)
class Made:
    """One handset, and what it has to send."""

    id: HandsetId
    certificate: Certificate
    place: Place
    signing: Ed25519PrivateKey
    entries: tuple[SealedEntry, ...]
    genesis: bytes


class Crowd:
    """The handsets of one process, which its parent tells what to do through a pipe."""

    def __init__(
        self, made: list[Made], *, port: int, keys: HubPublicKeys, tls_key: ec.EllipticCurvePrivateKey
    ) -> None:
        self.port, self.keys, self.tls_key = port, keys, tls_key
        self.phones = [Phone(self, each) for each in made]
        self.handshakes = asyncio.Semaphore(AT_ONCE)
        self.times = list[float]()

    async def run(self, pipe: Connection) -> None:
        """Answer "state" with how many serve, have settled all, and how often each was lost; end at "end".

        ("owe", n) gives the first n handsets their next entry each, ("leave", n) disconnects all but the first n,
        ("hold", n) stops those of the others that have not connected,
        "settled" is answered with how many verdicts each handset settled,
        "times" with the seconds from sending to receipt since it was asked last.
        """
        tasks = [asyncio.create_task(phone.run()) for phone in self.phones]
        pinging = asyncio.create_task(self._ping())
        try:
            while (order := await asyncio.to_thread(pipe.recv)) != "end":
                match order:
                    case ("owe", int() as count):
                        for phone in self.phones[:count]:
                            phone.owe()
                    case ("leave", int() as count):
                        await _stopped(tasks[count:])
                    case ("hold", int() as count):
                        pairs = zip(self.phones[count:], tasks[count:], strict=True)
                        await _stopped([task for phone, task in pairs if not phone.connected])
                    case "settled":
                        pipe.send({phone.id: phone.courier.settled for phone in self.phones})
                    case "times":
                        pipe.send(self.times)
                        self.times = []
                    case _:
                        pipe.send(self._state())
        finally:
            await _stopped([*tasks, pinging])

    def _state(self) -> tuple[int, int, int]:
        phones = self.phones
        return (
            sum(phone.connected for phone in phones),
            sum(phone.courier.settled for phone in phones),
            sum(phone.losses for phone in phones),
        )

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(KEEPALIVE * 0.8)
            for phone in self.phones:
                phone.ping()


async def _stopped(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Phone:
    """One handset: the courier's state, and at most one connection."""

    def __init__(self, crowd: Crowd, made: Made) -> None:
        self.courier = Courier(settled=0)
        self.losses = 0
        self.id = made.id
        self._crowd, self._made = crowd, made
        self._owed = 0
        self._happened = deque[Event]()
        self._wake = asyncio.Event()
        self._link: Link | None = None
        self._sent: dict[int, float] = {}

    @property
    def connected(self) -> bool:
        """Whether the hub's broker serves it now."""
        return self._link is not None and isinstance(self.courier.link, Online)

    def owe(self) -> None:
        """Have one more entry to send."""
        self._owed = min(self._owed + 1, len(self._made.entries))
        self._wake.set()

    def ping(self) -> None:
        """Tell the broker that the connection is alive."""
        if self._link is not None:
            self._link.write(b"\xc0\x00")

    async def run(self) -> None:
        """Do what the courier says, for ever."""
        try:
            while True:
                self._wake.clear()
                while self._happened:
                    await self._do(self._happened.popleft())
                until = await self._look()
                if not self._happened:
                    await self._pause(until)
        finally:
            self._close()

    async def _look(self) -> float | None:
        due = self._made.entries[self.courier.sent : self._owed]
        return await self._do(Looked(due[:LOOK], time.time()))

    async def _do(self, event: Event) -> float | None:
        self.courier, commands = react(self.courier, event, time.monotonic())
        until: float | None = None
        for command in commands:
            match command:
                case Connect():
                    self._happened.append(await self._connect())
                case Send(entries=entries):
                    self._send(entries)
                case Wait(until=at):
                    until = at
                case SettleUpTo(up_to=seq):
                    began = self._sent.pop(seq, None)
                    if began is not None:
                        self._crowd.times.append(time.monotonic() - began)
                case Alarm():
                    raise AssertionError("hub and handset disagree")
        return until

    async def _pause(self, until: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else max(0.0, until - time.monotonic())):
                await self._wake.wait()

    async def _connect(self) -> Event:
        self._close()
        crowd, made = self._crowd, self._made
        loop = asyncio.get_running_loop()
        try:
            async with crowd.handshakes, asyncio.timeout(PATIENCE):
                context = handset_context(crowd.keys.authorities, made.certificate, crowd.tls_key)
                _, link = await loop.create_connection(
                    lambda: Link(made.id, self._heard, self._lost),
                    "127.0.0.1",
                    crowd.port,
                    ssl=context,
                    ssl_handshake_timeout=PATIENCE,
                )
                self._link = link
                await link.serves
        except (OSError, TimeoutError, ssl.SSLError, ConnectionError):
            self._close()
            return Lost(jitter=random.uniform(0.5, 1.5))
        return Connected()

    def _send(self, entries: tuple[SealedEntry, ...]) -> None:
        first, last = entries[0], entries[-1]
        ciphertexts = tuple(entry.ciphertext for entry in entries)
        batch = Batch(self._made.place, first.enc, first.header, first.seq, ciphertexts, last.head)
        if self._link is not None:
            self._sent.setdefault(last.seq, time.monotonic())
            self._link.publish(up(self._made.id), pack(batch, self._made.signing))

    def _heard(self, frame: bytes) -> None:
        receipt = unpack_receipt(frame, self._crowd.keys.receipt_key, self._made.id)
        heads = (self._made.genesis, *(entry.head for entry in self._made.entries))
        head, settled = heads[receipt.up_to], self.courier.settled
        self._happened.append(Answered(settle(receipt, head_at=head, settled=settled)))
        self._wake.set()

    def _lost(self) -> None:
        self.losses += 1
        self._link = None
        self._happened.append(Lost(jitter=random.uniform(0.5, 1.5)))
        self._wake.set()

    def _close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()


class Link(asyncio.Protocol):
    """MQTT 3.1.1 as far as a handset needs it: CONNECT, SUBSCRIBE at QoS 0, PUBLISH at QoS 1."""

    def __init__(self, handset: HandsetId, heard: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self.serves: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._handset, self._heard, self._lost = handset, heard, lost
        self._read = b""
        self._number = 1
        self._closing = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is through: say who we are."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        head = _text("MQTT") + bytes((4, 2)) + KEEPALIVE.to_bytes(2, "big")
        self.write(_packet(0x10, head + _text(self._handset)))
        self.write(_packet(0x82, b"\x00\x01" + _text(down(self._handset)) + b"\x00"))

    def data_received(self, data: bytes) -> None:
        """Take whole packets out of what came."""
        self._read += data
        while (split := _split(self._read)) is not None:
            first, body, self._read = split
            self._packet(first, body)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Tell the handset, unless it closed the connection itself."""
        if not self.serves.done():
            self.serves.set_exception(ConnectionError())
        elif not self._closing:
            self._lost()

    def publish(self, topic: str, payload: bytes) -> None:
        """Send at QoS 1; the broker's PUBACK is taken for nothing."""
        self._number = self._number % 65_535 + 1
        self.write(_packet(0x32, _text(topic) + self._number.to_bytes(2, "big") + payload))

    def write(self, packet: bytes) -> None:
        """Send a whole packet, unless the connection is closing."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packet)

    def close(self) -> None:
        """Leave."""
        self._closing = True
        if self._transport is not None:
            self.write(b"\xe0\x00")
            self._transport.close()

    def _packet(self, first: int, body: bytes) -> None:
        match first >> 4:
            case kind if kind == _CONNACK and body[1]:
                self.close()
            case kind if kind == _SUBACK and body[-1] & 0x80:  # a broker that is just starting may not manage
                self.close()
            case kind if kind == _SUBACK and not self.serves.done():
                self.serves.set_result(None)
            case kind if kind == _PUBLISH:
                at = 2 + int.from_bytes(body[:2], "big")
                if first & 0x06:
                    self.write(b"\x40\x02" + body[at : at + 2])
                    at += 2
                self._heard(body[at:])
            case _:
                pass


def _text(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


def _packet(first: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = left >> 7, left & 127
        length.append(digit | (128 if left else 0))
        if not left:
            return bytes((first,)) + bytes(length) + body


def _split(data: bytes) -> tuple[int, bytes, bytes] | None:
    """First byte, body and rest, None while the first packet is not whole."""
    size = 0
    for place in range(1, min(5, len(data))):
        size |= (data[place] & 127) << 7 * (place - 1)
        if data[place] < 128:
            end = place + 1 + size
            return None if len(data) < end else (data[0], data[place + 1 : end], data[end:])
    return None
