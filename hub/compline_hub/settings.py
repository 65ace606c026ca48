"""Settings of the hub: compline.toml, section [hub], overridden by COMPLINE_HUB_* variables."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from compline_shared.configuration import DEFAULT_SOURCE, InvalidSettings, settings_from

Port = Annotated[int, Meta(ge=1, le=65_535)]
PREFIX = "COMPLINE_HUB_"
_HOST = r"^[0-9A-Za-z.:_-]{1,253}$"
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class HubSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a person may choose; every value has a default that works on one machine."""

    name: Annotated[str, Meta(min_length=1, max_length=60)] = "Compline hub"
    data_dir: str = "~/.local/share/compline-hub"
    database: str = ""  # SQLAlchemy URL; empty = SQLite in the data folder
    broker: str = (
        "embedded"  # "embedded" (NATS), "mosquitto" (installed on this machine) or "mqtt://host:port"
    )
    listen: str = "127.0.0.1"  # where broker and pairing port listen: this machine's own address on the LAN
    hosts: tuple[
        Annotated[str, Meta(pattern=_HOST)], ...
    ] = ()  # what phones call this machine; the first is told
    mqtt_port: Port = 8461  # of the broker that the hub starts
    pairing_port: Port = 8462  # where phones pair and renew their certificates
    port: Port = 8460  # of the page; it listens on 127.0.0.1 only until sign-in exists
    officer_key: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""  # X25519, of the compliance officer
    advertise: bool = True  # say on the network where the hub is (zeroconf)
    interface: str = ""  # IPv4 address on whose network the advert is sent; empty = the one that phones reach
    workers: Annotated[int, Meta(ge=1, le=16)] = (
        1  # processes that take verdicts in: this hub and `compline-hub work 2`, `work 3`, ...
    )
    lexicons: str = (
        ""  # folder with .lex files whose phrases the page shows; empty = those shipped beside the program
    )
    rules: str = ""  # folder with .rules files whose sentences the page shows; empty = those shipped beside the program
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        return Path(self.data_dir).expanduser().absolute()

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the store."""
        return self.database or f"sqlite:///{self.data / 'hub.db'}"

    @property
    def broker_folder(self) -> Path:
        """Where the broker's configuration lies, and what it keeps."""
        return self.data / "broker"

    @property
    def broker_address(self) -> tuple[str, int]:
        """Host and MQTT port where the hub and its handsets meet."""
        if self.broker.startswith("mqtt://"):
            parts = urlsplit(self.broker)
            return parts.hostname or "", parts.port or 1883
        return self.own_address, self.mqtt_port

    @property
    def own_address(self) -> str:
        """Where this machine itself reaches what listens on `listen`."""
        return _EVERY_ADDRESS.get(self.listen, self.listen)

    @property
    def names(self) -> tuple[str, ...]:
        """What the server's certificate is for, beside the loopback interface."""
        return tuple(dict.fromkeys((*self.hosts, self.own_address, self.broker_address[0])))

    @property
    def pairing_address(self) -> tuple[str, int]:
        """Host and port that a pairing code tells phones."""
        return (self.hosts[0] if self.hosts else self.own_address), self.pairing_port

    @property
    def advert_interface(self) -> str:
        """IPv4 address on whose network the advert is sent, and which it tells."""
        asked = (self.interface, self.listen, *self.hosts)
        return next((it for it in asked if _is_ipv4(it) and it not in _EVERY_ADDRESS), "127.0.0.1")


def load_settings(file: Path | None, environment: Mapping[str, str]) -> HubSettings:
    """Read settings from `file` (None = defaults) and the environment; the environment wins.

    Raises:
        InvalidSettings: names the setting and what is expected.
    """
    text = "" if file is None else _text(file)
    settings = settings_from(
        HubSettings,
        toml=text,
        source=str(file or DEFAULT_SOURCE),
        table="hub",
        environment=environment,
        prefix=PREFIX,
    )
    _check_broker(settings.broker)
    if settings.listen in _EVERY_ADDRESS and not settings.hosts:
        raise InvalidSettings(
            f'The setting "listen" is {settings.listen}, every address of this machine: name in "hosts" the one that '
            'phones reach, for example hosts = ["192.168.1.20"], or let "listen" be that address itself.'
        )
    return settings


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidSettings(
            f"There is no settings file {file.name}; make it, or leave --config out."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"The settings file {file.name} cannot be read as UTF-8 text.") from error


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _check_broker(broker: str) -> None:
    if broker in ("embedded", "mosquitto"):
        return
    try:
        parts = urlsplit(broker)
        good = (
            parts.scheme == "mqtt"
            and bool(parts.hostname)
            and (parts.port or 1883) > 0
            and parts.username is None
        )
    except ValueError:
        good = False
    if not good:
        raise InvalidSettings(
            'The setting "broker" must be "embedded", "mosquitto" or "mqtt://host:port" (no user in it).'
        )
