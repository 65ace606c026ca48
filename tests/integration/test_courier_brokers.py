"""The courier delivers through real brokers, through deafness, kills and lies."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compline_edge.link.discovery import Finder
from compline_edge.link.errors import Unreachable
from compline_edge.link.mqtt import MqttCarrier
from compline_edge.ports import Address
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.errors import StorageFailing
from compline_edge.vault.home import Home
from compline_edge.vault.identity import create_identity
from compline_hub.link.broker import Product
from compline_shared.batch import Batch, Outcome, Receipt, pack, pack_receipt
from compline_shared.courier import Offline, Online, SealedEntry
from compline_shared.ids import BindingId
from compline_shared.outbox import GRAIN, KEEP_SETTLED
from compline_shared.p256 import point_of
from compline_shared.reports import sign_report
from compline_shared.taxonomy import Severity
from tests.branch import FAST, Broker, HubEnd, at, courier_of, keeper_of, running, until
from tests.homes import HubKeys, SystemClock, enrolled, opened
from tests.running_hub import free_port
from tests.verdicts import draft

WITHIN = 30.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return opened(enrolled(tmp_path))


@pytest.fixture(params=get_args(Product))
async def broker(request: pytest.FixtureRequest, tmp_path: Path, home: Home) -> AsyncIterator[Broker]:
    broker = Broker(request.param, tmp_path)
    await broker.start(home.place.handset)
    yield broker
    await broker.stop()
    home.close()


@pytest.fixture
async def hub(broker: Broker, home: Home, tmp_path: Path) -> AsyncIterator[HubEnd]:
    hub = HubEnd(broker.port, create_identity(tmp_path / "home"))
    yield hub
    await asyncio.to_thread(hub.close)


def judge(home: Home, count: int, *, severity: Severity = Severity.WARNING) -> None:
    for _ in range(count):
        home.ledger.record(draft(severity=severity), None)


def frame_of(home: Home, count: int) -> bytes:
    """The first entries of the outbox as one batch."""
    due = home.outbox.due(after=0, limit=count)
    entries = tuple(entry.ciphertext for entry in due)
    batch = Batch(home.place, due[0].enc, due[0].header, due[0].seq, entries, due[-1].head)
    return pack(batch, home.identity.signing)


async def test_courier_when_verdicts_are_judged_then_hub_has_them_and_they_settle(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    async with running(courier_of(home, broker.port, tmp_path / "home")) as courier:
        await asyncio.to_thread(judge, home, 30)
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert hub.verdicts == home.vault.verdicts()
    assert (home.outbox.settled, home.outbox.due_bytes) == (30, 0)


async def test_courier_when_fifty_are_due_then_one_batch_carries_them(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    judge(home, 50)
    async with running(courier_of(home, broker.port, tmp_path / "home")) as courier:
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert len(hub.frames) == 1


async def test_courier_when_broker_is_killed_then_everything_arrives_once(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    async with running(courier_of(home, broker.port, tmp_path / "home")) as courier:
        await asyncio.to_thread(judge, home, 5)
        await asyncio.wait_for(courier.all_settled(), WITHIN)
        await broker.kill()
        await asyncio.to_thread(judge, home, 5)
        await broker.start()
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert hub.verdicts == home.vault.verdicts()


async def test_courier_when_hub_was_deaf_then_sends_again(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    hub.deaf_to = 2
    judge(home, 3, severity=Severity.VETO)
    async with running(courier_of(home, broker.port, tmp_path / "home")) as courier:
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert hub.verdicts == home.vault.verdicts()


async def test_courier_when_agent_starts_anew_then_goes_on_where_receipts_end(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    judge(home, 3)
    async with running(courier_of(home, broker.port, tmp_path / "home")) as courier:
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    judge(home, 2)
    async with running(courier_of(home, broker.port, tmp_path / "home")) as courier:
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert hub.verdicts == home.vault.verdicts()
    assert len(hub.frames) == 2


async def test_courier_when_hub_came_back_from_a_backup_then_sends_what_it_forgot(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    judge(home, 6)
    async with running(courier_of(home, broker.port, tmp_path / "home")) as courier:
        await asyncio.wait_for(courier.all_settled(), WITHIN)
        hub.forget_after(2)
        await asyncio.to_thread(judge, home, 1)
        await until(lambda: len(hub.verdicts) == 7)
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert hub.verdicts == home.vault.verdicts()


async def test_courier_when_receipts_are_forged_then_nothing_settles(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    hub.signing = Ed25519PrivateKey.generate()
    judge(home, 2)
    async with running(courier_of(home, broker.port, tmp_path / "home")):
        await until(lambda: len(hub.frames) >= 2)
    assert (home.outbox.settled, len(hub.verdicts)) == (0, 2)


async def test_courier_when_hub_has_another_past_then_it_sends_no_verdicts_and_still_reports(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    hub._heads = [bytes(32)]
    judge(home, 1, severity=Severity.VETO)
    async with running(courier_of(home, broker.port, tmp_path / "home")) as courier:
        await until(lambda: courier.disputed)
        sent = len(hub.frames)
        judge(home, 1, severity=Severity.VETO)
        report = sign_report(home.binding.report(owed=2, last_seq=2), home.identity.signing)
        await until(lambda: isinstance(courier.link, Online))
        courier.post(report)
        await until(lambda: len(hub.reports) == 1)
    assert hub.frames[sent:] == [report]
    assert home.outbox.settled == 0


async def test_courier_when_the_hub_was_put_back_to_before_what_is_kept_then_it_disputes_and_lives_on(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    judge(home, 6)
    now = time.time()
    home.outbox.settle(3, now=now - KEEP_SETTLED - 2 * GRAIN)
    home.outbox.settle(6, now=now)  # 1 to 3 are kept no longer, and the hub has nothing
    gap = Receipt(home.place.handset, home.place.binding, 0, hub._chain.genesis, Outcome.GAP)
    pace = replace(FAST, answer=0.5)
    async with running(courier_of(home, broker.port, tmp_path / "home", pace=pace)) as courier:
        await until(lambda: isinstance(courier.link, Online))
        for _ in range(2):  # as to each report
            hub.send(home.place.handset, pack_receipt(gap, hub.signing))
            await asyncio.sleep(0.8)
        await until(lambda: courier.disputed)
        assert isinstance(courier.link, Online)
    assert home.outbox.settled == 6


class Failing:
    """An outbox whose disk does not read for a while."""

    def __init__(self, home: Home, failures: int) -> None:
        self._outbox = home.outbox
        self.failures = failures

    def __getattr__(self, name: str) -> object:
        return getattr(self._outbox, name)

    def due(self, *, after: int, limit: int) -> Sequence[SealedEntry]:
        if self.failures:
            self.failures -= 1
            raise StorageFailing(StorageFailing.__doc__)
        return self._outbox.due(after=after, limit=limit)


async def test_courier_when_the_disk_does_not_read_then_it_tries_again(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline_edge.link.courier.ROOM_RETRY", 0.1)
    courier = courier_of(home, broker.port, tmp_path / "home")
    failing = Failing(home, 3)
    courier._entries = failing  # type: ignore[assignment]
    judge(home, 2)
    async with running(courier):
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert (failing.failures, len(hub.verdicts)) == (0, 2)


class WrongClock(SystemClock):
    """A clock that is some years off."""

    def __init__(self, years: float) -> None:
        self._off = years * 31_557_600

    def now(self) -> float:
        return super().now() + self._off


async def test_courier_when_its_clock_is_years_behind_then_delivers(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    judge(home, 1)
    async with running(courier_of(home, broker.port, tmp_path / "home", clock=WrongClock(-40))) as courier:
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert home.outbox.settled == 1


async def test_courier_when_its_clock_is_years_ahead_then_stays_offline_owes_and_wants_the_hubs_time(
    home: Home, broker: Broker, tmp_path: Path
) -> None:
    judge(home, 1)
    keeper = keeper_of(home, tmp_path / "home", clock=WrongClock(40))
    courier = courier_of(home, broker.port, tmp_path / "home")
    courier._carrier = MqttCarrier(home.place.handset, keeper)
    async with running(courier):
        await until(lambda: isinstance(courier.link, Offline) and courier.link.misses >= 2)
    assert home.outbox.due_bytes > 0
    assert keeper.renewal_due


async def test_courier_when_its_certificate_has_ended_then_stays_offline_and_owes(
    home: Home, broker: Broker, tmp_path: Path
) -> None:
    ended = HubKeys().certify(home.place.handset, point_of(home.identity.tls), now=time.time() - 31 * 86_400)
    CertificateStore(tmp_path / "home").keep(ended, hub_time=int(time.time()))
    judge(home, 1)
    async with running(courier_of(home, broker.port, tmp_path / "home")) as courier:
        await until(lambda: isinstance(courier.link, Offline) and courier.link.misses >= 2)
    assert home.outbox.due_bytes > 0


async def test_courier_when_broker_goes_then_offline_is_a_state(
    home: Home, broker: Broker, tmp_path: Path
) -> None:
    async with running(courier_of(home, broker.port, tmp_path / "home")) as courier:
        await until(lambda: isinstance(courier.link, Online))
        await broker.kill()
        await until(lambda: not isinstance(courier.link, Online))
        await broker.start()
        await until(lambda: isinstance(courier.link, Online))


async def test_courier_when_frames_are_no_receipts_of_this_binding_then_dropped(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    foreign = Receipt(home.place.handset, BindingId("f" * 16), up_to=1, head=bytes(32), outcome=Outcome.FORK)
    async with running(courier_of(home, broker.port, tmp_path / "home")) as courier:
        await until(lambda: isinstance(courier.link, Online))
        hub.send(home.place.handset, b"noise")
        hub.send(home.place.handset, pack_receipt(foreign, hub.signing))
        await asyncio.to_thread(judge, home, 1)
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert hub.verdicts == home.vault.verdicts()


async def test_courier_when_no_hub_is_found_then_tries_again(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    found: list[Sequence[Address]] = [(), (), (Address("127.0.0.1", broker.port),)]
    judge(home, 1)
    courier = courier_of(home, broker.port, tmp_path / "home")

    async def find() -> Sequence[Address]:
        return found.pop(0)

    courier._find = find
    async with running(courier):
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert found == []


@pytest.mark.parametrize("own", [0, 1])
async def test_courier_when_the_network_names_other_hubs_too_then_it_gets_to_its_own(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path, own: int
) -> None:
    """As it does with the hub moved: every other attempt goes to where the handset last met it."""
    judge(home, 1)
    courier = courier_of(home, broker.port, tmp_path / "home")
    named = [Address("127.0.0.1", free_port())]
    named.insert(own, Address("127.0.0.1", broker.port))
    courier._find = Finder(Address("127.0.0.1", free_port()), at(*named))
    async with running(courier):
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert hub.verdicts == home.vault.verdicts()


async def test_courier_when_others_answer_without_a_word_then_an_attempt_ends_and_the_next_goes_on_behind_them(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes a connection and stays silent costs an attempt's time, and may name himself by zeroconf often."""
    monkeypatch.setattr("compline_edge.link.courier.ATTEMPT", 0.3)
    monkeypatch.setattr("compline_edge.link.mqtt.STEP", 0.4)
    judge(home, 1)
    courier = courier_of(home, broker.port, tmp_path / "home")
    with ExitStack() as open_ports:
        silent = [open_ports.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        named = [Address("127.0.0.1", server.getsockname()[1]) for server in silent]
        courier._find = at(*named, Address("127.0.0.1", broker.port))
        async with running(courier):
            await until(lambda: courier._knocked == {named[0]})  # the first attempt's time is over
            await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert hub.verdicts == home.vault.verdicts()
    assert courier._knocked == set()


async def test_carrier_when_nobody_listens_then_unreachable(home: Home, tmp_path: Path) -> None:
    carrier = MqttCarrier(home.place.handset, keeper_of(home, tmp_path / "home"))
    address = Address("127.0.0.1", free_port())
    with pytest.raises(Unreachable):
        await asyncio.to_thread(carrier.connect, address, on_frame=lambda _: None, on_lost=lambda: None)
    home.close()


async def test_carrier_when_not_connected_then_what_it_is_handed_never_arrives(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    judge(home, 1)
    courier = courier_of(home, broker.port, tmp_path / "home")
    courier._carrier.send(b"early")
    async with running(courier):
        await asyncio.wait_for(courier.all_settled(), WITHIN)
    assert (len(hub.frames), b"early" in hub.frames) == (1, False)


def stands_still(process_id: int) -> bool:
    """Whether every thread of a process is stopped."""
    threads = Path(f"/proc/{process_id}/task").glob("*/stat")
    return all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in threads)


async def test_carrier_when_a_broker_dies_with_frames_unacknowledged_then_paho_sends_none_of_them_again(
    home: Home, broker: Broker, hub: HubEnd, tmp_path: Path
) -> None:
    judge(home, 2)
    unacknowledged, afterwards = frame_of(home, 1), frame_of(home, 2)
    carrier = MqttCarrier(home.place.handset, keeper_of(home, tmp_path / "home"))
    lost = asyncio.Event()
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.call_soon_threadsafe(lost.set)

    async def connect() -> None:
        await asyncio.to_thread(
            carrier.connect,
            Address("127.0.0.1", broker.port),
            on_frame=lambda _: None,
            on_lost=gone,
        )

    await connect()
    os.kill(broker.process_id, signal.SIGSTOP)
    await until(lambda: stands_still(broker.process_id))
    carrier.send(unacknowledged)
    assert not carrier.carried
    await broker.kill()
    await asyncio.wait_for(lost.wait(), WITHIN)
    await broker.start()
    await connect()
    async with asyncio.timeout(WITHIN):
        while afterwards not in hub.frames:  # mosquitto has forgotten the hub's session too
            carrier.send(afterwards)
            await asyncio.sleep(0.2)
    await until(lambda: carrier.carried)
    await asyncio.to_thread(carrier.close)
    assert unacknowledged not in hub.frames
