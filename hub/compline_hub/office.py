"""Opens a hub's keys and store, with the use cases that need no broker and no page."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag

from compline_hub.core.authority import HubCertificates
from compline_hub.core.enrolled import Binding
from compline_hub.core.keys import HubKeys, public_of
from compline_hub.errors import HubBusy, HubNotReady
from compline_hub.ports import Ledger
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
    end_rotations(settings, files)
    with holding_keys(settings.data, alone=False):
        yield from _opened(settings, files)


def _opened(settings: HubSettings, files: KeyFiles) -> Iterator[Hub]:
    writer = open_engine(settings.database_url, writing=True)
    reader = open_engine(settings.database_url, writing=False)
    try:
        migrate(writer)
        store = SqlStore(writer)
        keys = _fitting(store, files)
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


def _fitting(store: SqlStore, files: KeyFiles) -> HubKeys:
    """The keys, when they are those of the database; a former command key that it let go is removed.

    Raises:
        HubNotReady: the command key is another.
    """
    keys = files.load()
    with store.transaction() as ledger:
        known = ledger.book.command_keys()
    if known is not None and known.present != keys.command_public:
        raise HubNotReady("The hub's command key does not fit its database; restore both from one backup.")
    if keys.former_command is not None and (known is None or known.former is None):
        files.forget_former()
        keys = replace(keys, former_command=None)
    return keys


def end_rotations(settings: HubSettings, files: KeyFiles) -> None:
    """Bring rotations that were cut off to the end that the database says.

    Raises:
        HubNotReady: neither escrow key opens what the database holds.
    """
    for name, is_true in (("escrow", _escrow_is_true), ("command", _command_is_true)):
        if files.staged(name) is not None:
            with holding_keys(settings.data, alone=True):
                staged = files.staged(name)
                if staged is not None:  # or else another process has done it meanwhile
                    true = _asked(settings, lambda ledger, s=staged, t=is_true: t(ledger, files.load(), s))  # type: ignore[misc]
                    files.end_rotation(name, staged_is_true=true)


def _asked(settings: HubSettings, question: Callable[[Ledger], bool]) -> bool:
    engine = open_engine(settings.database_url, writing=True)
    try:
        with SqlStore(engine).transaction() as ledger:
            return question(ledger)
    finally:
        engine.dispose()


def _escrow_is_true(ledger: Ledger, present: HubKeys, staged: bytes) -> bool:
    sealed = next((b for b in ledger.bindings() if b.escrow), None)
    if sealed is None or opens(present, sealed):
        return False
    if opens(replace(present, escrow=staged), sealed):
        return True
    raise HubNotReady("The hub's escrow key does not fit its database; restore both from one backup.")


def _command_is_true(ledger: Ledger, _present: HubKeys, staged: bytes) -> bool:
    known = ledger.book.command_keys()
    return known is not None and known.present == public_of(staged)


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
