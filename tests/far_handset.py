"""Handsets in network namespaces: the real courier over a real home, one process each, led over a socket.

`python -m tests.far_handset` takes one line of JSON with what to start and forks a process for each, so that twenty of
them load their libraries once. Each reads commands from its own socket, a JSON object a line, and tells there what its
courier and carrier live through, with the monotonic second, which is the same in all processes of a machine.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from bench.wire import day
from compline_edge.clock import SystemClock
from compline_edge.core.courier import Answered, Online, Pace
from compline_edge.link import mqtt
from compline_edge.link.certificate_keeper import CertificateKeeper
from compline_edge.link.courier import CourierLoop
from compline_edge.link.errors import Unreachable
from compline_edge.link.mqtt import MqttCarrier
from compline_edge.ports import Address
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.home import Home, open_home
from compline_shared.delivery import Settle
from compline_shared.ids import HandsetId
from tests.naive_sender import NaiveSender
from tests.network_namespace import enter

Tell = Callable[..., None]
_EVIDENCE = bytes(200)
_CHUNK = 8_192


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What to start: a home that has joined, in which namespace, where its hub is."""

    home: str
    namespace: int  # file descriptor
    channel: int  # file descriptor
    host: str
    port: int
    held: bool = False  # whether a connection begins to serve only when it is let go
    believes_broker: bool = False  # a control: takes the broker's acknowledgement for the hub's receipt
    hasty: bool = False  # a control: takes whatever it handed over for carried to the broker
    keepalive: int = mqtt.KEEPALIVE  # s
    pace: Pace = Pace()


class ToldCarrier(MqttCarrier):
    """The carrier, which tells what happens to it, and holds each connection until it may serve."""

    def __init__(self, handset: HandsetId, keeper: CertificateKeeper, tell: Tell, *, hasty: bool) -> None:
        super().__init__(handset, keeper)
        self.may_serve = threading.Event()
        self._hasty = hasty
        self._tell = tell

    def connect(
        self, address: Address, *, on_frame: Callable[[bytes], None], on_lost: Callable[[], None]
    ) -> None:
        def lost() -> None:
            self._tell("lost")
            on_lost()

        self._tell("connecting")
        began = time.monotonic()
        try:
            super().connect(address, on_frame=on_frame, on_lost=lost)
        except Unreachable as error:
            self._tell("unreachable", seconds=time.monotonic() - began, error=type(error).__name__)
            raise
        self._tell("connected", seconds=time.monotonic() - began)
        self.may_serve.wait()
        self._tell("serving")

    def send(self, frame: bytes) -> None:
        super().send(frame)
        self._tell("sent", bytes=len(frame))

    @property
    def carried(self) -> bool:
        return self._hasty or super().carried

    @property
    def queued(self) -> tuple[int, int]:
        """Bytes that the broker has not acknowledged, and packets that the socket has not taken."""
        session = self._session
        return (0, 0) if session is None else (session.untaken(), len(session.client._out_packet))


class FarHandset:
    """One handset's life in its own process."""

    def __init__(self, home: Home, start: Start, tell: Tell) -> None:
        keeper = CertificateKeeper(
            CertificateStore(Path(start.home)),
            hub=lambda: home.hub_keys,
            key=home.identity.tls,
            clock=SystemClock(),
        )
        self._home = home
        self._tell = tell
        self._carrier = ToldCarrier(home.place.handset, keeper, tell, hasty=start.hasty)
        if not start.held:
            self._carrier.may_serve.set()
        self._address = Address(start.host, start.port)
        self._naive = NaiveSender(home.place.handset, keeper)
        self._courier = CourierLoop(
            home.outbox,
            identity=home.identity.signing,
            place=home.place,
            hub=lambda: home.hub_keys,
            carrier=self._carrier,
            find=self._find,
            clock=SystemClock(),
            pace=start.pace,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._believes_broker = start.believes_broker

    async def obey(self, read: Callable[[], bytes]) -> None:
        """Do what each line says until there are no more."""
        while line := await asyncio.to_thread(read):
            task = asyncio.create_task(self._do(json.loads(line)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._carrier.may_serve.set()
        self._naive.given_up.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _do(self, command: dict[str, Any]) -> None:
        match command["do"]:
            case "run" if self._believes_broker:
                await asyncio.gather(self._courier.run(), self._believe())
            case "run":
                await self._courier.run()
            case "judge":
                await asyncio.to_thread(self._judge, command["count"], command["seed"])
                self._tell("judged", last=self._home.outbox.last_seq)
            case "serve":
                self._carrier.may_serve.set()
            case "settle":
                await self._courier.all_settled()
                self._tell("settled", up_to=self._home.outbox.settled)
            case "look":
                self._look()
            case "choke":
                for _ in range(mqtt.MAX_UNTAKEN // _CHUNK):
                    self._carrier.send(bytes(_CHUNK))
                self._look()
            case "end":
                began = time.monotonic()
                await asyncio.to_thread(self._carrier.close)
                self._tell("ended", seconds=time.monotonic() - began)
            case "naive_connect":
                await asyncio.to_thread(self._naive.connect, self._address)
                self._tell("connected")
            case "naive_send":
                self._tell("serving")
                await asyncio.to_thread(self._naive.send, command["count"])
                self._tell("settled")
            case other:
                raise AssertionError(other)

    def _judge(self, count: int, seed: int) -> None:
        """Record typical verdicts, each with its evidence."""
        for verdict in day(random.Random(seed), count):
            self._home.ledger.record(msgspec.structs.replace(verdict, evidence=None), io.BytesIO(_EVIDENCE))

    def _look(self) -> None:
        untaken, packets = self._carrier.queued
        link = self._courier.link
        flights = link.flights if isinstance(link, Online) else ()
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        self._tell(
            "looked",
            untaken=untaken,
            packets=packets,
            flying=sum(flight.size for flight in flights),
            settled=self._home.outbox.settled,
            resident=pages * os.sysconf("SC_PAGESIZE"),
        )

    async def _believe(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            link = self._courier.link
            if isinstance(link, Online) and link.flights and self._carrier.carried:
                self._courier._hear(Answered(Settle(link.sent)))

    async def _find(self) -> Sequence[Address]:
        return (self._address,)


def main() -> None:
    """Fork a process for each that is to start, and wait for them all."""
    children = []
    for start in msgspec.json.decode(sys.stdin.buffer.readline(), type=list[Start]):
        child = os.fork()
        if child == 0:
            _live(start)
            os._exit(0)
        children.append(child)
        os.close(start.channel)
    for child in children:
        os.waitpid(child, 0)


def _live(start: Start) -> None:
    enter(start.namespace)
    mqtt.KEEPALIVE = start.keepalive  # type: ignore[misc]
    channel = socket.socket(fileno=start.channel)

    def tell(what: str, **values: object) -> None:
        line = json.dumps({"what": what, "at": time.monotonic(), **values}) + "\n"
        with suppress(OSError):  # whoever listened is gone
            channel.sendall(line.encode())

    with (
        channel,
        channel.makefile("rb") as commands,
        open_home(Path(start.home), clock=SystemClock()) as home,
    ):
        tell("started")
        asyncio.run(FarHandset(home, start, tell).obey(commands.readline))


if __name__ == "__main__":
    main()
