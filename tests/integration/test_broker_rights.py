"""Who gets into the broker and what a handset may do there: its own two topics and nothing else, on both brokers."""

from __future__ import annotations

import queue
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from paho.mqtt.enums import CallbackAPIVersion

from compline_edge.link.tls import handset_context, hub_context, shown_by
from compline_hub.core.authority import HUB_USER, refreshed
from compline_hub.link import broker as broker_module
from compline_hub.link.broker import ChildBroker, Product
from compline_hub.link.broker_files import BrokerTls, Listener, broker_tls, nats_files
from compline_hub.link.tls import link_context
from compline_shared.ids import HandsetId
from compline_shared.p256 import point_of
from compline_shared.topics import UP_FILTER, down, handset_of, up
from tests.branch import until
from tests.homes import HubKeys
from tests.running_hub import BROKERS, SECONDS, Client, broker_user, free_port

MINE = HandsetId("a" * 16)
OTHER = HandsetId("b" * 16)
STRANGER = HandsetId("c" * 16)


KEYS = HubKeys()
FOREIGN = HubKeys(b"another hub")
KEY = ec.generate_private_key(ec.SECP256R1())
"""One key for all handsets of this file: the broker goes by the certificate's name."""
DAY = 86_400


def context(user: str, *, keys: HubKeys = KEYS, now: float | None = None) -> ssl.SSLContext:
    """What a client of this name speaks TLS with, its certificate by `keys` and made at `now`."""
    if user == HUB_USER:
        return link_context(KEYS.certificates, KEYS.all)
    certificate = keys.certify(user, point_of(KEY), now=now)
    return handset_context(KEYS.public.authorities, certificate, KEY)


@dataclass(slots=True)
class Office:
    """A running broker that lets MINE and OTHER in."""

    broker: ChildBroker
    port: int


@asynccontextmanager
async def _open(folder: Path, product: Product = "nats") -> AsyncIterator[Office]:
    listener = Listener("127.0.0.1", free_port(), folder, user=broker_user())
    broker = ChildBroker(product, listener, lambda: KEYS.tls)
    await broker.start([MINE, OTHER])
    try:
        yield Office(broker, listener.port)
    finally:
        await broker.stop()


@pytest.fixture(params=BROKERS)
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    async with _open(tmp_path, "nats" if request.param == "embedded" else "mosquitto") as office:
        yield office


@pytest.fixture
async def careless_office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """The control: NATS by a configuration that grants everything to whoever is let in."""
    monkeypatch.setitem(broker_module.FILES, "nats", _without_rights)
    async with _open(tmp_path) as office:
        yield office


@contextmanager
def _client(office: Office, user: str, topic: str) -> Iterator[Client]:
    client = Client(user, context(user))
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


def _gets_in(office: Office, user: str, tls: ssl.SSLContext, hub: Client) -> bool:
    """Whether a client hears what the hub sends to `user`; mosquitto lets one in that it then tells nothing."""
    client = Client(user, tls)
    try:
        if not client.connect(office.port) or not client.subscribe(down(HandsetId(user))):
            return False
        hub.publish(down(HandsetId(user)), b"for you")
        return client.arrived.get(timeout=1.0) == (down(HandsetId(user)), b"for you")
    except queue.Empty:
        return False
    finally:
        client.close()


@pytest.fixture
def hub(office: Office) -> Iterator[Client]:
    with _client(office, HUB_USER, UP_FILTER) as client:
        yield client


async def test_broker_when_the_certificate_is_good_then_its_owner_gets_in(
    office: Office, hub: Client
) -> None:
    assert _gets_in(office, MINE, context(MINE), hub)  # control of the refusals below


async def test_broker_when_there_is_no_certificate_then_nobody_gets_in(office: Office, hub: Client) -> None:
    assert not _gets_in(office, MINE, hub_context(KEYS.public.authorities), hub)


async def test_broker_when_another_authority_made_it_then_nobody_gets_in(office: Office, hub: Client) -> None:
    assert not _gets_in(office, MINE, context(MINE, keys=FOREIGN), hub)


