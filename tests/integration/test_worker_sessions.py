"""A worker that is gone leaves nothing at the broker: what a broker holds for nobody would end delivery for all."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from compline_edge.link.tls import handset_context
from compline_hub.app import open_hub
from compline_hub.core.shares import FIRST, MOST, user_of
from compline_hub.link import broker_files
from compline_hub.link.sessions import forget_session
from compline_hub.link.tls import link_context
from compline_hub.safekeeping import back_up, restore, rotate_escrow
from compline_hub.settings import HubSettings, load_settings
from compline_hub.worker_locks import gone_workers, only_worker
from compline_hub.worker_sessions import worker_context
from compline_shared.configuration import InvalidSettings
from compline_shared.topics import UP_FILTER, up
from tests.edge_program import eventually
from tests.homes import HubKeys
from tests.integration.test_workers import events, worker
from tests.running_hub import (
    BROKERS,
    SECONDS,
    Client,
    RunningHub,
    free_port,
    hub_settings,
    joined_client,
    running_hub,
)
from tests.wire_handset import WireHandset

STORE = 2**20  # bytes that the broker keeps here; 512 MiB would take minutes to fill
FRAME = b"x" * 60_000
FRAMES = 2 * STORE // len(FRAME)
PATIENCE = 5.0  # seconds for the broker's acknowledgement of one frame


def acknowledged(client: Client, handset: WireHandset) -> int:
    """How many of FRAMES the broker takes, one after another, until it takes no more."""
    for number in range(FRAMES):
        client.publish(up(handset.id), FRAME)
        try:
            client.acknowledged.get(timeout=PATIENCE)
        except queue.Empty:
            return number
    return FRAMES


def leave_session(hub: RunningHub, number: int) -> None:
    """Connect as the worker of an earlier version did, and leave for ever."""
    with open_hub(hub.settings) as office:
        client = Client(user_of(number), worker_context(office, number))
    try:
        client.connect_until_in(hub.settings.mqtt_port)
        assert client.subscribe(UP_FILTER)
    finally:
        client.close()


def is_kept(hub: RunningHub, number: int) -> bool:
    """Whether the broker still has a session under the worker's name; it has one afterwards."""
    present: queue.Queue[bool] = queue.Queue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=user_of(number), clean_session=False)
    with open_hub(hub.settings) as office:
        client.tls_set_context(worker_context(office, number))
    client.on_connect = lambda _c, _d, flags, _r, _p: present.put(flags.session_present)
    client.connect("127.0.0.1", hub.settings.mqtt_port)
    client.loop_start()
    try:
        return present.get(timeout=SECONDS)
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def handset_at(hub: RunningHub) -> Iterator[tuple[Client, WireHandset]]:
    handset = WireHandset()
    hub.enrol(handset)
    with joined_client(hub, handset) as client:
        yield client, handset


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubSettings:
    """A hub of two workers whose embedded broker keeps little."""
    monkeypatch.setattr(broker_files, "MAX_STORED", STORE)
    return hub_settings(tmp_path, workers=2, log_level="info")


def test_broker_when_a_worker_ran_and_is_gone_then_it_takes_more_frames_than_it_can_keep(
    small: HubSettings,
) -> None:
    with running_hub(small) as hub:
        with worker(small):
            log = small.data / "logs" / "worker-2"
            wait_for(log, "broker_connected")
        with handset_at(hub) as (client, handset):
            assert acknowledged(client, handset) == FRAMES


def test_broker_when_a_worker_left_a_session_that_lasts_then_it_stops_until_the_hub_starts_again(
    small: HubSettings,
) -> None:
    """The control: without what the hub does at its start, frames for nobody end the taking for all."""
    with running_hub(small) as hub:
        leave_session(hub, 2)
        with handset_at(hub) as (client, handset):
            stopped_at = acknowledged(client, handset)
    with running_hub(small) as hub, handset_at(hub) as (client, handset):
        again = acknowledged(client, handset)

    assert stopped_at < FRAMES
    assert again == FRAMES


def test_broker_when_it_was_killed_with_a_worker_that_is_gone_then_it_takes_frames_once_the_hub_is_back(
    small: HubSettings,
) -> None:
    """NATS forgets a session that does not last when its client leaves, and a killed one sees nobody leave."""
    log, pid = small.data / "logs" / "worker-2", small.data / "broker" / "nats.pid"
    with running_hub(small), worker(small):
        wait_for(log, "broker_connected")
        os.kill(int(pid.read_text()), signal.SIGKILL)
    back = msgspec.structs.replace(small, port=free_port())  # this process still has the page's socket
    with running_hub(back) as hub, handset_at(hub) as (client, handset):
        assert acknowledged(client, handset) == FRAMES


