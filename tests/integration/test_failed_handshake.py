"""A TLS handshake that breaks off leaves no open socket behind, at handset and hub."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from compline_edge.link.tls import handset_context
from compline_hub.link.tls import link_context
from compline_shared.p256 import point_of
from tests.homes import HubKeys

KEYS = HubKeys()
KEY = ec.generate_private_key(ec.SECP256R1())
CONTEXTS = {
    "handset": handset_context(KEYS.public.authorities, KEYS.certify("a" * 16, point_of(KEY)), KEY),
    "hub": link_context(KEYS.certificates, KEYS.all),
}


@contextmanager
def met_by_one_that_hangs_up() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        hanging_up = threading.Thread(target=lambda: server.accept()[0].close())
        hanging_up.start()
        try:
            yield socket.create_connection(server.getsockname())
        finally:
            hanging_up.join()


@pytest.mark.parametrize("side", CONTEXTS)
def test_handshake_when_the_other_side_hangs_up_then_the_socket_is_closed(side: str) -> None:
    """As paho connects: it drops the socket where this raises."""
    with met_by_one_that_hangs_up() as plain:
        wrapped = CONTEXTS[side].wrap_socket(plain, do_handshake_on_connect=False)
        with pytest.raises(OSError, match=r"EOF|reset|Broken"):
            wrapped.do_handshake()

    assert wrapped.fileno() == -1


def test_control_handshake_when_it_is_pythons_own_socket_then_it_stays_open() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with (
        met_by_one_that_hangs_up() as plain,
        context.wrap_socket(plain, do_handshake_on_connect=False, server_hostname="hub") as wrapped,
    ):
        with pytest.raises(OSError, match=r"EOF|reset|Broken"):
            wrapped.do_handshake()
        assert wrapped.fileno() != -1
