"""Ends a session that a broker keeps for a client that is gone."""

from __future__ import annotations

import ssl
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

FORGET_SECONDS = 5.0


def forget_session(host: str, port: int, tls: ssl.SSLContext, name: str) -> bool:
    """Let the broker drop what it keeps under a client id, `name`; returns whether it did within FORGET_SECONDS.

    In MQTT 3.1.1 (section 3.1.2.4) that is to connect once under that id with a clean session. `tls` shows the
    certificate that lets the client in.
    """
    answered, took = threading.Event(), threading.Event()

    def connected(
        _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if not reason.is_failure:
            took.set()
        answered.set()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=True)
    client.tls_set_context(tls)
    client.connect_timeout = FORGET_SECONDS
    client.on_connect = connected
    try:
        client.connect(host, port)
    except OSError:
        return False
    client.loop_start()
    answered.wait(FORGET_SECONDS)
    client.disconnect()
    client.loop_stop()
    return took.is_set()