async def test_broker_when_the_certificate_has_ended_then_nobody_gets_in(office: Office, hub: Client) -> None:
    assert not _gets_in(office, MINE, context(MINE, now=time.time() - 31 * DAY), hub)


async def test_broker_when_the_connection_is_not_encrypted_then_nobody_gets_in(office: Office) -> None:
    plain = paho.Client(CallbackAPIVersion.VERSION2, client_id=MINE)
    entered: queue.Queue[bool] = queue.Queue()
    plain.on_connect = lambda _c, _d, _f, reason, _p: entered.put(not reason.is_failure)
    plain.on_disconnect = lambda _c, _d, _f, _r, _p: entered.put(False)
    plain.connect("127.0.0.1", office.port)
    plain.loop_start()

    inside = entered.get(timeout=SECONDS)
    plain.disconnect()
    plain.loop_stop()

    assert not inside


async def test_broker_when_tls_is_older_than_1_3_then_nobody_gets_in(office: Office) -> None:
    old = context(MINE)
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", office.port)) as connection, pytest.raises(ssl.SSLError):
        old.wrap_socket(connection)


async def test_broker_when_connect_names_another_user_then_the_certificate_counts(
    office: Office, hub: Client
) -> None:
    with _client(office, OTHER, down(OTHER)) as victim:
        liar = Client(MINE, context(MINE), client_id="liar")
        liar.client.username_pw_set(f"CN={OTHER}", "")
        liar.connect(office.port)
        liar.subscribe(down(OTHER))
        hub.publish(down(OTHER), b"for the other")  # control: whom it is for hears it
        heard = victim.arrived.get(timeout=SECONDS)
        liar.close()

        assert heard == (down(OTHER), b"for the other")
        assert liar.arrived.empty()


async def test_broker_when_a_handset_takes_anothers_session_then_it_hears_nothing_of_it(
    office: Office, hub: Client
) -> None:
    await _take_session(office, hub)


async def test_rights_control_when_the_configuration_grants_everything_then_who_takes_a_session_hears(
    careless_office: Office,
) -> None:
    with _client(careless_office, HUB_USER, UP_FILTER) as hub, pytest.raises(AssertionError, match="heard"):
        await _take_session(careless_office, hub)


async def _take_session(office: Office, hub: Client) -> None:
    """OTHER leaves a session that is kept, as earlier versions did; MINE asks for it by its client id."""
    victim = Client(OTHER, context(OTHER), lasting=True)
    assert victim.connect(office.port)
    assert victim.subscribe(down(OTHER))
    victim.close()
    hub.publish(down(OTHER), b"for the other")
    thief = Client(MINE, context(MINE), client_id=OTHER, lasting=True)
    assert thief.connect(office.port)
    hub.publish(down(OTHER), b"more for the other")
    thief.subscribe(down(MINE))
    await until(lambda: _control_heard(hub, thief))
    thief.close()
    heard = {topic for topic, _ in thief.arrived.queue}
    assert heard <= {down(MINE)}, f"heard {heard}"


def _control_heard(hub: Client, thief: Client) -> bool:
    hub.publish(down(MINE), b"own")
    return any(topic == down(MINE) for topic, _ in list(thief.arrived.queue))


async def test_broker_when_a_handset_is_removed_then_it_hears_and_says_nothing_more(
    office: Office, hub: Client
) -> None:
    with _client(office, MINE, down(MINE)) as removed, _client(office, OTHER, down(OTHER)) as stays:
        await until(lambda: _heard(hub, removed, stays, b"before") == {MINE, OTHER})  # control

        await office.broker.reload([OTHER])
        await until(lambda: _heard(hub, removed, stays, b"meanwhile") == {OTHER})
        heard = set.union(*(_heard(hub, removed, stays, b"after") for _ in range(5)))
        hub.publish(down(MINE), b"late")
        hub.publish(down(OTHER), b"control")

        assert heard == {OTHER}
        assert stays.arrived.get(timeout=SECONDS) == (down(OTHER), b"control")
        assert removed.arrived.empty()
        assert stays.connected.empty()  # it did not have to connect again


