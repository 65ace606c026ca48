"""Opens a hub's keys and store, with the use cases that need no broker and no page."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag

from compline_hub.core.authority import HubCertificates
from compline_hub.core.enrolled import Binding
from compline_hub.core.keys import HubKeys
from compline_hub.errors import HubBusy, HubNotReady
from compline_hub.service.auditing import Auditing
from compline_hub.service.deposits import Deposits
from compline_hub.service.enrolment import Enrolment, Meeting
from compline_hub.service.operators import OperatorRoll
from compline_hub.service.orders import Orders
from compline_hub.service.pairing import Pairing
from compline_hub.settings import HubSettings
from compline_hub.store.certificate_files import CertificateFiles
from compline_hub.store.engine import migrate, open_engine
from compline_hub.store.evidence_files import EvidenceFiles
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
    deposits: Deposits
    orders: Orders
    operators: OperatorRoll
    auditing: Auditing


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
    files = KeyFiles(settings.data / "keys")
    files.load()
    end_rotation(settings, files)
    with holding_keys(settings.data, alone=False):
        yield from _opened(settings, files.load())


def _opened(settings: HubSettings, keys: HubKeys) -> Iterator[Hub]:
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
            deposits=Deposits(
                store, keys, EvidenceFiles(settings.data / "evidence"), wanted=officer_key is not None
            ),
            orders=Orders(store),
            operators=OperatorRoll(store),
            auditing=Auditing(store),
        )
    finally:
        writer.dispose()
        reader.dispose()


def end_rotation(settings: HubSettings, files: KeyFiles) -> None:
    """Bring a rotation of the escrow key that was cut off to the end that the database says.

    Raises:
        HubNotReady: neither key opens what the database holds.
    """
    if files.staged_escrow() is None:
        return
    with holding_keys(settings.data, alone=True):
        staged = files.staged_escrow()
        if staged is None:  # another process has done it meanwhile
            return
        present = files.load()
        engine = open_engine(settings.database_url, writing=True)
        try:
            with SqlStore(engine).transaction() as ledger:
                sealed = next((b for b in ledger.bindings() if b.escrow), None)
        finally:
            engine.dispose()
        if sealed is None or opens(present, sealed):
            files.end_escrow_rotation(staged_is_true=False)
        elif opens(replace(present, escrow=staged), sealed):
            files.end_escrow_rotation(staged_is_true=True)
        else:
            raise HubNotReady("The hub's escrow key does not fit its database; restore both from one backup.")


def opens(keys: HubKeys, binding: Binding) -> bool:
    """Whether the escrow key opens what the database holds of a binding."""
    try:
        keys.open_escrow(binding.escrow, binding=binding.id)
    except InvalidTag:
        return False
    return True


@contextmanager
def holding_keys(data: Path, *, alone: bool) -> Iterator[None]:
    """Hold the hub's keys as they are, with others or alone, so that nobody works with a key that is being replaced.

    Raises:
        HubBusy: to be alone, while a hub or another command works.
    """
    with (data / "keys.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
        except OSError as error:
            raise HubBusy("The hub runs, or another command does; stop it first.") from error
        yield


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
