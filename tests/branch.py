"""A broker with a hub's end behind it that a test can make deaf, forgetful or false."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.enums import CallbackAPIVersion

from compline_edge.core.conditions import Conditions
from compline_edge.link.certificate_keeper import CertificateKeeper
from compline_edge.link.courier import CourierLoop
from compline_edge.link.mqtt import MqttCarrier
from compline_edge.ports import Address, Clock, Surroundings
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.home import Home
from compline_hub.core.authority import HUB_USER
from compline_hub.link.broker import ChildBroker, Product
from compline_hub.link.broker_files import Listener
from compline_hub.link.tls import link_context
from compline_shared.batch import Receipt, open_verdicts, pack_receipt, unpack
from compline_shared.chain import Chain
from compline_shared.courier import Pace
from compline_shared.delivery import Accepted, Arrived, Inbox, outcome_of, take
from compline_shared.enrolment import EnrolmentRequest
from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.messages import Verdict
from compline_shared.reports import Report, verify_report
from compline_shared.topics import UP_FILTER, down, handset_of
from compline_shared.wire import canonical
from tests.homes import HubKeys, SystemClock
from tests.in_background import in_background
from tests.running_hub import free_port

FAST = Pace(batch_age=0.02, answer=1.0, reconnect=0.05, longest=1.0)


class Broker:
    """A real broker process on a free loopback port."""

    def __init__(self, product: Product, folder: Path) -> None:
        self.port = free_port()
        self._handsets: list[str] = []
        user = "root" if os.geteuid() == 0 else ""
        self._listener = Listener("127.0.0.1", self.port, folder / "broker", user=user)
        self._child = ChildBroker(product, self._listener, lambda: HubKeys().tls)

    async def start(self, *handsets: str) -> None:
        self._handsets = list(handsets) or self._handsets
        await self._child.start(self._handsets)  # type: ignore[arg-type]

    @property
    def process_id(self) -> int:
        assert self._child._process is not None
        return self._child._process.pid

    async def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        os.kill(self.process_id, signal.SIGKILL)
        await self._child.ended()

    async def stop(self) -> None:
        await self._child.stop()


class HubEnd:
    """Takes batches by the shared rules and answers with signed receipts."""

    def __init__(self, port: int, request: EnrolmentRequest) -> None:
        keys = HubKeys()
        self.signing: Ed25519PrivateKey = keys.signing
        self.deaf_to = 0  # frames still to be lost
        self.frames: list[bytes] = []
        self.verdicts: list[Verdict] = []
        self.reports: list[Report] = []
        self._keys = keys
        self._request = request
        self._chain = Chain(keys.branch, keys.grant(request.handset).place.binding)
        self._heads = [self._chain.genesis]
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=HUB_USER, clean_session=False)
        self._client.tls_set_context(link_context(keys.certificates, keys.all))
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_message = self._heard
        self._client.connect_async("127.0.0.1", port, keepalive=15)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, handset: HandsetId, frame: bytes) -> None:
        """Send any bytes at all."""
        self._client.publish(down(handset), frame, qos=0)

    def forget_after(self, seq: int) -> None:
        """Come back from a backup that was taken when `seq` was the last."""
        del self.verdicts[seq:]
        del self._heads[seq + 1 :]

    def _connected(self, *_: object) -> None:
        self._client.subscribe(UP_FILTER, qos=1)

    def _heard(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        if self.deaf_to:
            self.deaf_to -= 1
            return
        frame = bytes(message.payload)
        self.frames.append(frame)
        handset = handset_of(message.topic)
        try:
            batch = unpack(frame, self._request.verify_key, handset)
        except MalformedFrame:
            self.reports.append(verify_report(frame, self._request.verify_key, handset))
            return
        verdicts = open_verdicts(batch, self._keys.sealing)
        arrived = Arrived(batch.first_seq, [canonical(verdict) for verdict in verdicts], batch.head)
        known = self._heads[batch.last_seq] if batch.last_seq < len(self._heads) else None
        inbox = Inbox(up_to=len(self.verdicts), head=self._heads[-1])
        taking = take(inbox, arrived, self._chain, head_at_last=known)
        if isinstance(taking, Accepted):
            self.verdicts += verdicts[taking.first_new :]
            self._heads += taking.heads
        receipt = Receipt(
            handset, batch.place.binding, len(self.verdicts), self._heads[-1], outcome_of(taking)
        )
        self.send(handset, pack_receipt(receipt, self.signing))


def keeper_of(home: Home, folder: Path, *, clock: Clock | None = None) -> CertificateKeeper:
    return CertificateKeeper(
        CertificateStore(folder),
        hub=lambda: home.hub_keys,
        key=home.identity.tls,
        clock=clock or SystemClock(),
    )


def courier_of(
    home: Home,
    port: int,
    folder: Path,
    *,
    clock: Clock | None = None,
    pace: Pace = FAST,
    surroundings: Surroundings | None = None,
) -> CourierLoop:
    """The courier of the home that lies in `folder`."""
    return CourierLoop(
        home.outbox,
        identity=home.identity.signing,
        place=home.grant.place,
        hub=lambda: home.hub_keys,
        carrier=MqttCarrier(home.place.handset, keeper_of(home, folder, clock=clock)),
        find=at(Address("127.0.0.1", port)),
        clock=SystemClock(),
        pace=pace,
        surroundings=surroundings,
        sense_s=0.05,
    )


@dataclass(slots=True)
class Told:
    """The `Surroundings` port: as a test tells."""

    conditions: Conditions

    def look(self) -> Conditions:
        return self.conditions


def at(*addresses: Address) -> Callable[[], Awaitable[Sequence[Address]]]:
    async def find() -> Sequence[Address]:
        return addresses

    return find


@asynccontextmanager
async def running(courier: CourierLoop) -> AsyncIterator[CourierLoop]:
    async with in_background(courier.run()):
        yield courier


async def until(true: Callable[[], bool], *, within: float = 20.0) -> None:
    """Wait for something that no event tells of."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.01)
