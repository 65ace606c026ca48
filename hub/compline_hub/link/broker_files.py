"""Configuration of a broker in which every handset may use its own two topics and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from compline_hub.core.authority import HUB_USER
from compline_shared.certificates import Certificate, read_certificate
from compline_shared.ids import HandsetId
from compline_shared.topics import UP_FILTER, down, up

DOWN_FILTER = "compline/1/+/down"
MAX_FRAME = 65_536  # bytes of one batch
TLS_SECONDS = 10  # that a handshake may take
QOS_1 = "$MQTT.sub.>"
"""Where NATS delivers QoS 1 to whoever subscribes to it; its manual has them need it, 2.15 does without."""

MAX_STORED = 512 * 2**20  # bytes that a broker keeps for absent clients


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the broker listens for MQTT and where it keeps its files."""

    host: str
    port: int
    folder: Path
    user: str = ""  # system user that mosquitto stays when started by root; empty = its own default
    hubs: tuple[str, ...] = (HUB_USER,)  # what the processes of the hub are called


@dataclass(frozen=True, slots=True, repr=False)
class BrokerTls:
    """What a broker proves itself with and checks clients by, PEM; the repr shows none of it."""

    authorities: str  # of handsets and of the hub, one after another
    certificate: str
    key: str

    def __repr__(self) -> str:
        return "BrokerTls(********)"

    def files(self) -> dict[str, str]:
        """File name -> text."""
        return {"ca.crt": self.authorities, "broker.crt": self.certificate, "broker.key": self.key}


def broker_tls(
    server: Certificate, key: ec.EllipticCurvePrivateKey, authorities: Sequence[bytes]
) -> BrokerTls:
    """Return what a broker gets: the server's certificate and key, and the authorities (DER) of clients."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    return BrokerTls("".join(read_certificate(one).pem for one in authorities), server.pem, pem)


def nats_files(listener: Listener, handsets: Sequence[HandsetId], tls: BrokerTls) -> dict[str, str]:
    """Return file name -> text for a NATS server with an MQTT listener.

    A client is whom its certificate names; user names and passwords in CONNECT count for nothing. NATS maps `a/b` to
    the subject `a.b` and `+` to `*`. Users may come in by MQTT only, not by NATS' own protocol.

    For each subscription at QoS 1 NATS keeps a consumer on its disk, which it looks at for each message. Only the hub
    listens so: with 10,000 of them receipts took 30 s (ADR 0009). NATS cannot be told to refuse that to others.
    """
    users = [_nats_user(n, _subject(DOWN_FILTER), _subject(UP_FILTER), _quoted(QOS_1)) for n in listener.hubs]
    users += [_nats_user(h, _subject(up(h)), _subject(down(h))) for h in handsets]
    lines = ",\n        ".join(users)
    folder = listener.folder
    text = f"""# Written by compline-hub; changes are lost.
# certificate: {_fingerprint(tls)}
server_name: compline
pid_file: {_quoted(folder / "nats.pid")}
listen: "127.0.0.1:-1"
max_payload: {2 * MAX_FRAME}
jetstream {{
    store_dir: {_quoted(folder / "nats")}
    max_memory_store: 16777216
    max_file_store: {MAX_STORED}
}}
mqtt {{
    listen: {_quoted(f"{_bracketed(listener.host)}:{listener.port}")}
    ack_wait: "30s"
    max_ack_pending: 100
    tls {{
        cert_file: {_quoted(folder / "broker.crt")}
        key_file: {_quoted(folder / "broker.key")}
        ca_file: {_quoted(folder / "ca.crt")}
        verify_and_map: true
        min_version: "1.3"
        timeout: {TLS_SECONDS}
    }}
}}
accounts {{
    COMPLINE {{
        jetstream: enabled
        users: [
        {lines}
        ]
    }}
}}
"""
    return {**tls.files(), "nats.conf": text}


def mosquitto_files(listener: Listener, handsets: Sequence[HandsetId], tls: BrokerTls) -> dict[str, str]:
    """Return file name -> text for mosquitto 2: its configuration and access files.

    A client is whom its certificate names, and its client id is that name, so that no handset can take another's
    session. Whoever has a certificate but no rights may connect, and neither publish nor hear anything. Its own default
    would drop messages for an absent hub after 1,000 of them (measured: 236,000 of 460,000 lost), so the queue is
    bounded by bytes here.
    """
    folder = listener.folder
    config = f"""# Written by compline-hub; changes are lost.
# certificate: {_fingerprint(tls)}
{f"user {listener.user}" if listener.user else "# user: the broker's default"}
pid_file {folder / "mosquitto.pid"}
per_listener_settings false
listener {listener.port} {listener.host}
tls_version tlsv1.3
cafile {folder / "ca.crt"}
certfile {folder / "broker.crt"}
keyfile {folder / "broker.key"}
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file {folder / "mosquitto.acl"}
persistence true
persistence_location {folder / "mosquitto"}/
autosave_interval 30
max_packet_size {2 * MAX_FRAME}
max_inflight_messages 100
max_queued_messages 0
max_queued_bytes {MAX_STORED}
log_dest stderr
log_type error
log_type warning
"""
    rights = [_mosquitto_user(name, write=DOWN_FILTER, read=UP_FILTER) for name in listener.hubs]
    rights += [_mosquitto_user(h, write=up(h), read=down(h)) for h in handsets]
    return {**tls.files(), "mosquitto.conf": config, "mosquitto.acl": "\n".join(rights)}


def write_files(folder: Path, files: dict[str, str]) -> bool:
    """Write each file with mode 0600, each whole or not at all; return whether any changed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    changed = False
    for name, text in files.items():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        temporary = path.with_name(f"{name}.new")
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        temporary.replace(path)
        changed = True
    return changed


def _nats_user(name: str, publish: str, *subscribe: str) -> str:
    return (
        f"{{ user: {_quoted(f'CN={name}')}, allowed_connection_types: [MQTT], "
        f"permissions: {{ publish: [{publish}], subscribe: [{', '.join(subscribe)}] }} }}"
    )


def _subject(topic: str) -> str:
    return _quoted(topic.replace("/", ".").replace("+", "*"))


def _quoted(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)


def _mosquitto_user(name: str, *, write: str, read: str) -> str:
    return f"user {name}\ntopic write {write}\ntopic read {read}\n"


def _fingerprint(tls: BrokerTls) -> str:
    """Names the certificates in the configuration, so that others are a change that the broker is told of."""
    return hashlib.sha256((tls.certificate + tls.authorities).encode()).hexdigest()[:16]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
