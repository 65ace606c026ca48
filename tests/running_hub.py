"""A whole hub in a thread, and an MQTT client beside it; for tests."""

from __future__ import annotations

import asyncio
import os
import pwd
import queue
import random
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from compline_edge.link.tls import handset_context
from compline_hub.app import open_hub, serve
from compline_hub.core.authority import HUB_USER
from compline_hub.settings import HubSettings
from compline_shared.batch import Receipt
from compline_shared.ids import HandsetId
from compline_shared.topics import down, up
from tests.wire_handset import WireHandset

SECONDS = 20.0
_PORTS = range(20_000, 32_768)
_given: set[int] = set()
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
BROKERS = [
    "embedded",
    pytest.param(
        "mosquitto",
        marks=pytest.mark.skipif(
            MOSQUITTO is None, reason="mosquitto is not installed (apt-get install mosquitto)"
        ),
    ),
]


def broker_user() -> str:
    """The system user that a broker started by root stays, so that it can read its files."""
    return pwd.getpwuid(os.getuid()).pw_name


def free_port() -> int:
    """A port that nobody listens on, that the system does not give to connections, and that no other test was given.

    Test workers side by side draw from ranges of their own: a port is taken only when its server starts.
    """
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", "gw0"), "PYTEST_XDIST_WORKER_COUNT"
    mine = _PORTS[int(worker.removeprefix("gw")) :: int(os.environ.get(workers, "1"))]
    for port in random.sample(mine, 50):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port
    raise AssertionError("no free port on 127.0.0.1")


def hub_settings(folder: Path, **values: Any) -> HubSettings:
    defaults = HubSettings(
        data_dir=str(folder / "hub"),
        port=free_port(),
        mqtt_port=free_port(),
        pairing_port=free_port(),
        advertise=False,
        log_level="error",
    )
    return msgspec.structs.replace(defaults, **values)


@dataclass(slots=True)
class RunningHub:
    settings: HubSettings
    page: str = ""

    def enrol(self, handset: WireHandset, name: str = "Desk 7") -> None:
        with open_hub(self.settings) as hub:
            grant = hub.enrolment.enrol(handset.request, name=name, collector=handset.id)
            handset.join(grant, hub.enrolment.certify(handset.id, handset.request.tls_key_public))


@contextmanager
def running_hub(settings: HubSettings) -> Iterator[RunningHub]:
    """Serve until the end of the block; what stops the hub early is raised here."""
    started: queue.Queue[str | BaseException] = queue.Queue()
    ends: list[Any] = []

    async def run() -> None:
        stop = asyncio.Event()
        ends.extend((asyncio.get_running_loop(), stop))
        await serve(settings, stop=stop, ready=started.put)

    def thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 (the test sees it)
            started.put(error)

    server = threading.Thread(target=thread, name="hub")
    server.start()
    try:
        answer = started.get(timeout=SECONDS)
        if isinstance(answer, BaseException):
            raise answer
        yield RunningHub(settings, answer)
    finally:
        if server.is_alive():
            with suppress(RuntimeError):  # it is ending by itself at this moment
                ends[0].call_soon_threadsafe(ends[1].set)
        server.join(SECONDS)
    assert not server.is_alive()


class Client:
    """An MQTT client that notes what comes.

    The hub's own have a session that lasts and listen at QoS 1; so may others, as earlier versions did.
    """

    def __init__(
        self, user: str, tls: ssl.SSLContext, *, client_id: str | None = None, lasting: bool = False
    ) -> None:
        self.arrived: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.connected: queue.Queue[bool] = queue.Queue()
        self.granted: queue.Queue[bool] = queue.Queue()
        self.acknowledged: queue.Queue[int] = queue.Queue()
        self._qos = int(lasting or user.startswith(HUB_USER))
        self._topics = list[str]()
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id or user, clean_session=not self._qos
        )
        client.tls_set_context(tls)
        client.on_connect = self._connected
        client.on_disconnect = lambda _c, _d, _f, reason, _p: self.connected.put(False)
        client.on_subscribe = lambda _c, _d, _m, reasons, _p: self.granted.put(not reasons[0].is_failure)
        client.on_publish = lambda _c, _d, mid, _r, _p: self.acknowledged.put(mid)
        client.on_message = lambda _c, _d, message: self.arrived.put((message.topic, bytes(message.payload)))
        self.client = client

    def connect(self, port: int) -> bool:
        """Whether the broker lets it in; tries again while the broker does not know it yet.

        In TLS 1.3 a client learns after its own handshake that its certificate was refused: the broker closes.
        """
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        return self.connected.get(timeout=SECONDS)

    def connect_until_in(self, port: int) -> None:
        """For a handset that was enrolled a moment ago; paho tries again each second."""
        if not self.connect(port):
            self.wait_until_in()

    def wait_until_in(self) -> None:
        """Wait until a later try succeeds."""
        while not self.connected.get(timeout=SECONDS):
            pass

    def subscribe(self, topic: str) -> bool:
        self._topics.append(topic)
        self.client.subscribe(topic, qos=self._qos)
        return self.granted.get(timeout=SECONDS)

    def publish(self, topic: str, payload: bytes) -> None:
        self.client.publish(topic, payload, qos=1)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _connected(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        """mosquitto ends the connection of a handset whose rights it did not have yet: it comes again by itself."""
        for topic in self._topics:
            client.subscribe(topic, qos=self._qos)
        self.connected.put(not reason.is_failure)


@contextmanager
def joined_client(hub: RunningHub, handset: WireHandset) -> Iterator[Client]:
    """The handset's own client, connected and listening on its down topic."""
    assert handset.certificate is not None
    client = Client(handset.id, handset_context(handset.keys.authorities, handset.certificate, handset.tls))
    try:
        client.connect_until_in(hub.settings.mqtt_port)
        assert client.subscribe(down(handset.id))
        yield client
    finally:
        client.close()


def deliver(client: Client, handset: WireHandset, frame: bytes) -> Receipt:
    """Send one frame until the hub answers and return its receipt.

    mosquitto lets any certificate of the hub in, and drops what it says until the rights were read anew.
    """
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        client.publish(up(HandsetId(handset.id)), frame)
        with suppress(queue.Empty):
            return handset.receipt(client.arrived.get(timeout=2.0)[1])
    raise AssertionError("the hub did not answer")
