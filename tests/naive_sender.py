"""What one would write first: a message for each verdict, settled when the broker has acknowledged it."""

from __future__ import annotations

import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from compline_edge.link.certificate_keeper import CertificateKeeper
from compline_edge.ports import Address
from compline_shared.ids import HandsetId
from compline_shared.topics import up

VERDICT = bytes(102)
"""As many bytes as a typical verdict's sealed entry; the hub drops it, the broker acknowledges it."""


class NaiveSender:
    """The reference for the courier: paho as it comes, over the same TLS to the same broker."""

    def __init__(self, handset: HandsetId, keeper: CertificateKeeper) -> None:
        self._handset = handset
        self._keeper = keeper
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=handset, clean_session=True)
        self._connected = threading.Event()
        self.given_up = threading.Event()
        self._client.on_connect = lambda *_: self._connected.set()

    def connect(self, address: Address) -> None:
        """Return once the broker has accepted."""
        self._client.tls_set_context(self._keeper.context())
        self._client.connect(address.host, address.port)
        self._client.loop_start()
        self._connected.wait()

    def send(self, count: int) -> None:
        """Return when the broker has acknowledged so many, or it was given up; paho keeps 20 under way at a time."""
        published = [self._client.publish(up(self._handset), VERDICT, qos=1) for _ in range(count)]
        while not self.given_up.is_set() and not all(each.is_published() for each in published):
            time.sleep(0.005)
        self._client.disconnect()
        self._client.loop_stop()
