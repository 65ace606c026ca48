"""Links between network namespaces that lose, delay, queue, repeat, reorder, spoil and swallow packets, from a seed."""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from tests.network_namespace import Namespace, tun_node

HUB: Final = "10.77.0.1"
"""Address of the near end, whatever the number of links."""

_TUNSETIFF: Final = 0x400454CA
_IFF_TUN_NO_PI: Final = 0x1001
_MTU: Final = 1_500
_IPV4: Final = 4
_HEADER: Final = 20


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of a link."""

    loss: float = 0.0  # chance that a packet is dropped
    delay: float = 0.0  # s
    rate: float | None = None  # bytes/s, IP headers included
    queue: int = 65_536  # bytes that wait for the rate; a packet on top of them is dropped
    duplicate: float = 0.0  # chance that a packet comes twice
    reorder: float = 0.0  # chance that a packet is held back by `held`
    held: float = 0.05  # s
    corrupt: float = 0.0  # chance that one bit of a packet behind the IP header is turned over
    silent: bool = False  # nothing passes, and nobody is told


@dataclass(slots=True)
class Traffic:
    """What was put into one direction, and what became of it; packets but where bytes are said."""

    packets: int = 0
    bytes: int = 0
    lost: int = 0
    swallowed: int = 0  # while silent
    overflowed: int = 0
    duplicated: int = 0
    reordered: int = 0
    corrupted: int = 0
    carried_bytes: int = (
        0  # that went over the wire: past the queue, whether or not they were lost afterwards
    )


@dataclass(slots=True)
class _Direction:
    """One way of one link; each packet's fate is drawn from the seed in the order in which packets come."""

    source: int  # file descriptor
    target: int
    way: Way
    chance: random.Random
    traffic: Traffic = field(default_factory=Traffic)
    free: float = 0.0  # monotonic s when the wire is free again

    def forward(self, packet: bytes, now: float) -> list[tuple[float, bytes]]:
        """Return when which bytes come out at the other end."""
        way, traffic = self.way, self.traffic
        lost, twice, late, spoilt, bit = (self.chance.random() for _ in range(5))
        traffic.packets += 1
        traffic.bytes += len(packet)
        if way.silent:
            traffic.swallowed += 1
            return []
        leaves = now
        if way.rate is not None:
            begins = max(now, self.free)
            if (begins - now) * way.rate + len(packet) > way.queue:
                traffic.overflowed += 1
                return []
            leaves = self.free = begins + len(packet) / way.rate
        traffic.carried_bytes += len(packet)
        if lost < way.loss:
            traffic.lost += 1
            return []
        if spoilt < way.corrupt and len(packet) > _HEADER:
            traffic.corrupted += 1
            packet = _spoilt(packet, bit)
        if late < way.reorder:
            traffic.reordered += 1
            leaves += way.held
        arrivals = [(leaves + way.delay, packet)]
        if twice < way.duplicate:
            traffic.duplicated += 1
            arrivals.append((leaves + way.delay, packet))
        return arrivals


@dataclass(slots=True)
class Link:
    """One far end: what goes up to the hub, and what comes down."""

    address: str  # of the far end
    _up: _Direction
    _down: _Direction

    @property
    def up(self) -> Traffic:
        """What the far end put in."""
        return self._up.traffic

    @property
    def down(self) -> Traffic:
        """What the hub put in."""
        return self._down.traffic

    def become(self, up: Way, down: Way | None = None) -> None:
        """Change for the packets that come from now on; ``down`` is as ``up`` where it is not given."""
        self._up.way = up
        self._down.way = up if down is None else down


class Links:
    """Any number of far namespaces, each joined to one near namespace; one thread carries their packets."""

    def __init__(self, near: Namespace) -> None:
        self._near = near
        self._numbers = count(1)
        self._sources: dict[int, _Direction] = {}
        self._due: list[tuple[float, int, int, bytes]] = []
        self._order = count()
        self._poll = select.epoll()
        self._stopping = False
        self._thread = threading.Thread(target=self._carry, name="links")
        near.ip("addr", "add", f"{HUB}/32", "dev", "lo")
        self._thread.start()

    def join(self, far: Namespace, way: Way, *, seed: int) -> Link:
        """Lay a link between the near namespace and ``far``."""
        number = next(self._numbers)
        address = f"10.77.{number // 250 + 1}.{number % 250 + 1}"
        outer, inner = _tun(self._near, f"tun{number}"), _tun(far, "tun0")
        _address(self._near, f"tun{number}", HUB, address)
        _address(far, "tun0", address, HUB)
        up = _Direction(inner, outer, way, random.Random(f"{seed} up"))
        down = _Direction(outer, inner, way, random.Random(f"{seed} down"))
        for direction in (up, down):
            self._sources[direction.source] = direction
            self._poll.register(direction.source, select.EPOLLIN)
        return Link(address, up, down)

    def close(self) -> None:
        """Carry nothing any more and take the interfaces away."""
        self._stopping = True
        self._thread.join()
        self._poll.close()
        for source in self._sources:
            os.close(source)

    def _carry(self) -> None:
        while not self._stopping:
            wait = min(0.05, max(0.0, self._due[0][0] - time.monotonic())) if self._due else 0.05
            for source, _ in self._poll.poll(wait):
                self._take(self._sources[source])
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                _, _, target, packet = heapq.heappop(self._due)
                os.write(target, packet)

    def _take(self, direction: _Direction) -> None:
        while True:
            try:
                packet = os.read(direction.source, _MTU)
            except BlockingIOError:
                return
            if packet[0] >> 4 == _IPV4:  # the kernel greets neighbours in IPv6
                for at, arrival in direction.forward(packet, time.monotonic()):
                    heapq.heappush(self._due, (at, next(self._order), direction.target, arrival))


@contextmanager
def links() -> Iterator[tuple[Namespace, Links]]:
    """A near namespace and the links that begin in it; all of it is gone at the end of the block."""
    with ExitStack() as undo:
        near = Namespace()
        undo.callback(near.close)
        laid = Links(near)
        undo.callback(laid.close)
        yield near, laid


def _spoilt(packet: bytes, where: float) -> bytes:
    bit = _HEADER * 8 + int(where * (len(packet) - _HEADER) * 8)
    spoilt = bytearray(packet)
    spoilt[bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)


def _tun(namespace: Namespace, name: str) -> int:
    """Make an interface inside; packets without the kernel's segmentation, checksums complete."""

    def make() -> int:
        handle = os.open(tun_node(), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(handle, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN_NO_PI))
        return handle

    return namespace.call(make)


def _address(namespace: Namespace, name: str, own: str, other: str) -> None:
    if own != HUB:
        namespace.ip("addr", "add", f"{own}/32", "dev", name)
    namespace.ip("link", "set", "dev", name, "mtu", str(_MTU), "up")
    namespace.ip("route", "add", f"{other}/32", "dev", name, "src", own)
