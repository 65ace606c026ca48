"""Opens a hub's keys and store, with the use cases that need no broker and no page."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compline_hub.core.authority import HubCertificates
from compline_hub.core.keys import HubKeys
from compline_hub.errors import HubBusy
from compline_hub.service.enrolment import Enrolment, Meeting
from compline_hub.service.pairing import Pairing
from compline_hub.settings import HubSettings
from compline_hub.store.certificate_files import CertificateFiles
from compline_hub.store.engine import migrate, open_engine
from compline_hub.store.key_files import KeyFiles
from compline_hub.store.ledger import SqlStore
from compline_hub.store.reading import SqlReading


@dataclass(frozen=True, slots=True)
class Hub:
    """An opened hub: keys, store and use cases; made by `open_hub`."""

    settings: HubSettings
    keys: HubKeys
    certificates: HubCertificates  # as they were when it was opened
    store: SqlStore
    reading: SqlReading
    enrolment: Enrolment
    pairing: Pairing


def init_hub(settings: HubSettings) -> str:
    """Make the data folder, keys and tables; harmless when they exist. Returns the hub's fingerprint."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = KeyFiles(settings.data / "keys").make()
    certificates_of(settings, keys)
    engine = open_engine(settings.database_url, writing=True)
    try:
        migrate(engine)
    finally:
        engine.dispose()
    return keys.fingerprint


def certificates_of(settings: HubSettings, keys: HubKeys) -> HubCertificates:
    """Return the hub's certificates; those that are due are made anew."""
    return CertificateFiles(settings.data / "keys").refresh(keys, names=settings.names, now=int(time.time()))


@contextmanager
def open_hub(settings: HubSettings) -> Iterator[Hub]:
    """Open an initialised hub's keys and store, also while another process serves it.

    Raises:
        HubNotReady: `compline-hub init` was not run, or the database cannot be opened.
    """
    keys = KeyFiles(settings.data / "keys").load()
    writer = open_engine(settings.database_url, writing=True)
    reader = open_engine(settings.database_url, writing=False)
    try:
        migrate(writer)
        store = SqlStore(writer)
        certificates = certificates_of(settings, keys)
        officer_key = bytes.fromhex(settings.officer_key) or None
        enrolment = Enrolment(
            store,
            keys,
            authority=certificates.authority,
            meeting=_meeting(settings),
            hub_name=settings.name,
            officer_key=officer_key,
        )
        yield Hub(
            settings=settings,
            keys=keys,
            certificates=certificates,
            store=store,
            reading=SqlReading(reader),
            enrolment=enrolment,
            pairing=Pairing(
                store,
                keys,
                enrolment,
                authority=certificates.authority,
                address=settings.pairing_address,
                officer_key=officer_key,
            ),
        )
    finally:
        writer.dispose()
        reader.dispose()


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data folder for this process; raises HubBusy while another serves it."""
    with (data / "hub.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise HubBusy(
                "Another hub runs on this data folder; stop it or choose another data_dir."
            ) from error
        yield


def is_served(settings: HubSettings) -> bool:
    """Return whether a hub runs on the data folder now."""
    try:
        with only_one(settings.data):
            return False
    except HubBusy:
        return True


def _meeting(settings: HubSettings) -> Meeting:
    host, port = settings.broker_address
    outside = settings.broker.startswith("mqtt://")
    return Meeting(mqtt_port=port, pairing_port=settings.pairing_port, mqtt_host=host if outside else None)
