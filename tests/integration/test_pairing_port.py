"""The pairing port bounds what anybody may send, how long, and how often."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from compline_edge.link.tls import stranger_context
from compline_hub.link import pairing_port
from compline_hub.link.pairing_port import MAX_PER_ADDRESS
from compline_shared.pairing import MAX_UP, Joined, Renew, write_up
from tests.pairing_hub import PairingHub, handset, joined, pairing_hub

SECONDS = 20.0


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[PairingHub]:
    with pairing_hub(tmp_path) as hub:
        yield hub


def connected(hub: PairingHub) -> ssl.SSLSocket:
    plain = socket.create_connection(hub.address, timeout=SECONDS)
    return stranger_context().wrap_socket(plain)


def framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(2, "big") + payload


def ends(connection: ssl.SSLSocket) -> bool:
    """Whether the hub closes without an answer."""
    try:
        return connection.recv(1) == b""
    except (ssl.SSLError, ConnectionError):
        return True


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x00",
        (MAX_UP + 1).to_bytes(2, "big"),
        b"\xff\xff" + bytes(2_000),
        framed(b"garbage"),
        framed(write_up(Joined())),
        framed(write_up(Joined()) + b"\x00"),
    ],
)
def test_port_when_what_comes_is_no_message_then_closed_and_the_next_handset_joins(
    hub: PairingHub, tmp_path: Path, sent: bytes
) -> None:
    with connected(hub) as connection:
        connection.sendall(sent)
        assert ends(connection)

    joined(handset(tmp_path), hub.offer().invitation)


def test_port_when_tls_is_older_than_1_3_then_refused(hub: PairingHub) -> None:
    old = stranger_context()
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(hub.address) as plain, pytest.raises(ssl.SSLError):
        old.wrap_socket(plain)


def test_port_when_nothing_is_said_then_closed_in_time(
    hub: PairingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairing_port, "SECONDS", 0.2)
    with connected(hub) as connection:
        connection.sendall(b"\x00")
        assert ends(connection)


def test_port_when_one_address_connects_too_often_then_closed_and_free_again_later(
    hub: PairingHub, tmp_path: Path
) -> None:
    with ExitStack() as held:
        for _ in range(MAX_PER_ADDRESS):
            connection = held.enter_context(connected(hub))
            connection.sendall(framed(write_up(Renew(bytes(8), bytes(16))))[:5])
        with connected(hub) as one_more:
            assert ends(one_more)

    joined(handset(tmp_path), hub.offer().invitation)


def test_port_when_the_handset_is_unknown_then_refused_in_one_message(hub: PairingHub) -> None:
    with connected(hub) as connection:
        connection.sendall(framed(write_up(Renew(bytes(8), bytes(16)))))
        assert connection.recv(64)
        assert ends(connection)
