"""Carries frames over MQTT 3.1.1 with paho, which works in a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from compline_edge.link.certificate_keeper import CertificateKeeper
from compline_edge.link.errors import Refused, Unreachable
from compline_edge.link.lossy_link import tune
from compline_edge.ports import Address
from compline_shared.batch import MAX_FRAME
from compline_shared.ids import HandsetId
from compline_shared.topics import down, up

KEEPALIVE: Final = 12
"""Seconds of silence after which broker and client ask each other for a sign of life.

paho asks after so long and gives up after as long again, looking once a second: a dead link is noticed within 26 s.
"""

STEP: Final = 10.0
"""Seconds that TCP and then TLS may take each."""

PATIENCE: Final = 25.0
"""Seconds that all of connecting and subscribing may take."""

GOODBYE: Final = 1.0
"""Seconds that DISCONNECT may wait for room on its way; a dead link has none."""

MAX_UNTAKEN: Final = 2**17
"""Bytes of frames that the broker has not acknowledged; the courier's own window is a part of it."""

_MAX_IN_FLIGHT: Final = (
    1_000  # messages; paho would keep back all above 20, and `MAX_UNTAKEN` bounds them in bytes
)


class MqttCarrier:
    """The `Carrier` port: QoS 1 up and QoS 0 down, nothing that the broker keeps, own topics only.

    Each connection is a fresh paho client under the same client id, so that nothing is sent again behind the
    courier's back.
    """

    def __init__(self, handset: HandsetId, keeper: CertificateKeeper) -> None:
        self._handset = handset
        self._keeper = keeper
        self._session: _Session | None = None

    def connect(
        self, address: Address, *, on_frame: Callable[[bytes], None], on_lost: Callable[[], None]
    ) -> None:
        """Connect and subscribe; ``on_frame`` and ``on_lost`` come on paho's thread.

        The hub has proved itself before the first byte of MQTT. Raises Unreachable, or its CertificateEnded.
        """
        self.close()
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._handset,
            clean_session=True,
            reconnect_on_failure=False,
        )
        client.tls_set_context(self._keeper.context())
        client.max_inflight_messages_set(_MAX_IN_FLIGHT)
        client.on_socket_open = self._opened
        session = _Session(client, self._handset, on_frame, on_lost)
        try:
            session.open(address)
        except Refused:
            self._keeper.refused()
            raise
        self._session = session

    def send(self, frame: bytes) -> None:
        """Hand a frame over; without a connection, or behind too much, it is dropped, and no receipt will come."""
        if self._session is not None:
            self._session.send(up(self._handset), frame)

    @property
    def carried(self) -> bool:
        """Whether the broker has acknowledged all that this connection was handed."""
        return self._session is None or not self._session.untaken()

    def close(self) -> None:
        """Disconnect; no callback comes any more."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _opened(self, _client: paho.Client, _data: object, connection: object) -> None:
        self._keeper.check(connection)
        if isinstance(connection, socket.socket):
            tune(connection)


class _Session:
    """One connection from CONNECT to its end."""

    def __init__(
        self,
        client: paho.Client,
        handset: HandsetId,
        on_frame: Callable[[bytes], None],
        on_lost: Callable[[], None],
    ) -> None:
        self.client = client
        self._topic = down(handset)
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._sent: list[tuple[paho.MQTTMessageInfo, int]] = []
        self._decided = threading.Event()
        self._ended = threading.Event()
        self._serves = False
        self._closing = False
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        client.on_disconnect = self._disconnected

    def open(self, address: Address) -> None:
        ends = time.monotonic() + PATIENCE
        self.client.connect_timeout = STEP
        try:
            self.client.connect(address.host, address.port, keepalive=KEEPALIVE)
        except (OSError, ValueError) as error:
            raise Unreachable("The hub's broker does not answer; the handset tries again.") from error
        self.client.loop_start()
        self._decided.wait(ends - time.monotonic())
        if not self._serves:
            self.close()
            raise Refused(Refused.__doc__)

    def send(self, topic: str, frame: bytes) -> None:
        if self.untaken() + len(frame) <= MAX_UNTAKEN:
            self._sent.append((self.client.publish(topic, frame, qos=1), len(frame)))

    def untaken(self) -> int:
        """Bytes that the broker has not acknowledged."""
        self._sent = [(info, size) for info, size in self._sent if not _is_taken(info)]
        return sum(size for _, size in self._sent)

    def close(self) -> None:
        self._closing = True
        self.client.disconnect()
        if not self._ended.wait(GOODBYE):
            connection = self.client.socket()
            if isinstance(connection, socket.socket):
                with suppress(OSError):  # it ended at this moment
                    connection.shutdown(
                        socket.SHUT_RDWR
                    )  # paho would wait for room as long as for a sign of life
        self.client.loop_stop()

    def _connected(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self._decided.set()
        else:
            self.client.subscribe(self._topic, qos=0)

    def _subscribed(
        self, _client: paho.Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        self._serves = not any(reason.is_failure for reason in reasons)
        self._decided.set()

    def _received(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic == self._topic and len(message.payload) <= MAX_FRAME and not self._closing:
            self._on_frame(bytes(message.payload))

    def _disconnected(
        self, _client: paho.Client, _data: object, _flags: object, _reason: ReasonCode, _properties: object
    ) -> None:
        self._decided.set()
        self._ended.set()
        if self._serves and not self._closing:
            self._on_lost()


def _is_taken(info: paho.MQTTMessageInfo) -> bool:
    return info.rc != paho.MQTT_ERR_SUCCESS or info.is_published()
