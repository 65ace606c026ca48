"""A link that dies without a word is noticed within 30 s on both sides, and used again when it is back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

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


def test_courier_when_its_link_falls_silent_then_it_is_lost_within_30_s_and_serves_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    with far_branch(tmp_path) as branch:
        idle, busy, upwards, in_tls, in_connect = branch.handsets([GOOD] * 5)
        (unaware,) = branch.handsets([GOOD], first_seed=6, keepalive=600)
        branch.start_hub()
        connected = (idle, busy, upwards, unaware)
        for far in connected:
            far.do("run")
            far.hear("connected")
        silent = time.monotonic()
        for far in connected:
            far.link.become(SILENT, GOOD if far is upwards else SILENT)
        busy.do("judge", count=20, seed=1)
        busy.hear("sent")
        for far, packets, sent in ((in_tls, 3, 0), (in_connect, 4, 1_500)):
            _dies_while_it_connects(far, packets=packets, sent=sent)
        for far in (idle, busy, upwards):
            assert far.hear("lost", within=NOTICED - (time.monotonic() - silent))["at"] - silent <= NOTICED
        for far in (in_tls, in_connect):
            assert far.hear("unreachable")["seconds"] <= PATIENCE + 1.0
        assert not unaware.has_told("lost")  # the control: by itself TCP knows nothing

        for far in (idle, busy, upwards, in_tls, in_connect):
            far.link.become(GOOD)
            far.hear("connected")
        busy.do("settle")
        busy.hear("settled")
        assert branch.kept(busy) == list(range(1, 21))


def test_agent_when_it_ends_on_a_dead_link_with_much_to_send_then_it_does_not_wait_for_it(tmp_path: Path) -> None:
    with far_branch(tmp_path) as branch:
        (far,) = branch.handsets([GOOD])
        branch.start_hub()
        far.do("run")
        far.hear("connected")
        far.link.become(SILENT)
        far.do("choke")
        assert far.hear("looked")["packets"] > 0  # more than the kernel takes
        far.do("end")
        assert far.hear("ended")["seconds"] <= 3.0


def test_hub_when_its_link_to_a_broker_falls_silent_then_it_is_lost_within_30_s_and_heals(tmp_path: Path) -> None:
    with _hub_far_from_its_broker(tmp_path) as (branch, link):
        eventually(lambda: branch.logged("broker_connected"), "the hub is at its broker")
        silent = time.monotonic()
        link.become(SILENT)
        eventually(lambda: branch.logged("broker_lost"), "the hub notices", within=NOTICED)
        assert branch.logged("broker_lost")[0]["at"] - silent <= NOTICED
        link.become(GOOD)
        eventually(lambda: len(branch.logged("broker_connected")) == 2, "the hub is back")


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
            broker = near.start([program("nats-server"), "-c", str(files / "nats.conf")], stdout=out, stderr=out)
        undo.callback(_end, broker)
        branch = FarBranch(settings, far, laid, undo)
        undo.callback(branch.stop)
        branch.start_hub()
        yield branch, link


def _end(broker: subprocess.Popen[bytes]) -> None:
    broker.terminate()
    broker.wait(PATIENCE)
