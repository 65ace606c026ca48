"""What the operating system says of its interfaces and its battery, in namespaces of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOOK = """
import json, sys
from compline_edge.link.conditions import MachineConditions
seen = MachineConditions(hub=sys.argv[1], metered=sys.argv[2]).look()
print(json.dumps([seen.network.value, seen.address, seen.battery_low]))
"""
WLAN = (
    "ip link add wlan0 type veth peer name peer0; ip link set peer0 up; ip link set wlan0 up;"
    " ip addr add 10.77.0.5/24 dev wlan0"
)
MOBILE = WLAN.replace("wlan0", "rmnet0").replace("peer0", "peer1").replace("10.77", "10.88")
HUB = "10.77.0.1"
SUPPLIES = "/sys/class/power_supply"


def may_make_namespaces() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run(["unshare", "--net", "--mount", "true"], check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not may_make_namespaces(), reason="making network namespaces needs root, unshare and ip"
)


def seen(*setup: str, hub: str = HUB, metered: str = "auto") -> tuple[str, str, bool]:
    """Look from within new namespaces in which some commands were run."""
    script = "; ".join(("set -e", "ip link set lo up", *setup, f'exec "$0" -c "$1" {hub!r} {metered}'))
    command = ["unshare", "--net", "--mount", "sh", "-c", script, sys.executable, LOOK]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    network, address, low = json.loads(done.stdout)
    return network, address, low


def battery(folder: Path, *, percent: int, status: str) -> str:
    """Return a command that shows a battery in place of the machine's own supplies."""
    shown = folder / "BAT0"
    shown.mkdir(parents=True)
    said = {
        "type": "Battery",
        "status": status,
        "capacity": percent,
        "energy_now": percent,
        "energy_full": 100,
    }
    for name, value in said.items():
        (shown / name).write_text(f"{value}\n")
    return f"mount --bind {folder} {SUPPLIES}"


def test_network_when_no_interface_is_up_then_none() -> None:
    assert seen()[:2] == ("none", "")


def test_network_when_wireless_lan_leads_to_the_hub_then_free() -> None:
    assert seen(WLAN)[:2] == ("free", "10.77.0.5")


def test_network_when_a_mobile_network_leads_to_the_hub_then_metered() -> None:
    assert seen(MOBILE, "ip route add default dev rmnet0")[:2] == ("metered", "10.88.0.5")


def test_network_when_both_are_there_then_the_one_that_leads_to_the_hub_counts() -> None:
    assert seen(WLAN, MOBILE, "ip route add default dev rmnet0")[:2] == ("free", "10.77.0.5")
    assert seen(WLAN, MOBILE, "ip route add default dev rmnet0", hub="10.99.0.1")[0] == "metered"


def test_network_when_no_route_leads_to_where_the_hub_was_then_there_is_one_all_the_same() -> None:
    assert seen(WLAN, hub="10.99.0.1")[:2] == ("free", "10.77.0.5")


def test_network_when_the_interface_is_down_then_none() -> None:
    assert seen(WLAN, "ip link set wlan0 down")[0] == "none"


def test_network_when_the_settings_say_it_then_metered_or_not() -> None:
    assert seen(WLAN, metered="yes")[0] == "metered"
    assert seen(MOBILE, "ip route add default dev rmnet0", metered="no")[0] == "free"


def test_network_when_hub_and_agent_share_a_machine_then_free() -> None:
    assert seen(hub="127.0.0.1")[:2] == ("free", "127.0.0.1")


@pytest.mark.skipif(not Path(SUPPLIES).is_dir(), reason="this kernel tells nothing of power supplies")
@pytest.mark.parametrize(
    ("percent", "status", "low"),
    [
        (15, "Discharging", True),
        (16, "Discharging", False),
        (5, "Charging", False),
        (5, "Not charging", True),
    ],
)
def test_battery_when_looked_at_then_low_where_it_is_and_nothing_charges_it(
    tmp_path: Path, percent: int, status: str, low: bool
) -> None:
    assert seen(battery(tmp_path / "supplies", percent=percent, status=status))[2] is low


def test_battery_when_there_is_none_then_not_low() -> None:
    assert seen()[2] is False


def test_conditions_when_the_system_tells_nothing_then_nothing_is_put_off() -> None:
    assert seen(WLAN, "mount -t tmpfs none /sys/class") == ("free", "10.77.0.5", False)
    assert seen(WLAN, "mount -t tmpfs none /proc")[::2] == ("free", False)
