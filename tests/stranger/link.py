"""One connection to the broker: MQTT 3.1.1, QoS 1 up and QoS 0 down, inside TLS 1.3 with the handset's certificate."""

from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.stranger.pairing import trusting

KEEPALIVE = 15


@dataclass(frozen=True)
class Up:
    """Subscribed: whatever comes down is heard from now on."""


@dataclass(frozen=True)
class Lost:
    """The connection is gone, or never was."""

    ready: bool


@dataclass(frozen=True)
class Down:
    """A frame of the hub."""

    frame: bytes


class Link:
    """What happens on the connection comes as events, in order."""

    def __init__(self, handset: str, chain: Path, key: Path, authorities: list[bytes]) -> None:
        self._up, self._down = (f"compline/1/{handset}/{way}" for way in ("up", "down"))
        self._events: Queue[Up | Lost | Down] = Queue()
        self.ready = False
        context = trusting(authorities)
        context.load_cert_chain(chain, key)
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=handset,
            clean_session=True,
            protocol=MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.tls_set_context(context)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._message
        self._client.on_disconnect = self._disconnected

    def open(self, host: str, port: int) -> None:
        """Connect; OSError if nobody is there or TLS fails."""
        self._client.connect(host, port, keepalive=KEEPALIVE)
        self._client.loop_start()

    def event(self, seconds: float) -> Up | Lost | Down | None:
        try:
            return self._events.get(timeout=seconds)
        except Empty:
            return None

    def send(self, frame: bytes) -> None:
        self._client.publish(self._up, frame, qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def break_off(self) -> None:
        """Lose the connection without a word."""
        self._client.on_disconnect = None
        if (wire := self._client.socket()) is not None:
            wire.close()
        self._client.loop_stop()

    def _connected(
        self, client: Client, data: object, flags: ConnectFlags, code: ReasonCode, more: Properties | None
    ) -> None:
        if not code.is_failure:
            client.subscribe(self._down, qos=0)

    def _subscribed(
        self, client: Client, data: object, mid: int, codes: list[ReasonCode], more: Properties | None
    ) -> None:
        if not any(code.is_failure for code in codes):
            self.ready = True
            self._events.put(Up())

    def _message(self, client: Client, data: object, message: MQTTMessage) -> None:
        if message.topic == self._down:
            self._events.put(Down(bytes(message.payload)))

    def _disconnected(
        self, client: Client, data: object, flags: DisconnectFlags, code: ReasonCode, more: Properties | None
    ) -> None:
        self._events.put(Lost(self.ready))
        self.ready = False
