"""A link that dies without a word is noticed within 30 s on both sides, and used again when it is back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from compline_edge.link.mqtt import PATIENCE
from compline_hub.app import init_hub, open_hub
from compline_hub.link.broker_files import Listener, broker_tls, nats_files, write_files
from tests.bad_link import HUB, Link, Way, links
from tests.edge_program import eventually, program
from tests.far_branch import Far, FarBranch, far_branch, needs_links
from tests.network_namespace import Namespace
from tests.running_hub import hub_settings

pytestmark = needs_links

GOOD = Way(delay=0.06)
SILENT = Way(delay=0.06, silent=True)
NOTICED = 30.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Outage:
    """What the two sides made of links that all died at one moment and came back later; s since that moment."""

    lost: dict[str, float]  # by handset
    gave_up: dict[str, float]  # handsets that were connecting: s that the attempt took
    unaware_lost: bool
    hub_lost: float
    kept: list[int]  # seqs of the verdicts that one handset was sending


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Outage:
    """One outage for all the tests here: they mostly wait."""
    folder, other = tmp_path_factory.mktemp("branch"), tmp_path_factory.mktemp("far")
    with far_branch(folder) as branch, _hub_far_from_its_broker(other) as (far_hub, hubs_link):
        idle, busy, upwards, in_tls, in_connect = branch.handsets([GOOD] * 5)
        (unaware,) = branch.handsets([GOOD], first_seed=6, keepalive=600)
        branch.start_hub()
        connected = {"idle": idle, "busy": busy, "upwards": upwards}
        connecting = {"tls": in_tls, "connect": in_connect}
        for far in (*connected.values(), unaware):
            far.do("run")
            far.hear("connected")
        eventually(lambda: far_hub.logged("broker_connected"), "the hub is at its broker")
        silent = time.monotonic()
        hubs_link.become(SILENT)
        for far in (*connected.values(), unaware):
            far.link.become(SILENT, GOOD if far is upwards else SILENT)
        busy.do("judge", count=20, seed=1)
        for far, packets, sent in ((in_tls, 3, 0), (in_connect, 4, 1_500)):
            _dies_while_it_connects(far, packets=packets, sent=sent)

        lost = {name: far.hear("lost")["at"] - silent for name, far in connected.items()}
        gave_up = {name: float(far.hear("unreachable")["seconds"]) for name, far in connecting.items()}
        eventually(lambda: far_hub.logged("broker_lost"), "the hub notices")
        unaware_lost = unaware.has_told("lost")
        hubs_link.become(GOOD)
        for far in (*connected.values(), *connecting.values()):
            far.link.become(GOOD)
            far.hear("connected")
        eventually(lambda: len(far_hub.logged("broker_connected")) == 2, "the hub is back")
        busy.do("settle")
        busy.hear("settled")
        hub_lost = far_hub.logged("broker_lost")[0]["at"] - silent
        return Outage(lost, gave_up, unaware_lost, hub_lost, branch.kept(busy))


def test_courier_when_its_link_falls_silent_then_it_is_lost_within_30_s(outage: Outage) -> None:
    assert max(outage.lost.values()) <= NOTICED
    assert not outage.unaware_lost  # the control, a keepalive of 600 s: by itself TCP knows nothing


def test_courier_when_its_link_dies_while_it_connects_then_it_gives_up_in_time(outage: Outage) -> None:
    assert max(outage.gave_up.values()) <= PATIENCE + 1.0


def test_courier_when_the_link_is_back_then_what_was_under_way_arrives_once(outage: Outage) -> None:
    assert outage.kept == list(range(1, 21))


def test_hub_when_its_link_to_a_broker_falls_silent_then_it_is_lost_within_30_s(outage: Outage) -> None:
    assert outage.hub_lost <= NOTICED


def test_carrier_when_it_closes_on_a_dead_link_with_much_to_send_then_it_does_not_wait(
    tmp_path: Path,
) -> None:
    with far_branch(tmp_path) as branch:
        (far,) = branch.handsets([GOOD])
        branch.start_hub()
        far.do("run")
        far.hear("connected")
        far.link.become(SILENT)
        far.do("choke")
        assert far.hear("looked")["packets"] > 0  # more than the kernel takes
        far.do("end")
        assert far.hear("ended")["seconds"] <= 5.0


def _dies_while_it_connects(far: Far, *, packets: int, sent: int) -> None:
    """Let a link fall silent once so many packets and bytes have gone up it."""
    far.do("run")
    up = far.link.up
    while up.packets < packets or up.bytes <= sent:
        time.sleep(0.002)
    far.link.become(SILENT)


@contextmanager
def _hub_far_from_its_broker(folder: Path) -> Iterator[tuple[FarBranch, Link]]:
    """A running hub in one namespace and the broker that it is set to use in another."""
    with ExitStack() as undo:
        near, laid = undo.enter_context(links())
        far = Namespace()
        undo.callback(far.close)
        link = laid.join(far, GOOD, seed=1)
        settings = hub_settings(folder, log_level="info")
        settings = msgspec.structs.replace(settings, broker=f"mqtt://{HUB}:{settings.mqtt_port}")
        init_hub(settings)
        files = settings.data / "broker"
        with open_hub(settings) as hub:
            tls = broker_tls(hub.certificates.server, hub.keys.tls, hub.ring.sets.authorities)
        write_files(files, nats_files(Listener(HUB, settings.mqtt_port, files), [], tls))
        (files / "nats").mkdir()
        with (folder / "broker.out").open("ab") as out:
            broker = near.start(
                [program("nats-server"), "-c", str(files / "nats.conf")], stdout=out, stderr=out
            )
        undo.callback(_end, broker)
        branch = FarBranch(settings, far, laid, undo)
        undo.callback(branch.stop)
        branch.start_hub()
        yield branch, link


def _end(broker: subprocess.Popen[bytes]) -> None:
    broker.terminate()
    broker.wait(PATIENCE)
