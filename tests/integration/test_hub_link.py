"""A whole hub on either broker: frames in over MQTT, receipts back."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from compline_edge.link.tls import handset_context, shown_by
from compline_hub.app import init_hub, open_hub
from compline_hub.core.record import Query
from compline_hub.errors import BrokerFailed, HubBusy
from compline_shared.batch import Outcome
from compline_shared.topics import up
from tests.edge_program import eventually
from tests.running_hub import BROKERS, SECONDS, deliver, free_port, hub_settings, joined_client, running_hub
from tests.wire_handset import WireHandset, drafts


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_hub_when_a_batch_comes_over_mqtt_then_it_is_kept_and_answered(broker: str, tmp_path: Path) -> None:
    handset = WireHandset()
    with running_hub(hub_settings(tmp_path, broker=broker)) as hub:
        hub.enrol(handset)
        handset.judge(*drafts(50))
        with joined_client(hub, handset) as client:
            receipt = deliver(client, handset, handset.frame())

        assert (receipt.outcome, receipt.up_to, receipt.head) == (Outcome.TAKEN, 50, handset.heads[50])
        with open_hub(hub.settings) as office:
            assert len(office.reading.verdicts(Query(after=0))) == 50


def test_hub_when_a_frame_is_garbage_then_the_next_good_one_is_taken(broker: str, tmp_path: Path) -> None:
    handset = WireHandset()
    with running_hub(hub_settings(tmp_path, broker=broker)) as hub:
        hub.enrol(handset)
        handset.judge(*drafts(1))
        with joined_client(hub, handset) as client:
            client.publish(up(handset.id), b"\xff" * 500)
            receipt = deliver(client, handset, handset.frame())

    assert receipt.up_to == 1


def test_hub_when_it_starts_again_then_the_chain_goes_on(broker: str, tmp_path: Path) -> None:
    handset = WireHandset()
    settings = hub_settings(tmp_path, broker=broker)
    with running_hub(settings) as hub:
        hub.enrol(handset)
        handset.judge(*drafts(2))
        with joined_client(hub, handset) as client:
            deliver(client, handset, handset.frame(1, 1))

    with running_hub(settings) as hub, joined_client(hub, handset) as client:
        receipt = deliver(client, handset, handset.frame(2, 2))

    assert receipt.up_to == 2


def test_hub_when_another_serves_the_same_folder_then_it_says_so(tmp_path: Path) -> None:
    settings = hub_settings(tmp_path)
    with running_hub(settings), pytest.raises(HubBusy, match="data folder"), running_hub(settings):
        pass


def test_hub_when_its_port_is_taken_then_it_says_which(tmp_path: Path) -> None:
    first = hub_settings(tmp_path / "a")
    second = hub_settings(tmp_path / "b", port=first.port)
    with running_hub(first), pytest.raises(HubBusy, match=str(first.port)), running_hub(second):
        pass


def test_hub_when_the_brokers_port_is_taken_then_it_says_which(tmp_path: Path) -> None:
    first = hub_settings(tmp_path / "a")
    second = hub_settings(tmp_path / "b", mqtt_port=first.mqtt_port)
    with running_hub(first), pytest.raises(BrokerFailed, match=str(first.mqtt_port)), running_hub(second):
        pass


def test_hub_when_the_broker_is_outside_then_it_leaves_files_for_it_and_uses_it(tmp_path: Path) -> None:
    inner = hub_settings(tmp_path)
    handset = WireHandset()
    with running_hub(inner) as first:  # plays the broker that somebody else runs, with the same users
        first.enrol(handset)
        outer = hub_settings(
            tmp_path / "outer", broker=f"mqtt://127.0.0.1:{inner.mqtt_port}", port=free_port()
        )
        shutil.copytree(inner.data / "keys", outer.data / "keys")
        init_hub(outer)
        with running_hub(outer):
            files = {path.name for path in (outer.data / "broker").iterdir()}

    kept = {"nats", "nats.conf", "mosquitto", "mosquitto.conf", "mosquitto.acl"}
    assert files == kept | {"ca.crt", "broker.crt", "broker.key"}


def test_hub_when_a_certificate_is_due_then_broker_and_pairing_port_show_a_new_one_and_nobody_is_dropped(
    broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline_hub.app.RENEWAL_SECONDS", 0.1)
    handset = WireHandset()
    with running_hub(hub_settings(tmp_path, broker=broker)) as hub:
        hub.enrol(handset)
        handset.judge(*drafts(2))
        ports = (hub.settings.mqtt_port, hub.settings.pairing_port)
        with joined_client(hub, handset) as client:
            deliver(client, handset, handset.frame(1, 1))
            client.connected.queue.clear()
            before = [_shown(handset, port) for port in ports]
            (hub.settings.data / "keys" / "tls.crt").unlink()  # what is missing is due

            def shows_another() -> bool:
                try:
                    return not {*before} & {_shown(handset, port) for port in ports}
                except (ConnectionResetError, ConnectionRefusedError):  # it is just about to show it
                    return False

            eventually(shows_another, "both show another")
            eventually(
                lambda: deliver(client, handset, handset.frame(2, 2)).up_to == 2, "the second is taken"
            )
            assert client.connected.empty()  # it did not have to connect again


def test_hub_when_a_handset_is_removed_then_the_broker_hears_it_no_more(tmp_path: Path) -> None:
    handset = WireHandset()
    with running_hub(hub_settings(tmp_path)) as hub:
        hub.enrol(handset)
        with joined_client(hub, handset) as client, open_hub(hub.settings) as office:
            office.enrolment.remove(handset.id)

            assert client.connected.get(timeout=SECONDS) is False  # NATS closes the connection
            assert client.connected.get(timeout=SECONDS) is False  # and lets it in no more


def _shown(handset: WireHandset, port: int) -> bytes:
    assert handset.certificate is not None
    context = handset_context(handset.keys.authorities, handset.certificate, handset.tls)
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain) as connection:
        return shown_by(connection)
