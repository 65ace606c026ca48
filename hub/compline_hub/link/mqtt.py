"""The hub's end of MQTT: frames in with back-pressure, receipts out."""

from __future__ import annotations

import queue
import ssl
import threading
from collections.abc import Callable

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from compline_hub.core.intake import Frame, Refusal
from compline_shared.ids import HandsetId
from compline_shared.topics import UP_FILTER, down

MAX_WAITING = 256  # frames between MQTT and intake, at most 16 MiB
GROUP = 64  # frames of one transaction
FULL_SECONDS = 5.0
AGAIN_SECONDS = 5.0  # after which a broker that did not let us listen is asked again
KEEPALIVE_SECONDS = 12  # paho gives a dead connection up after twice as long, looking once a second
_log = structlog.get_logger("compline_hub.link")


class MqttLink:
    """One MQTT client in paho's thread and one intake thread, a bounded queue between them.

    A frame is acknowledged to the broker only after it was handled, so the broker holds what intake has not yet
    got to; brokers keep at most about 100 unacknowledged. Frames for an absent hub wait in its session; a worker
    leaves none behind (NATS keeps each frame until every session that lasts has it, and then takes no more). What is
    sent stays within bounds too: what answers frames by their acknowledgements, which stand in line behind it, and
    orders by their own pauses.
    """

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext,
        *,
        client_id: str,
        lasting: bool = True,
        handles: Callable[[str], bool] = lambda _topic: True,
    ) -> None:
        """`client_id` should be hard to guess (`HubKeys.client_id`).

        `lasting` lets the broker keep frames while this process is away.
        `handles` says of a topic whether this process takes what comes on it; the rest is acknowledged at once.
        """
        self._handles = handles
        self._waiting: queue.Queue[tuple[int, mqtt.MQTTMessage] | None] = queue.Queue(MAX_WAITING)
        self._connection = 0  # another number with each that begins, and while there is none
        self._worker: threading.Thread | None = None
        self._refuse: Callable[[str, Refusal], None] = lambda _topic, _reason: None
        self._address = (host, port)
        self.subscribed = threading.Event()
        """Set while frames can come in."""
        self.refused = threading.Event()
        """Set once the broker did not let us listen; it is asked again until it does."""
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=not lasting, manual_ack=True
        )
        client.tls_set_context(tls)
        client.reconnect_delay_set(1, 30)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._arrived
        self._client = client

    def start(self, take: Callable[[list[Frame]], object], refuse: Callable[[str, Refusal], None]) -> None:
        """Connect (and for ever again when it breaks) and hand groups of frames to `take` in one thread."""
        self._refuse = refuse
        self._worker = threading.Thread(target=self._work, args=(take,), name="intake")
        self._worker.start()
        self._client.connect_async(*self._address, keepalive=KEEPALIVE_SECONDS)
        self._client.loop_start()

    def send(self, handset: HandsetId, message: bytes) -> None:
        """Send to one handset that listens now, QoS 0: what gets lost is asked for again, or ordered again."""
        if self._client.is_connected():  # else paho keeps what it may not send yet
            self._client.publish(down(handset), message, qos=0, retain=False)

    def stop(self) -> None:
        """Handle what has come, say goodbye, end both threads."""
        self._waiting.put(None)
        if self._worker is not None:
            self._worker.join()
        self._client.disconnect()
        self._client.loop_stop()
        self.subscribed.clear()

    def _work(self, take: Callable[[list[Frame]], object]) -> None:
        stopping = False
        while not stopping:
            waiting = [self._waiting.get()]
            while len(waiting) < GROUP and not self._waiting.empty():
                waiting.append(self._waiting.get())
            group = [one for one in waiting if one is not None]
            stopping = len(group) < len(waiting)
            if group:
                self._hand_over(take, [(message.topic, bytes(message.payload)) for _, message in group])
            for connection, message in group:
                self._acknowledge(connection, message)

    def _acknowledge(self, connection: int, message: mqtt.MQTTMessage) -> None:
        """Tell the broker, by the connection that the frame came by: before its CONNECT a next one may say nothing."""
        if connection == self._connection:
            self._client.ack(message.mid, message.qos)

    def _hand_over(self, take: Callable[[list[Frame]], object], frames: list[Frame]) -> None:
        try:
            take(frames)
        except Exception as error:  # noqa: BLE001 (the thread must live: handsets send again what got no receipt)
            _log.error("intake_failed", error=type(error).__name__, frames=len(frames))

    def _connected(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            _log.error("broker_refused", reason=str(reason))
            return
        self._connection += 1
        client.subscribe(UP_FILTER, qos=1)

    def _subscribed(
        self, client: mqtt.Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            _log.error("broker_refused", reason="subscription")
            self.refused.set()
            again = threading.Timer(AGAIN_SECONDS, client.subscribe, (UP_FILTER, 1))
            again.daemon = True
            again.start()
            return
        _log.info("broker_connected")
        self.refused.clear()
        self.subscribed.set()

    def _disconnected(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        self._connection += 1
        self.subscribed.clear()
        if reason.is_failure:
            _log.warning("broker_lost", reason=str(reason))

    def _arrived(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if not self._handles(message.topic):
            client.ack(message.mid, message.qos)
            return
        try:
            self._waiting.put((self._connection, message), timeout=FULL_SECONDS)
        except queue.Full:
            self._refuse(message.topic, Refusal.OVERLOADED)
            client.ack(message.mid, message.qos)
