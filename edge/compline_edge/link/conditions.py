"""Looks at this machine's network interfaces and battery."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import closing
from fnmatch import fnmatchcase
from typing import Final, Literal, TypeAlias

import psutil

from compline_edge.core.conditions import LOW_BATTERY, Conditions, Network

MOBILE: Final = ("rmnet*", "ccmni*", "wwan*", "wwp*", "ppp*", "pdp*", "clat*", "v4-rmnet*", "usb*")
"""Names of interfaces to a mobile network: Qualcomm's, MediaTek's, Linux' own, dial-up, and a tethered phone."""

Metered: TypeAlias = Literal["auto", "yes", "no"]
_NOWHERE: Final = "192.0.2.1"
"""Reserved for documentation (RFC 5737): a route to it is the default route. Nothing is ever sent."""


class MachineConditions:
    """The `Surroundings` port over the operating system's own account of itself."""

    def __init__(self, *, hub: str = "", metered: Metered = "auto") -> None:
        """``hub`` is where the hub was last; ``metered`` says it for all networks, or by interface where `auto`."""
        self._target = hub if _is_ipv4(hub) else _NOWHERE
        self._metered = metered

    def look(self) -> Conditions:
        """Return how network and battery stand now; takes about a millisecond and sends nothing.

        What the system does not tell is taken for the best: a network that costs nothing, and no low battery.
        """
        network, address = self._network()
        return Conditions(network, address, battery_low())

    def _network(self) -> tuple[Network, str]:
        here = _source_towards(self._target)
        try:
            names = _addresses()
        except OSError:
            names = {}
            if here is None:
                return Network.FREE, ""
        if here is None:
            outside = sorted(address for address in names if not ipaddress.ip_address(address).is_loopback)
            if not outside:
                return Network.NONE, ""
            here = outside[0]  # no route to where the hub was: it may be elsewhere by now
        return (Network.METERED if self._costs(names.get(here, "")) else Network.FREE), here

    def _costs(self, interface: str) -> bool:
        if self._metered != "auto":
            return self._metered == "yes"
        return any(fnmatchcase(interface, pattern) for pattern in MOBILE)


def charging() -> bool:
    """Whether the machine is known to be on a charger or the mains, or has no battery."""
    try:
        battery = psutil.sensors_battery()
    except OSError:
        return False
    return battery is None or battery.power_plugged is True


def battery_low() -> bool:
    """Whether there is a battery that is low and not being charged."""
    try:
        battery = psutil.sensors_battery()
    except OSError:
        return False
    return battery is not None and battery.power_plugged is not True and battery.percent <= LOW_BATTERY


def _addresses() -> dict[str, str]:
    """Return the interface of each IPv4 address that is up."""
    states = psutil.net_if_stats()
    return {
        address.address: name
        for name, addresses in psutil.net_if_addrs().items()
        if name in states and states[name].isup
        for address in addresses
        if address.family == socket.AF_INET
    }


def _source_towards(target: str) -> str | None:
    """Return the address that a packet to ``target`` would leave from, None where there is no route."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect((target, 9))  # sets the address alone: UDP sends nothing before it is told to
        except OSError:
            return None
        return str(probe.getsockname()[0])


def _is_ipv4(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 4
    except ValueError:
        return False
