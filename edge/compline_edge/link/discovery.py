"""Finds the hub on the LAN by zeroconf: a hint where to knock, never a reason to trust."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Final

from zeroconf import InterfaceChoice, IPVersion, ServiceListener, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from compline_edge.ports import Address

SERVICE: Final = "_compline._tcp.local."
MAX_SERVICES: Final = 32
"""Adverts that one search looks at."""

_SETTLE = 1.5  # s to wait for further adverts after the first that fits: RFC 6762 lets a responder wait 1 s
_RESOLVE = 2_000  # ms


class Door(Enum):
    """Which of a hub's ports is meant."""

    BROKER = "broker"
    PAIRING = "pairing"


async def find_hub(
    name: str | None,
    *,
    door: Door = Door.BROKER,
    within: float = 4.0,
    interfaces: Sequence[str] | None = None,
) -> tuple[Address, ...]:
    """Return where hubs that call themselves ``name`` (None: any) say they listen, at most 32, within some seconds.

    ``interfaces`` are the IPv4 addresses of the interfaces to ask on, None for all. Empty where nobody answers or
    there is no network. A false hub may answer too: it can make a connection fail, and what is sent to it is sealed
    and signed.
    """
    asked = InterfaceChoice.All if interfaces is None else list(interfaces)
    found: asyncio.Queue[str] = asyncio.Queue(maxsize=MAX_SERVICES)
    addresses: list[Address] = []
    with suppress(OSError, TimeoutError):
        async with AsyncZeroconf(interfaces=asked, ip_version=IPVersion.V4Only) as zeroconf:
            browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE, listener=_Listener(found))
            try:
                async with asyncio.timeout(within) as limit:
                    for _ in range(MAX_SERVICES):
                        address = await _resolved(zeroconf, await found.get(), name, door)
                        if address is not None and address not in addresses:
                            addresses.append(address)
                            limit.reschedule(asyncio.get_running_loop().time() + _SETTLE)
            finally:
                await browser.async_cancel()
    return tuple(addresses)


class Finder:
    """Where the handset last met its hub, and where the network says that the hub is, in turn."""

    def __init__(self, known: Address | None, discover: Callable[[], Awaitable[Sequence[Address]]]) -> None:
        self._known = known
        self._discover = discover
        self._asks_network = False

    async def __call__(self) -> Sequence[Address]:
        """Return where to try now, one after another."""
        asks, self._asks_network = self._asks_network, not self._asks_network
        if self._known is not None and not asks:
            return (self._known,)
        return await self._discover() or ((self._known,) if self._known else ())


class _Listener(ServiceListener):
    """Puts the names of services that appear into a bounded queue."""

    def __init__(self, found: asyncio.Queue[str]) -> None:
        self._found = found

    def add_service(self, _zeroconf: Zeroconf, _kind: str, name: str) -> None:
        if not self._found.full():
            self._found.put_nowait(name)

    def update_service(self, _zeroconf: Zeroconf, _kind: str, _name: str) -> None:
        """Changes of an advert do not matter within one search."""

    def remove_service(self, _zeroconf: Zeroconf, _kind: str, _name: str) -> None:
        """A hub that leaves fails to answer; that is noticed at connecting."""


async def _resolved(zeroconf: AsyncZeroconf, service: str, name: str | None, door: Door) -> Address | None:
    info = AsyncServiceInfo(SERVICE, service)
    if not await info.async_request(zeroconf.zeroconf, _RESOLVE) or info.port is None:
        return None
    said = info.decoded_properties
    if name is not None and said.get("hub") != name:
        return None
    port = info.port if door is Door.BROKER else _port(said.get("pair"))
    hosts = info.parsed_addresses(IPVersion.V4Only)
    return Address(host=hosts[0], port=port) if hosts and port else None


def _port(text: str | None) -> int | None:
    port = int(text) if text and len(text) <= 5 and text.isascii() and text.isdecimal() else 0
    return port if 0 < port < 65_536 else None
