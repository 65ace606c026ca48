"""The bad links do what they say, and nothing of them stays behind."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
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
    with links() as (near, laid), ExitStack() as undo:
        far = Namespace()
        undo.callback(far.close)
        link = laid.join(far, Way(), seed=seed)
        server = undo.enter_context(near.call(lambda: socket.create_server((HUB, 5_000))))
        client = undo.enter_context(far.call(lambda: socket.create_connection((HUB, 5_000), timeout=30.0)))
        accepted = undo.enter_context(server.accept()[0])
        accepted.settimeout(30.0)
        link.become(way)
        yield client, accepted, link, near


def carry(client: socket.socket, accepted: socket.socket, data: bytes) -> bytes:
    """Send all of it and return what came."""
    client.setblocking(False)
    accepted.settimeout(0.02)
    came, left = bytearray(), memoryview(data)
    while len(came) < len(data):
        with suppress(BlockingIOError):
            left = left[client.send(left) :] if left else left
        with suppress(TimeoutError):
            came += accepted.recv(65_536)
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


def fails_over_a_link() -> None:
    with connected(Way()):
        assert kept_open()
        raise ZeroDivisionError


def kept_open() -> list[str]:
    """What keeps a namespace or an interface alive here: descriptors and threads."""
    descriptors = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    held = [name for name in descriptors if name.startswith("net:") or name == "/dev/net/tun"]
    return held + [thread.name for thread in threading.enumerate() if thread.name == "links"]


def test_links_when_their_test_fails_then_nothing_keeps_a_namespace_or_an_interface_alive() -> None:
    with pytest.raises(ZeroDivisionError):
        fails_over_a_link()
    assert kept_open() == []
