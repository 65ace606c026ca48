"""Says on the local network where the hub is; an address hint that proves nothing."""

from __future__ import annotations

import socket

import structlog
from zeroconf import Error as ZeroconfError
from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

SERVICE = "_compline._tcp.local."
_log = structlog.get_logger("compline_hub.advert")


class Advert:
    """One zeroconf service, sent on the network of one of this machine's addresses."""

    def __init__(
        self, *, hub_name: str, fingerprint: str, interface: str, port: int, pairing_port: int
    ) -> None:
        self._interface = interface
        self._info = ServiceInfo(
            SERVICE,
            f"compline-{fingerprint}.{SERVICE}",
            addresses=[socket.inet_aton(interface)],
            port=port,
            properties={"hub": hub_name, "pair": str(pairing_port)},
            server=f"compline-{fingerprint}.local.",
        )
        self._zeroconf: AsyncZeroconf | None = None

    async def start(self) -> None:
        """Announce; a network that does not let us is logged and does not stop the hub."""
        try:
            _require_own(self._interface)
            self._zeroconf = AsyncZeroconf(interfaces=[self._interface], ip_version=IPVersion.V4Only)
            await self._zeroconf.async_register_service(self._info, allow_name_change=True)
        except (OSError, ZeroconfError) as error:
            _log.warning("advert_failed", error=type(error).__name__)
            await self.stop()
        else:
            _log.info("advert_started", interface=self._interface)

    async def stop(self) -> None:
        """Take the advert back."""
        if self._zeroconf is not None:
            await self._zeroconf.async_unregister_all_services()
            await self._zeroconf.async_close()
            self._zeroconf = None


def _require_own(address: str) -> None:
    """Raise OSError unless this machine has the address; zeroconf would leave a socket open when it finds out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
