"""The link under pressure: bounded, and alive after a fault."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from compline_hub.app import open_hub
from compline_hub.core.intake import Frame, Refusal
from compline_hub.link import mqtt as mqtt_module
from compline_hub.link.mqtt import MqttLink
from compline_hub.link.tls import link_context
from compline_shared.topics import up
from tests.running_hub import SECONDS, Client, RunningHub, hub_settings, joined_client, running_hub
from tests.wire_handset import WireHandset


class FaultyIntake:
    """Takes frames when it may; the first group of frames called `fault` breaks it."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.began = threading.Event()
        self.taken: queue.Queue[bytes] = queue.Queue()
        self.refused: queue.Queue[Refusal] = queue.Queue()

    def take(self, frames: list[Frame]) -> None:
        self.began.set()
        assert self.may.wait(SECONDS)
        for _, payload in frames:
            if payload == b"fault":
                raise ValueError
            self.taken.put(payload)

    def refuse(self, _topic: str, reason: Refusal) -> None:
        self.refused.put(reason)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with running_hub(hub_settings(tmp_path)) as hub:
        yield hub


@pytest.fixture
def sender(hub: RunningHub) -> Iterator[tuple[WireHandset, Client]]:
    handset = WireHandset()
    hub.enrol(handset)
    with joined_client(hub, handset) as client:
        yield handset, client


def _second_link(hub: RunningHub) -> MqttLink:
    """A link of the hub's user beside the hub's own, with a session of its own."""
    with open_hub(hub.settings) as office:
        tls = link_context(office.certificates, office.keys)
    return MqttLink("127.0.0.1", hub.settings.mqtt_port, tls, client_id="hub-under-test")


def test_link_when_intake_is_too_slow_then_frames_beyond_the_bound_are_refused_and_counted(
    hub: RunningHub, sender: tuple[WireHandset, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_module, "MAX_WAITING", 1)
    monkeypatch.setattr(mqtt_module, "FULL_SECONDS", 0.05)
    link, intake = _second_link(hub), FaultyIntake()
    link.start(intake.take, intake.refuse)
    assert link.subscribed.wait(SECONDS)
    handset, client = sender

    for number in range(5):
        client.publish(up(handset.id), b"frame %d" % number)
    refused = intake.refused.get(timeout=SECONDS)
    intake.may.set()
    first = intake.taken.get(timeout=SECONDS)
    link.stop()

    assert (refused, first) == (Refusal.OVERLOADED, b"frame 0")


def test_link_when_its_connection_ended_while_a_frame_was_taken_then_the_next_one_does_not_begin_with_it(
    hub: RunningHub, sender: tuple[WireHandset, Client]
) -> None:
    """A broker has to end a connection that says anything before CONNECT: with a backlog it never came about."""
    link, intake = _second_link(hub), FaultyIntake()
    link.start(intake.take, intake.refuse)
    assert link.subscribed.wait(SECONDS)
    handset, client = sender
    client.publish(up(handset.id), b"before it ends")
    assert intake.began.wait(SECONDS)
    waiting: queue.Queue[list[int]] = queue.Queue()

    def before_connect(client: mqtt.Client, _data: object) -> None:
        intake.may.set()
        assert intake.taken.get(timeout=SECONDS) == b"before it ends"
        time.sleep(0.2)  # for the acknowledgement, where there is one
        waiting.put([packet["command"] for packet in client._out_packet])

    link._client.on_pre_connect = before_connect
    wire = link._client.socket()
    assert isinstance(wire, socket.socket)
    wire.shutdown(socket.SHUT_RDWR)
    to_be_sent = waiting.get(timeout=SECONDS)
    link.stop()

    assert to_be_sent == []


def test_link_when_intake_breaks_then_the_next_frames_are_still_handed_over(
    hub: RunningHub, sender: tuple[WireHandset, Client]
) -> None:
    link, intake = _second_link(hub), FaultyIntake()
    intake.may.set()
    link.start(intake.take, intake.refuse)
    assert link.subscribed.wait(SECONDS)
    handset, client = sender

    client.publish(up(handset.id), b"fault")
    assert intake.began.wait(SECONDS)
    client.publish(up(handset.id), b"after it")
    taken = intake.taken.get(timeout=SECONDS)
    link.stop()

    assert taken == b"after it"