@pytest.mark.parametrize("broker", BROKERS)
def test_hub_when_it_starts_then_no_session_is_left_of_workers_that_are_gone_named_or_not(
    broker: str, tmp_path: Path
) -> None:
    settings = hub_settings(tmp_path, broker=broker, workers=3, log_level="info")
    fewer = msgspec.structs.replace(settings, workers=2)
    with running_hub(settings) as hub:
        for number in (2, 3):
            leave_session(hub, number)
        kept = [is_kept(hub, number) for number in (2, 3)]
    with running_hub(fewer) as hub:
        assert kept == [True, True]
        assert [is_kept(hub, number) for number in (2, 3)] == [False, False]
    assert events(settings.data / "logs").count("session_forgotten") == 2


def test_hub_when_it_starts_then_no_session_is_left_under_the_name_that_it_had_itself(tmp_path: Path) -> None:
    settings = hub_settings(tmp_path, log_level="info")
    with running_hub(settings) as hub:
        leave_session(hub, FIRST)
        kept = is_kept(hub, FIRST)
    with running_hub(settings) as hub:
        assert kept
        assert not is_kept(hub, FIRST)


@pytest.mark.parametrize("broker", BROKERS)
def test_hub_when_a_handset_takes_the_names_of_its_processes_then_they_go_on_listening(
    broker: str, tmp_path: Path
) -> None:
    settings = hub_settings(tmp_path, broker=broker, workers=2, log_level="info")
    logs = (settings.data / "logs", settings.data / "logs" / "worker-2")
    with running_hub(settings) as hub, worker(settings), handset_at(hub) as (_, handset):
        for log in logs:
            wait_for(log, "broker_connected")
        for number in (FIRST, 2):
            connect_as(hub, handset, user_of(number))
        lost = [events(log).count("broker_lost") for log in logs]

        for number in (FIRST, 2):
            connect_as(hub, handset, name(settings, number))
        if broker == "embedded":  # the control: whoever knows the names ends the sessions
            for log in logs:
                wait_for(log, "broker_lost")

    assert lost == [0, 0]


def test_hub_when_its_keys_are_replaced_or_it_is_restored_then_the_broker_keeps_one_session_for_it(
    tmp_path: Path,
) -> None:
    """Another name each time would leave sessions behind in which frames pile up for nobody."""
    settings = hub_settings(tmp_path, log_level="info")
    kept = list[int]()
    for _ in range(3):
        with running_hub(settings):
            wait_for(settings.data / "logs", "broker_connected")
        consumers = (
            settings.broker_folder / "nats" / "jetstream" / "COMPLINE" / "streams" / "$MQTT_msgs" / "obs"
        )
        kept.append(len(list(consumers.iterdir())))
        (settings.data / "logs" / "hub.jsonl").unlink()
        if len(kept) == 1:
            rotate_escrow(settings, by="ada")
        else:
            put_back(settings, tmp_path / "hub.backup")

    assert kept == [1, 1, 1]


def put_back(settings: HubSettings, backup: Path) -> None:
    """All but the broker's folder is lost, and comes back from a backup."""
    back_up(settings, backup, passphrase="hunter two", by="ada")
    broker = settings.broker_folder.rename(backup.with_suffix(".broker"))
    shutil.rmtree(settings.data)
    restore(settings, backup, passphrase="hunter two", by="ada")
    shutil.rmtree(settings.broker_folder, ignore_errors=True)
    broker.rename(settings.broker_folder)


def name(settings: HubSettings, number: int) -> str:
    with open_hub(settings) as office:
        return office.keys.client_id(user_of(number))


def wait_for(log: Path, event: str) -> None:
    eventually(lambda: event in events(log), event, within=SECONDS)


def connect_as(hub: RunningHub, handset: WireHandset, client_id: str) -> None:
    """Let a handset into the broker under another's client id, and out again."""
    assert handset.certificate is not None
    tls = handset_context(handset.keys.authorities, handset.certificate, handset.tls)
    client = Client(handset.id, tls, client_id=client_id)
    try:
        client.connect_until_in(hub.settings.mqtt_port)
        time.sleep(0.5)  # for the one who is cut off to notice
    finally:
        client.close()


def test_workers_when_one_runs_then_it_is_not_gone_and_one_that_no_setting_names_any_more_is(
    tmp_path: Path,
) -> None:
    settings = hub_settings(tmp_path, workers=1)
    settings.data.mkdir()
    for number in (2, MOST):
        with only_worker(settings, number):
            pass

    with only_worker(settings, 2):
        assert gone_workers(settings) == {MOST}
    assert gone_workers(settings) == {2, MOST}


def test_settings_when_they_name_a_worker_beyond_the_last_then_they_are_refused() -> None:
    assert load_settings(None, {"COMPLINE_HUB_WORKERS": str(MOST)}).workers == MOST
    with pytest.raises(InvalidSettings, match="WORKERS"):
        load_settings(None, {"COMPLINE_HUB_WORKERS": str(MOST + 1)})


def test_forgetting_when_no_broker_answers_then_it_says_that_it_did_not() -> None:
    keys = HubKeys()

    assert not forget_session("127.0.0.1", free_port(), link_context(keys.certificates, keys.all), user_of(2))
