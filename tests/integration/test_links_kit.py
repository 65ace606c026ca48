"""The bad links do what they say, and nothing of them stays behind."""

from __future__ import annotations

import gc
import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bad_link import HUB, Link, Way, _Direction, links
from tests.far_branch import needs_links
from tests.network_namespace import Namespace

pytestmark = needs_links
SIZE = 200_000


@contextmanager
def connected(way: Way, *, seed: int = 1) -> Iterator[tuple[socket.socket, socket.socket, Link, Namespace]]:
    """A TCP connection over a link that is good until it stands: far end, near end."""
    with links() as (near, laid):
        far = Namespace()
        link = laid.join(far, Way(), seed=seed)
        with near.call(lambda: socket.create_server((HUB, 5_000))) as server:
            client = far.call(lambda: socket.create_connection((HUB, 5_000), timeout=30.0))
            accepted, _ = server.accept()
            accepted.settimeout(30.0)
            link.become(way)
            with client, accepted:
                yield client, accepted, link, near
        far.close()


def carry(client: socket.socket, accepted: socket.socket, data: bytes) -> bytes:
    """Send all of it, close, and return what came."""
    client.setblocking(False)
    came, left = bytearray(), memoryview(data)
    accepted.settimeout(0.02)
    while len(came) < len(data):
        try:
            left = left[client.send(left) :] if left else left
        except BlockingIOError:
            pass
        try:
            came += accepted.recv(65_536)
        except TimeoutError:
            pass
    return bytes(came)


def fates(seed: str) -> list[int]:
    """How often each of 2,000 packets comes out."""
    way = Way(loss=0.3, duplicate=0.1, reorder=0.1, corrupt=0.1)
    direction = _Direction(0, 0, way, random.Random(seed))
    return [len(direction.forward(bytes(100), 0.0)) for _ in range(2_000)]


def test_link_when_the_seed_is_the_same_then_so_is_each_packets_fate() -> None:
    assert fates("1 up") == fates("1 up")
    assert fates("1 up") != fates("2 up")
    assert 0.27 < fates("1 up").count(0) / 2_000 < 0.33


def test_link_when_packets_are_lost_repeated_held_and_spoilt_then_tcp_carries_every_byte() -> None:
    data = random.Random(1).randbytes(SIZE)
    way = Way(loss=0.05, duplicate=0.1, reorder=0.1, corrupt=0.05, held=0.01, delay=0.002)
    with connected(way) as (client, accepted, link, near):
        assert carry(client, accepted, data) == data
        told = near.read("snmp").split("Tcp: ")
        refused = dict(zip(told[1].split(), told[2].splitlines()[0].split(), strict=True))["InCsumErrors"]
    up = link.up
    assert min(up.lost, up.duplicated, up.reordered, up.corrupted) > 0
    assert int(refused) > 0  # the kernel, not the link, threw spoilt packets away


def test_link_when_it_has_a_rate_then_bytes_take_their_time_and_wait_in_a_bounded_queue() -> None:
    with connected(Way(rate=100_000, queue=8_000)) as (client, accepted, link, _):
        began = time.monotonic()
        carry(client, accepted, bytes(SIZE))
        assert time.monotonic() - began >= (link.up.carried_bytes - 8_000) / 100_000
    assert link.up.overflowed > 0


def test_link_when_silent_then_both_ends_keep_their_sockets_and_hear_nothing() -> None:
    with connected(Way(silent=True)) as (client, accepted, link, _):
        client.sendall(b"word")
        accepted.settimeout(0.5)
        with pytest.raises(TimeoutError):
            accepted.recv(4)
        link.become(Way())
        accepted.settimeout(10.0)
        assert accepted.recv(4) == b"word"  # nobody had given up
    assert link.up.swallowed > 0


def test_links_when_their_test_fails_then_namespaces_and_interfaces_are_gone() -> None:
    with pytest.raises(ZeroDivisionError), connected(Way()) as (_, _, _, near):
        inside = os.stat(near.fd).st_ino
        raise ZeroDivisionError
    gc.collect()
    everybodys = {name.stat().st_ino for name in Path("/proc").glob("[0-9]*/task/*/ns/net") if name.exists()}
    assert inside not in everybodys
    assert "tun1" not in os.listdir("/sys/class/net")
