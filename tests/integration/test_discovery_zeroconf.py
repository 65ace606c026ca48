"""The handset finds the hub that its grant names, by its advert on the loopback interface."""

from __future__ import annotations

import socket
import time

import pytest
from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from compline_edge.link.discovery import SERVICE, Door, find_hub
from compline_edge.ports import Address
from compline_hub.link.advert import Advert

LOOPBACK = ["127.0.0.1"]


def advert(name: str, *, fingerprint: str, port: int) -> Advert:
    return Advert(
        hub_name=name, fingerprint=fingerprint, interface="127.0.0.1", port=port, pairing_port=port + 100
    )


async def test_discovery_when_two_hubs_advertise_then_finds_the_named_one() -> None:
    ours = advert("东门营业部", fingerprint="aa11", port=18_831)
    other = advert("西门营业部", fingerprint="bb22", port=18_832)
    await ours.start()
    await other.start()
    try:
        found = await find_hub("东门营业部", within=10.0, interfaces=LOOPBACK)
    finally:
        await ours.stop()
        await other.stop()
    assert found == (Address("127.0.0.1", 18_831),)


async def test_discovery_when_a_false_hub_takes_the_name_then_both_are_hints() -> None:
    ours = advert("南门营业部", fingerprint="cc33", port=18_833)
    false = advert("南门营业部", fingerprint="dd44", port=18_834)
    await ours.start()
    await false.start()
    try:
        found = await find_hub("南门营业部", within=10.0, interfaces=LOOPBACK)
    finally:
        await ours.stop()
        await false.stop()
    assert set(found) == {Address("127.0.0.1", 18_833), Address("127.0.0.1", 18_834)}


async def test_discovery_when_pairing_is_meant_then_any_hubs_pairing_port() -> None:
    ours = advert("后门营业部", fingerprint="ee55", port=18_835)
    await ours.start()
    try:
        found = await find_hub(None, door=Door.PAIRING, within=10.0, interfaces=LOOPBACK)
    finally:
        await ours.stop()
    assert Address("127.0.0.1", 18_935) in found


@pytest.mark.parametrize("said", [None, "", "x", "0", "65536", "-1", "٣", "99999999"])
async def test_discovery_when_an_advert_names_no_pairing_port_then_passed_over(said: str | None) -> None:
    info = ServiceInfo(
        SERVICE,
        f"compline-aa77.{SERVICE}",
        addresses=[socket.inet_aton("127.0.0.1")],
        port=2,
        properties={"hub": "无门营业部"} | ({} if said is None else {"pair": said}),
        server="aa77.local.",
    )
    async with AsyncZeroconf(interfaces=LOOPBACK, ip_version=IPVersion.V4Only) as zeroconf:
        await zeroconf.async_register_service(info)
        assert await find_hub("无门营业部", door=Door.PAIRING, within=1.5, interfaces=LOOPBACK) == ()
        await zeroconf.async_unregister_all_services()


async def test_discovery_when_nobody_answers_then_nothing_in_time() -> None:
    started = time.monotonic()
    assert await find_hub("北门营业部", within=0.3, interfaces=LOOPBACK) == ()
    assert time.monotonic() - started < 5.0


async def test_discovery_when_an_advert_has_no_address_then_passed_over() -> None:
    info = ServiceInfo(
        SERVICE,
        f"compline-ff66.{SERVICE}",
        addresses=[socket.inet_pton(socket.AF_INET6, "::1")],
        port=2,
        properties={"hub": "中门营业部"},
        server="ff66.local.",
    )
    async with AsyncZeroconf(interfaces=LOOPBACK, ip_version=IPVersion.V4Only) as zeroconf:
        await zeroconf.async_register_service(info)
        assert await find_hub("中门营业部", within=2.5, interfaces=LOOPBACK) == ()
        await zeroconf.async_unregister_all_services()
