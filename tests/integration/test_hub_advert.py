"""The hub says on the network where it is, and takes it back."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from compline_hub.link.advert import SERVICE, Advert


@pytest.fixture
def advert() -> Advert:
    return Advert(
        hub_name="城南网点", fingerprint="0a1b2c3d", interface="127.0.0.1", port=8461, pairing_port=8462
    )


async def test_advert_when_started_then_a_handset_finds_address_port_and_name(advert: Advert) -> None:
    await advert.start()
    seeker = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    info = AsyncServiceInfo(SERVICE, f"compline-0a1b2c3d.{SERVICE}")

    async with asyncio.timeout(20):
        found = await info.async_request(seeker.zeroconf, 10_000)
    await seeker.async_close()
    await advert.stop()

    assert found
    assert (info.parsed_addresses(), info.port) == (["127.0.0.1"], 8461)
    assert info.decoded_properties == {"hub": "城南网点", "pair": "8462"}


async def test_advert_when_the_address_is_not_this_machines_then_it_is_logged_and_the_hub_goes_on() -> None:
    advert = Advert(hub_name="x", fingerprint="00000000", interface="203.0.113.9", port=1, pairing_port=2)

    with capture_logs() as events:
        await advert.start()
        await advert.stop()

    assert [(event["event"], event["error"]) for event in events] == [("advert_failed", "OSError")]
