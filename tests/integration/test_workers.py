"""A further process takes verdicts in beside a hub, on either broker, and the hub does its work when it is gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from compline_hub.app import init_hub
from compline_hub.core.authority import HUB_USER
from compline_hub.core.shares import share_of, user_of
from compline_hub.errors import HubBusy, HubNotReady
from compline_hub.link import broker as broker_module
from compline_hub.link import broker_files
from compline_hub.settings import HubSettings
from compline_hub.work import work
from compline_hub.worker_locks import absent_workers, only_worker
from compline_shared.batch import Outcome, Receipt
from compline_shared.ids import HandsetId
from compline_shared.topics import up
from tests.edge_program import eventually
from tests.postgres_server import Database
from tests.running_hub import MOSQUITTO, SECONDS, Client, deliver, hub_settings, joined_client, running_hub
from tests.wire_handset import WireHandset, drafts

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "compline-hub")
OF_THE_WORKER = "00000000000000f1"  # odd ids fall to number 2 of two
OF_THE_HUB = "00000000000000f2"


@contextmanager
def worker(settings: HubSettings, number: int = 2) -> Iterator[subprocess.Popen[bytes]]:
    """A worker's process, from when it says that it works; killed at the end of the block."""
    chosen = {
        f"COMPLINE_HUB_{name.upper()}": str(getattr(settings, name))
        for name in ("data_dir", "database", "broker", "mqtt_port", "workers", "log_level")
    }
    running = subprocess.Popen(
        [PROGRAM, "work", str(number)],
        cwd=settings.data,
        env={**os.environ, **chosen, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert running.stdout is not None
    try:
        assert b"takes verdicts in" in running.stdout.readline()
        yield running
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def settled(client: Client, handset: WireHandset, last: int) -> Receipt:
    """Send until a receipt says so: that of an earlier frame may still be under way."""
    return next(
        r for r in iter(lambda: deliver(client, handset, handset.frame(1, last)), None) if r.up_to == last
    )


def events(folder: Path) -> list[str]:
    return [json.loads(line)["event"] for line in (folder / "hub.jsonl").read_text().splitlines()]


@pytest.fixture
def settings(broker: str, tmp_path: Path, database: Database) -> HubSettings:
    return hub_settings(tmp_path, broker=broker, database=database.url, workers=2, log_level="info")


NO_MOSQUITTO = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
on_brokers_and_databases = pytest.mark.parametrize(
    ("broker", "database"),
    [
        ("embedded", "sqlite"),
        pytest.param("mosquitto", "postgresql", marks=NO_MOSQUITTO),
        pytest.param("embedded", "postgresql", marks=pytest.mark.prove),
        pytest.param("mosquitto", "sqlite", marks=[pytest.mark.prove, NO_MOSQUITTO]),
    ],
    indirect=["database"],
)


@on_brokers_and_databases
def test_worker_when_it_runs_then_it_answers_its_handsets_alone_and_the_page_shows_what_it_took(
    settings: HubSettings,
) -> None:
    mine, other = WireHandset(OF_THE_WORKER), WireHandset(OF_THE_HUB)
    with running_hub(settings) as hub, worker(settings):
        logs = settings.data / "logs"
        eventually(lambda: "shares_changed" in events(logs), "the hub leaves the share", within=SECONDS)
        eventually(lambda: "broker_connected" in events(logs / "worker-2"), "it hears", within=SECONDS)
        with httpx.stream("GET", f"{hub.page}api/stream?after=0", timeout=SECONDS) as page:
            for name, handset in (("Desk 7", mine), ("Desk 8", other)):
                hub.enrol(handset, name)
                handset.judge(*drafts(3))
            with joined_client(hub, mine) as client:
                receipt = deliver(client, mine, mine.frame())
            taken_by_the_hub = events(logs).count("batches_taken")
            with joined_client(hub, other) as client:
                deliver(client, other, other.frame())
            shown = [line for line in _lines(page, until=6) if line.startswith("data: {")]

        assert (receipt.outcome, receipt.up_to, receipt.head) == (Outcome.TAKEN, 3, mine.heads[3])
        assert events(logs / "worker-2").count("batches_taken") >= 1
        assert (taken_by_the_hub, events(logs).count("batches_taken") >= 1) == (0, True)
        assert sum(OF_THE_WORKER in line for line in shown) == 3


def test_worker_when_the_broker_does_not_let_it_listen_then_it_ends_and_its_handsets_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where somebody had the broker keep all the sessions that it has room for."""
    full = broker_files.nats_files
    monkeypatch.setitem(broker_module.FILES, "nats", lambda *given: _with_room_for_one(full(*given)))
    settings, handset = hub_settings(tmp_path, workers=2, log_level="info"), WireHandset(OF_THE_WORKER)
    with running_hub(settings) as hub:
        eventually(lambda: "broker_connected" in events(settings.data / "logs"), "it hears", within=SECONDS)
        with worker(settings) as refused:
            assert refused.wait(SECONDS) == 1
        hub.enrol(handset)
        handset.judge(*drafts(1))
        with joined_client(hub, handset) as client:
            assert deliver(client, handset, handset.frame()).up_to == 1


def _with_room_for_one(files: dict[str, str]) -> dict[str, str]:
    text = files["nats.conf"].replace("jetstream: enabled", "jetstream: { max_consumers: 1 }")
    assert text != files["nats.conf"]
    return {**files, "nats.conf": text}


@on_brokers_and_databases
def test_worker_when_it_is_killed_then_the_hub_takes_over_and_leaves_it_its_share_when_it_is_back(
    settings: HubSettings,
) -> None:
    handset = WireHandset(OF_THE_WORKER)
    logs = settings.data / "logs"
    with running_hub(settings) as hub:
        hub.enrol(handset)
        handset.judge(*drafts(3))
        with joined_client(hub, handset) as client:
            with worker(settings) as first:
                eventually(
                    lambda: "shares_changed" in events(logs), "the hub leaves the share", within=SECONDS
                )
                deliver(client, handset, handset.frame(1, 1))
                os.kill(first.pid, signal.SIGKILL)
            alone = settled(client, handset, 2)
            with worker(settings):
                eventually(
                    lambda: events(logs).count("shares_changed") == 3, "the share is left", within=SECONDS
                )
                last = settled(client, handset, 3)

    assert (alone.up_to, last.up_to) == (2, 3)
    assert last.head == handset.heads[3]
    assert "batches_taken" in events(logs)


def _lines(page: httpx.Response, *, until: int) -> list[str]:
    """The stream's lines up to so many verdicts."""
    lines, verdicts = list[str](), 0
    for line in page.iter_lines():
        lines.append(line)
        verdicts += line.startswith("event: verdict")
        if verdicts == until and line == "":
            break
    return lines


@pytest.mark.parametrize("number", [1, 3])
def test_worker_when_its_number_is_none_of_the_settings_then_it_says_which_setting(
    number: int, tmp_path: Path
) -> None:
    with pytest.raises(HubNotReady, match='"workers"'):
        asyncio.run(work(hub_settings(tmp_path, workers=2), number))


def test_worker_when_another_has_its_number_then_it_says_so(tmp_path: Path) -> None:
    settings = hub_settings(tmp_path, workers=3)
    init_hub(settings)

    with only_worker(settings, 2):
        assert absent_workers(settings) == {3}
        with pytest.raises(HubBusy, match="Worker 2 runs already"):
            asyncio.run(work(settings, 2))

    assert absent_workers(settings) == {2, 3}


def test_worker_when_there_is_no_hub_then_it_says_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(HubNotReady, match="compline-hub init"):
        asyncio.run(work(hub_settings(tmp_path, workers=2), 2))


def test_shares_when_handsets_are_many_then_each_falls_to_one_and_shares_are_about_equal() -> None:
    topics = [up(HandsetId(f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}")) for n in range(1, 3_001)]

    counts = [sum(share_of(topic, 3) == number for topic in topics) for number in (1, 2, 3)]

    assert sum(counts) == 3_000
    assert all(900 < count < 1_100 for count in counts)
    assert share_of("compline/1/#", 3) == 1
    assert [user_of(number) for number in (1, 2)] == [HUB_USER, "hub-2"]
