"""Orders typed in one process, sent by a hub that another process serves, done by a handset at the broker."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from compline_hub.app import _send_due, open_hub
from compline_hub.cli import app
from compline_hub.link.mqtt import MqttLink
from compline_hub.link.tls import link_context
from compline_hub.service.dispatch import Dispatch
from compline_shared.topics import up
from tests.running_hub import BROKERS, Client, RunningHub, hub_settings, joined_client, running_hub
from tests.simulated_handset import SimulatedHandset


@contextmanager
def working(client: Client, handset: SimulatedHandset) -> Iterator[None]:
    """The handset takes what comes and reports after each command that changed something, and until it is heard."""
    stop = threading.Event()

    def work() -> None:
        quiet = 0
        while not stop.is_set():
            try:
                _, frame = client.arrived.get(timeout=0.1)
            except queue.Empty:
                quiet += 1
                if quiet % 20 == 0:  # mosquitto drops what a new handset says until the rights were read anew
                    client.publish(up(handset.id), handset.report())
                continue
            before = handset.life
            if handset.take(frame) is not None and handset.life != before:
                client.publish(up(handset.id), handset.report())

    worker = threading.Thread(target=work, name="handset")
    worker.start()
    client.publish(up(handset.id), handset.report())
    try:
        yield
    finally:
        stop.set()
        worker.join()


def typed(hub: RunningHub, *arguments: str) -> Result:
    environment = {
        "COMPLINE_HUB_DATA_DIR": hub.settings.data_dir,
        "COMPLINE_HUB_PORT": str(hub.settings.port),
        "COLUMNS": "220",
    }
    return CliRunner(env=environment).invoke(app, arguments)


@pytest.mark.parametrize("broker", BROKERS)
def test_unbind_and_rebind_when_typed_while_the_hub_runs_then_both_are_done_within_the_wait(
    tmp_path: Path, broker: str
) -> None:
    with running_hub(hub_settings(tmp_path, broker=broker)) as hub:
        handset = SimulatedHandset()
        hub.enrol(handset)
        key = handset.readable
        with joined_client(hub, handset) as client, working(client, handset):
            unbound = typed(hub, "unbind", "Desk 7", "--wait", "--wait-seconds", "30")
            frozen = handset.readable
            rebound = typed(hub, "rebind", "Desk 7", "--wait", "--wait-seconds", "30")

    assert (unbound.exit_code, rebound.exit_code) == (0, 0), unbound.output + rebound.output
    assert frozen is None
    assert handset.readable == key
    assert handset.life.epoch == 2


def test_command_key_when_rotated_between_two_runs_then_the_served_hub_tells_the_handset_and_destroys_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline_hub.app.EXPIRY_SECONDS", 0.1)
    handset, settings = SimulatedHandset(), hub_settings(tmp_path)
    with running_hub(settings) as hub:
        hub.enrol(handset)
        refused = typed(hub, "keys", "rotate", "command")
    rotated = typed(hub, "keys", "rotate", "command")
    former = settings.data / "keys" / "command.key.old"
    kept = former.exists()
    with running_hub(settings) as hub, joined_client(hub, handset) as client, working(client, handset):
        deadline = time.monotonic() + 30
        while former.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        unbound = typed(hub, "unbind", "Desk 7", "--wait", "--wait-seconds", "30")

    assert (refused.exit_code, rotated.exit_code, unbound.exit_code) == (1, 0, 0), unbound.output
    assert (kept, former.exists(), handset.readable) == (True, False, None)


async def test_orders_when_the_hub_has_no_broker_then_they_wait_and_go_out_once_it_has_one(
    tmp_path: Path,
) -> None:
    """What is sent into nothing would be sent again after a minute at first, and after an hour at last."""
    with running_hub(hub_settings(tmp_path)) as hub:
        hub.enrol(SimulatedHandset())
        settings = hub.settings
    assert typed(hub, "unbind", "Desk 7").exit_code == 0  # nobody serves the hub, who would send it
    with open_hub(settings) as office:
        tls = link_context(office.certificates, office.keys)
        link = MqttLink("127.0.0.1", settings.mqtt_port, tls, client_id="hub-under-test")
        dispatch = Dispatch(office.store, office.ring, link)
        await _send_due(office, dispatch, link)
        waits = office.reading.orders_due(int(time.time()))
        link.subscribed.set()  # the control: as if there were one
        await _send_due(office, dispatch, link)
        waits_still = office.reading.orders_due(int(time.time()))

    assert (waits, waits_still) == (True, False)
