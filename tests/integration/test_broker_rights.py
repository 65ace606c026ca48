"""What a handset may do at the broker: its own two topics and nothing else, on both brokers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from compline_hub.link import broker as broker_module
from compline_hub.link.broker import ChildBroker
from compline_hub.link.broker_files import HUB_USER, Listener, Password, nats_files
from compline_shared.ids import HandsetId
from compline_shared.topics import UP_FILTER, down, up
from tests.running_hub import BROKERS, SECONDS, Client, broker_user, free_port

MINE = HandsetId("a" * 16)
OTHER = HandsetId("b" * 16)
STRANGER = HandsetId("c" * 16)


def password(user: str) -> str:
    return hashlib.sha256(user.encode()).hexdigest()


@dataclass(slots=True)
class Office:
    """A running broker that lets MINE and OTHER in."""

    broker: ChildBroker
    port: int


@pytest.fixture(params=BROKERS)
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    product: Literal["nats", "mosquitto"] = "nats" if request.param == "embedded" else "mosquitto"
    listener = Listener("127.0.0.1", free_port(), tmp_path, user=broker_user())
    broker = ChildBroker(product, listener, password)
    await broker.start([MINE, OTHER])
    yield Office(broker, listener.port)
    await broker.stop()


@contextmanager
def _client(office: Office, user: str, topic: str) -> Iterator[Client]:
    client = Client(user, password(user))
    try:
        assert client.connect(office.port)
        assert client.subscribe(topic)
        yield client
    finally:
        client.close()


async def test_broker_when_a_handset_publishes_as_another_then_the_hub_never_gets_it(office: Office) -> None:
    with _client(office, HUB_USER, UP_FILTER) as hub, _client(office, MINE, down(MINE)) as client:
        client.publish(up(OTHER), b"forged")
        client.publish(up(MINE), b"own")  # control: its own topic works

        assert hub.arrived.get(timeout=SECONDS) == (up(MINE), b"own")


async def test_broker_when_a_handset_forges_a_receipt_then_the_other_never_gets_it(office: Office) -> None:
    with (
        _client(office, HUB_USER, UP_FILTER) as hub,
        _client(office, MINE, down(MINE)) as client,
        _client(office, OTHER, down(OTHER)) as victim,
    ):
        client.publish(down(OTHER), b"forged")
        client.publish(up(MINE), b"after it")
        hub.arrived.get(timeout=SECONDS)
        hub.publish(down(OTHER), b"true")  # control: the hub may

        assert victim.arrived.get(timeout=SECONDS) == (down(OTHER), b"true")


@pytest.mark.parametrize(
    "topic",
    ["#", "+/+/+/+", UP_FILTER, "compline/#", "compline/1/+/down", "$MQTT/#", "$MQTT/sub/#", down(OTHER)],
)
async def test_broker_when_a_handset_listens_beyond_its_topic_then_it_hears_nothing_of_others(
    office: Office, topic: str
) -> None:
    with (
        _client(office, HUB_USER, UP_FILTER) as hub,
        _client(office, OTHER, down(OTHER)) as victim,
        _client(office, MINE, down(MINE)) as spy,
    ):
        spy.subscribe(topic)
        victim.publish(up(OTHER), b"secret up")
        hub.arrived.get(timeout=SECONDS)
        hub.publish(down(OTHER), b"secret down")
        victim.arrived.get(timeout=SECONDS)
        hub.publish(down(MINE), b"own")  # control: its own topic works

        assert spy.arrived.get(timeout=SECONDS) == (down(MINE), b"own")


async def test_broker_when_the_password_is_wrong_then_nobody_gets_in(office: Office) -> None:
    thief = Client(MINE, "wrong")

    inside = thief.connect(office.port)
    thief.close()

    assert not inside


async def test_broker_when_a_handset_is_enrolled_later_then_it_gets_in_and_others_stay(
    office: Office,
) -> None:
    with _client(office, HUB_USER, UP_FILTER) as hub, _client(office, MINE, down(MINE)) as client:
        stranger = Client(STRANGER, password(STRANGER))
        before = stranger.connect(office.port)

        await office.broker.reload([MINE, OTHER, STRANGER])
        stranger.wait_until_in()
        stranger.publish(up(STRANGER), b"hello")
        heard = hub.arrived.get(timeout=SECONDS)
        stranger.close()

        assert not before
        assert heard == (up(STRANGER), b"hello")
        assert client.connected.empty()  # it did not have to connect again


async def test_broker_when_the_hub_is_away_then_frames_wait_for_it(office: Office) -> None:
    with _client(office, HUB_USER, UP_FILTER):
        pass
    with _client(office, MINE, down(MINE)) as client:
        client.publish(up(MINE), b"while away")
        client.acknowledged.get(timeout=SECONDS)
    hub = Client(HUB_USER, password(HUB_USER))

    hub.connect(office.port)
    heard = hub.arrived.get(timeout=SECONDS)
    hub.close()

    assert heard == (up(MINE), b"while away")


async def test_rights_control_when_the_configuration_grants_everything_then_the_spy_hears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(broker_module.FILES, "nats", _without_rights)
    broker = ChildBroker("nats", Listener("127.0.0.1", free_port(), tmp_path), password)
    await broker.start([MINE, OTHER])
    office = Office(broker, broker.listener.port)
    with _client(office, HUB_USER, UP_FILTER) as hub, _client(office, MINE, down(OTHER)) as spy:
        hub.publish(down(OTHER), b"secret down")

        assert spy.arrived.get(timeout=SECONDS) == (down(OTHER), b"secret down")
    await broker.stop()


def _without_rights(listener: Listener, handsets: Sequence[HandsetId], secret: Password) -> dict[str, str]:
    (text,) = nats_files(listener, handsets, secret).values()
    return {"nats.conf": re.sub(r"permissions: \{.*\} \}", "}", text)}
