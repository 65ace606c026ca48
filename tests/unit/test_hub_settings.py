"""Settings of the hub: file, environment, mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline_hub.settings import HubSettings, load_settings
from compline_shared.configuration import InvalidSettings


def test_settings_when_nothing_is_set_then_defaults_work_on_one_machine() -> None:
    settings = load_settings(None, {})

    assert settings == HubSettings()
    assert settings.broker_address == ("127.0.0.1", 8461)


def test_settings_when_file_and_environment_differ_then_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "compline.toml"
    file.write_text('[hub]\nname = "城南"\nport = 9000\n', encoding="utf-8")

    settings = load_settings(file, {"COMPLINE_HUB_PORT": "9001", "COMPLINE_HUB_ADVERTISE": "false"})

    assert (settings.name, settings.port, settings.advertise) == ("城南", 9001, False)


def test_settings_when_a_name_is_unknown_then_the_error_names_it(tmp_path: Path) -> None:
    file = tmp_path / "compline.toml"
    file.write_text("[hub]\nprot = 1\n")

    with pytest.raises(InvalidSettings, match=r"compline\.toml, \[hub\]: .*prot"):
        load_settings(file, {})


def test_settings_when_a_port_is_out_of_range_then_the_error_names_it() -> None:
    with pytest.raises(InvalidSettings, match="COMPLINE_HUB_PORT"):
        load_settings(None, {"COMPLINE_HUB_PORT": "70000"})


def test_settings_when_the_file_is_missing_then_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"no settings file none\.toml"):
        load_settings(tmp_path / "none.toml", {})


def test_settings_when_the_file_is_not_text_then_the_error_names_it(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InvalidSettings, match=r"bad\.toml"):
        load_settings(file, {})


@pytest.mark.parametrize("broker", ["embedded", "mosquitto", "mqtt://broker.example", "mqtt://10.0.0.1:1884"])
def test_settings_when_broker_is_one_of_the_forms_then_it_is_taken(broker: str) -> None:
    assert load_settings(None, {"COMPLINE_HUB_BROKER": broker}).broker == broker


@pytest.mark.parametrize("broker", ["nats", "mqtt://", "mqtt://user@host", "mqtt://host:x", "http://host"])
def test_settings_when_broker_is_something_else_then_it_is_refused(broker: str) -> None:
    with pytest.raises(InvalidSettings, match="broker"):
        load_settings(None, {"COMPLINE_HUB_BROKER": broker})


def test_settings_when_broker_is_outside_then_its_address_is_where_handsets_meet() -> None:
    assert HubSettings(broker="mqtt://10.0.0.1:1884").broker_address == ("10.0.0.1", 1884)
    assert HubSettings(broker="mqtt://10.0.0.1").broker_address == ("10.0.0.1", 1883)


def test_settings_when_a_database_is_named_then_it_replaces_the_file() -> None:
    assert HubSettings(database="postgresql+psycopg://hub@db/hub").database_url.startswith("postgresql")
    assert HubSettings(data_dir="/srv/hub").database_url == "sqlite:////srv/hub/hub.db"


@pytest.mark.parametrize(
    ("text", "told", "advert"),
    [
        ("", ("127.0.0.1", 8462), "127.0.0.1"),
        ('listen = "192.0.2.20"', ("192.0.2.20", 8462), "192.0.2.20"),
        ('listen = "0.0.0.0"\nhosts = ["hub.lan", "192.0.2.20"]', ("hub.lan", 8462), "192.0.2.20"),
        ('listen = "0.0.0.0"\nhosts = ["hub.lan"]\ninterface = "192.0.2.7"', ("hub.lan", 8462), "192.0.2.7"),
        ('listen = "::1"', ("::1", 8462), "127.0.0.1"),
    ],
)
def test_settings_when_opened_to_the_network_then_phones_are_told_an_address_they_reach(
    tmp_path: Path, text: str, told: tuple[str, int], advert: str
) -> None:
    file = tmp_path / "compline.toml"
    file.write_text(f"[hub]\n{text}\n")
    settings = load_settings(file, {})
    assert (settings.pairing_address, settings.advert_interface) == (told, advert)


@pytest.mark.parametrize("listen", ["0.0.0.0", "::"])
def test_settings_when_on_every_address_and_no_host_is_named_then_the_error_says_what_to_write(
    listen: str,
) -> None:
    with pytest.raises(InvalidSettings, match=r'"hosts" the one that phones reach'):
        load_settings(None, {"COMPLINE_HUB_LISTEN": listen})
