"""Configuration of a broker in which every handset may use its own two topics and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bcrypt

from compline_shared.ids import HandsetId
from compline_shared.topics import UP_FILTER, down, up

HUB_USER = "hub"
DOWN_FILTER = "compline/1/+/down"
MAX_FRAME = 65_536  # bytes of one batch
MAX_STORED = 512 * 2**20  # bytes that a broker keeps for absent clients
Password = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the broker listens for MQTT and where it keeps its files."""

    host: str
    port: int
    folder: Path
    user: str = ""  # system user that mosquitto stays when started by root; empty = its own default


_BCRYPT_LETTERS = str.maketrans(
    "+", "."
)  # bcrypt's base64 has other letters; which stands for what does not matter


def nats_files(listener: Listener, handsets: Sequence[HandsetId], password: Password) -> dict[str, str]:
    """Return file name -> text for a NATS server with an MQTT listener.

    NATS maps `a/b` to the subject `a.b` and `+` to `*`. An MQTT client subscribes beside its topics to
    `$MQTT.sub.>`, where QoS 1 messages are delivered to it. Passwords stand there as bcrypt. Users may come in by
    MQTT only, not by NATS' own protocol.
    """
    users = [_nats_user(HUB_USER, password(HUB_USER), publish=DOWN_FILTER, subscribe=UP_FILTER)]
    users += [_nats_user(h, password(h), publish=up(h), subscribe=down(h)) for h in handsets]
    lines = ",\n        ".join(users)
    text = f"""# Written by compline-hub; changes are lost.
server_name: compline
pid_file: {_quoted(listener.folder / "nats.pid")}
listen: "127.0.0.1:-1"
max_payload: {2 * MAX_FRAME}
jetstream {{
    store_dir: {_quoted(listener.folder / "nats")}
    max_memory_store: 16777216
    max_file_store: {MAX_STORED}
}}
mqtt {{
    listen: {_quoted(f"{listener.host}:{listener.port}")}
    ack_wait: "30s"
    max_ack_pending: 100
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
    return {"nats.conf": text}


def mosquitto_files(listener: Listener, handsets: Sequence[HandsetId], password: Password) -> dict[str, str]:
    """Return file name -> text for mosquitto 2: its configuration, password and access files.

    Its own default would drop messages for an absent hub after 1,000 of them (measured: 236,000 of 460,000 lost),
    so the queue is bounded by bytes here. A client id must be the user name, so that no handset can take
    another's session.
    """
    folder = listener.folder
    config = f"""# Written by compline-hub; changes are lost.
{f"user {listener.user}" if listener.user else "# user: the broker's default"}
pid_file {folder / "mosquitto.pid"}
per_listener_settings false
listener {listener.port} {listener.host}
allow_anonymous false
use_username_as_clientid true
password_file {folder / "mosquitto.passwd"}
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
    rights = [_mosquitto_user(HUB_USER, write=DOWN_FILTER, read=UP_FILTER)]
    rights += [_mosquitto_user(h, write=up(h), read=down(h)) for h in handsets]
    passwords = "".join(f"{user}:{_pbkdf2(password(user))}\n" for user in (HUB_USER, *handsets))
    return {"mosquitto.conf": config, "mosquitto.acl": "\n".join(rights), "mosquitto.passwd": passwords}


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


def _nats_user(name: str, password: str, *, publish: str, subscribe: str) -> str:
    return (
        f"{{ user: {_quoted(name)}, password: {_quoted(_bcrypt(password))}, allowed_connection_types: [MQTT], "
        f'permissions: {{ publish: [{_subject(publish)}], subscribe: [{_subject(subscribe)}, "$MQTT.sub.>"] }} }}'
    )


def _subject(topic: str) -> str:
    return _quoted(topic.replace("/", ".").replace("+", "*"))


def _quoted(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)


def _mosquitto_user(name: str, *, write: str, read: str) -> str:
    return f"user {name}\ntopic write {write}\ntopic read {read}\n"


def _bcrypt(password: str) -> str:
    """NATS' form: bcrypt at its lowest cost, since the password has 256 bits.

    The salt comes from the password, so that unchanged users give an unchanged file.
    """
    salt = base64.b64encode(hashlib.sha256(b"bcrypt\x00" + password.encode()).digest()[:16]).decode()
    letters = (
        salt.rstrip("=").translate(_BCRYPT_LETTERS)[:21] + "u"
    )  # the last of 22 letters carries two bits only
    return bcrypt.hashpw(password.encode(), f"$2a$04${letters}".encode()).decode()


def _pbkdf2(password: str, *, rounds: int = 101) -> str:
    """Mosquitto 2's `$7$` form: PBKDF2-SHA-512, 101 rounds as its own tool writes; the password has 256 bits.

    The salt comes from the password, so that unchanged users give an unchanged file.
    """
    salt = hashlib.sha256(b"salt\x00" + password.encode()).digest()[:12]
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