def _heard(hub: Client, first: Client, last: Client, word: bytes) -> set[str]:
    """Whom the hub hears say the word before it hears the last, who speaks last."""
    first.publish(up(MINE), word)
    with suppress(queue.Empty):  # whoever is let in no more gets no acknowledgement
        first.acknowledged.get(timeout=0.5)
    last.publish(up(OTHER), word)
    heard: set[str] = set()
    while OTHER not in heard:
        topic, said = hub.arrived.get(timeout=SECONDS)
        heard |= {handset_of(topic)} if said == word else set()
    return heard


async def test_broker_when_its_certificate_is_renewed_then_new_handshakes_show_it_and_nobody_is_dropped(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = refreshed(
        KEYS.certificates, KEYS.all, names=("hub.lan",), now=int(time.time()), serials=count(70)
    )
    with _client(office, MINE, down(MINE)) as client, _client(office, HUB_USER, UP_FILTER) as hub:
        before = _shown(office)
        monkeypatch.setattr(
            office.broker, "_tls", lambda: broker_tls(later.server, KEYS.all.tls, KEYS.public.authorities)
        )

        await office.broker.reload([MINE, OTHER])
        await until(lambda: _shown(office) == later.server.der)
        client.publish(up(MINE), b"still here")
        hub.arrived.get(timeout=SECONDS)

        assert before == KEYS.certificates.server.der
        assert client.connected.empty()


def _shown(office: Office) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", office.port)) as connection,
        context(MINE).wrap_socket(connection) as tls,
    ):
        return shown_by(tls)


async def test_broker_when_a_handset_is_enrolled_later_then_it_gets_in_and_others_stay(
    office: Office, hub: Client
) -> None:
    with _client(office, MINE, down(MINE)) as client:
        before = _gets_in(office, STRANGER, context(STRANGER), hub)

        await office.broker.reload([MINE, OTHER, STRANGER])
        await until(lambda: _gets_in(office, STRANGER, context(STRANGER), hub))
        stranger = Client(STRANGER, context(STRANGER))
        stranger.connect(office.port)
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
    hub = Client(HUB_USER, context(HUB_USER))

    hub.connect(office.port)
    heard = hub.arrived.get(timeout=SECONDS)
    hub.close()

    assert heard == (up(MINE), b"while away")


async def test_rights_control_when_the_configuration_grants_everything_then_the_spy_hears(
    careless_office: Office,
) -> None:
    with (
        _client(careless_office, HUB_USER, UP_FILTER) as hub,
        _client(careless_office, MINE, down(OTHER)) as spy,
    ):
        hub.publish(down(OTHER), b"secret down")

        assert spy.arrived.get(timeout=SECONDS) == (down(OTHER), b"secret down")


def _without_rights(listener: Listener, handsets: Sequence[HandsetId], tls: BrokerTls) -> dict[str, str]:
    files = nats_files(listener, handsets, tls)
    return {**files, "nats.conf": re.sub(r"permissions: \{.*\} \}", "}", files["nats.conf"])}


async def test_broker_when_the_hub_says_much_at_once_then_a_handset_hears_all_of_it_in_order(
    office: Office, hub: Client
) -> None:
    """At QoS 0 a broker may drop what it has no room for; nothing is dropped of what one handset can be owed."""
    said = [b"%d" % number + bytes(400) for number in range(1_000)]
    with _client(office, MINE, down(MINE)) as client:
        for each in said:
            hub.publish(down(MINE), each)

        assert [client.arrived.get(timeout=SECONDS) for _ in said] == [(down(MINE), each) for each in said]


async def test_nats_when_handsets_listen_then_it_keeps_a_consumer_for_the_hub_alone(tmp_path: Path) -> None:
    """Each is a file on the broker's disk, which every message of anybody's is held to."""
    consumers = tmp_path / "nats" / "jetstream" / "COMPLINE" / "streams" / "$MQTT_msgs" / "obs"
    async with _open(tmp_path) as office:
        with _client(office, HUB_USER, UP_FILTER), _client(office, MINE, down(MINE)) as client:
            with _client(office, OTHER, down(OTHER)):
                kept = len(list(consumers.iterdir()))
            client.client.subscribe(down(MINE), qos=1)
            client.granted.get(timeout=SECONDS)
            control = len(list(consumers.iterdir()))

    assert (kept, control) == (1, 2)
