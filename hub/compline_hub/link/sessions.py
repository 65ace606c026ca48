"""Names the sessions of the hub's processes at the broker, and ends those of processes that are gone."""

from __future__ import annotations

import hmac
import os
import secrets
import ssl
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

FORGET_SECONDS = 5.0
NAMED_BY = "session.secret"


def client_id(folder: Path, user: str) -> str:
    """Return what a process of the hub is called at the broker, at most 23 characters, the same at each start.

    Whoever connects to NATS under somebody's client id ends his connection, whatever his certificate says: nobody can
    guess this one. `folder` is the broker's: the secret that names are derived from lies beside what the broker keeps
    under them, so that neither outlives the other. It is made where it is lacking.
    """
    secret = folder / NAMED_BY
    if not secret.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(secret)
    return f"{user}-{hmac.digest(secret.read_bytes(), user.encode(), 'sha256')[:8].hex()}"


def _make(secret: Path) -> None:
    """Make it whole or not at all, once, whoever else does so at this moment."""
    handle, fresh = tempfile.mkstemp(prefix=f"{NAMED_BY}.", dir=secret.parent)  # nobody else's to read
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())  # an empty one could be guessed
    with suppress(FileExistsError):
        secret.hardlink_to(fresh)
    Path(fresh).unlink()


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
