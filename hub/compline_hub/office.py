"""Opens a hub's keys and store, with the use cases that need no broker and no page."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from sqlalchemy import Engine

from compline_hub.core.authority import HubCertificates
from compline_hub.core.enrolled import Binding
from compline_hub.core.key_sets import KeyRing, KeySets, KnownKey, fits, is_true
from compline_hub.core.keys import HubKeys
from compline_hub.errors import HubBusy, HubNotReady
from compline_hub.ports import Ledger
from compline_hub.service.auditing import Auditing
from compline_hub.service.deposits import Deposits
from compline_hub.service.enrolment import Enrolment, Meeting
from compline_hub.service.operators import OperatorRoll
from compline_hub.service.orders import Orders
from compline_hub.service.pairing import Pairing
from compline_hub.service.restoring import mark_restored
from compline_hub.settings import HubSettings
from compline_hub.store.certificate_files import CertificateFiles
from compline_hub.store.durable import rewrite_log, sync_folder
from compline_hub.store.engine import is_empty, migrate, open_engine, sqlite_file
from compline_hub.store.evidence_files import EvidenceFiles
from compline_hub.store.key_files import KeyFiles
from compline_hub.store.ledger import SqlStore
from compline_hub.store.reading import SqlReading
from compline_shared.certificates import Certificate, read_certificate

_NOT_FITTING: Final = (
    "The hub's keys do not fit its database: bring both back from one backup, and the database of the same moment where"
    " it is PostgreSQL's. Nothing was changed."
)

RESTORED: Final = "restored"
"""File in the data folder: keys came back from a backup, and their PostgreSQL database, brought back by others, is not
marked yet; it holds who restored."""
_NOT_BACK: Final = (
    "The hub's keys came back from a backup, and its PostgreSQL database is not there: bring it back with pg_restore"
    " first. Nothing was changed."
)


@dataclass(frozen=True, slots=True)
class Hub:
    """An opened hub: keys, store and use cases; made by `open_hub`."""

    settings: HubSettings
    ring: KeyRing
    certificates: HubCertificates  # as they were when it was opened
    store: SqlStore
    reading: SqlReading
    enrolment: Enrolment
    pairing: Pairing
    deposits: Deposits
    orders: Orders
    operators: OperatorRoll
    auditing: Auditing

    @property
    def keys(self) -> HubKeys:
        """Its private keys."""
        return self.ring.keys


def init_hub(settings: HubSettings) -> str:
    """Make the data folder, keys, tables and certificates; harmless when they exist. Returns the hub's fingerprint."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    KeyFiles(settings.data / "keys").make()
    _rewrite_log(settings)
    with holding_keys(
        settings.data, alone=False
    ):  # who opens the hub now must not rewrite a log that is in use
        engine = open_engine(settings.database_url, writing=True)
        try:
            _migrate(settings, engine)
        finally:
            engine.dispose()
    with open_hub(settings) as hub:
        return hub.keys.fingerprint


def certificates_of(
    settings: HubSettings, keys: HubKeys, *, authority: Certificate | None = None
) -> HubCertificates:
    """Return the hub's certificates; those that are due, or not of the authority that was told of, are made anew."""
    files = CertificateFiles(settings.data / "keys")
    with moving_keys(settings.data):  # two that open the hub would each make the same one
        return files.refresh(keys, names=settings.names, now=int(time.time()), authority=authority)


@contextmanager
def open_hub(settings: HubSettings) -> Iterator[Hub]:
    """Open an initialised hub's keys and store, also while another process serves it.

    Raises:
        HubNotReady: `compline-hub init` was not run, or the database cannot be opened.
    """
    files = KeyFiles(settings.data / "keys")
    files.load()
    _rewrite_log(settings)
    end_rotations(settings, files)
    with holding_keys(settings.data, alone=False):
        yield from _opened(settings, files)


def _rewrite_log(settings: HubSettings) -> None:
    """Make sure of what an earlier hub wrote, where nobody else has the database open."""
    database = sqlite_file(settings.database_url)
    if database is not None:
        with suppress(HubBusy), holding_keys(settings.data, alone=True), moving_keys(settings.data):
            rewrite_log(database)


def _opened(settings: HubSettings, files: KeyFiles) -> Iterator[Hub]:
    writer = open_engine(settings.database_url, writing=True)
    reader = open_engine(settings.database_url, writing=False)
    try:
        _migrate(settings, writer)
        store = SqlStore(writer)
        ring, certificates = _fitting(settings, store, files)
        _mark(settings, store)
        officer_key = bytes.fromhex(settings.officer_key) or None
        enrolment = Enrolment(
            store,
            ring,
            authority=certificates.authority,
            meeting=_meeting(settings),
            hub_name=settings.name,
            officer_key=officer_key,
        )
        yield Hub(
            settings=settings,
            ring=ring,
            certificates=certificates,
            store=store,
            reading=SqlReading(reader),
            enrolment=enrolment,
            pairing=Pairing(
                store,
                ring,
                enrolment,
                address=settings.pairing_address,
                officer_key=officer_key,
            ),
            deposits=Deposits(
                store, ring, EvidenceFiles(settings.data / "evidence"), wanted=officer_key is not None
            ),
            orders=Orders(store),
            operators=OperatorRoll(store),
            auditing=Auditing(store),
        )
    finally:
        writer.dispose()
        reader.dispose()


def _migrate(settings: HubSettings, engine: Engine) -> None:
    if (settings.data / RESTORED).exists() and is_empty(engine):
        raise HubNotReady(_NOT_BACK)
    migrate(engine)


def _mark(settings: HubSettings, store: SqlStore) -> None:
    """Do to a database that pg_restore brought back what restoring does to SQLite's; twice does no harm."""
    marker = settings.data / RESTORED
    if not marker.exists():
        return
    with store.transaction() as ledger:
        mark_restored(ledger, by=marker.read_text())
    marker.unlink(missing_ok=True)
    sync_folder(marker.parent)


def _fitting(settings: HubSettings, store: SqlStore, files: KeyFiles) -> tuple[KeyRing, HubCertificates]:
    """The keys and certificates, when they are those of the database; former keys that it let go are removed.

    Raises:
        HubNotReady: a key is another.
    """
    keys, known = _as_they_stand(store, files)
    if known is not None and not fits(known, keys):  # a running hub may have begun another round just now
        end_rotations(settings, files)
        keys, known = _as_they_stand(store, files)
    if (known is None and files.former) or (known is not None and not fits(known, keys)):
        raise HubNotReady(_NOT_FITTING)
    told = None if known is None else read_certificate(known.present.authorities[0])
    certificates = certificates_of(settings, keys, authority=told)
    sets = known or KeySets(keys.public((certificates.authority.der,)))
    if known is None:  # from now on the database knows whose it is
        with store.transaction() as ledger:
            ledger.book.keep_key_sets(sets)
    if sets.former is None and files.former:
        files.forget_former()
        keys = replace(keys, former_sealing=None, former_signing=None, former_command=None)
    return KeyRing(keys, sets), certificates


def _as_they_stand(store: SqlStore, files: KeyFiles) -> tuple[HubKeys, KeySets | None]:
    """The keys of the files, and what the database says of them."""
    keys = files.load()
    with store.transaction() as ledger:
        return keys, ledger.book.key_sets()


def end_rotations(settings: HubSettings, files: KeyFiles) -> None:
    """Bring rotations that were cut off to the end that the database says.

    Whoever has the hub open goes on with the keys that he loaded: nothing that is ended here was in use before.

    Raises:
        HubNotReady: neither escrow key opens what the database holds.
    """
    with moving_keys(settings.data):
        end_staged(settings, files)


def end_staged(settings: HubSettings, files: KeyFiles) -> None:
    """Do what `end_rotations` does, for who is moving keys already."""
    for name, decide in _DECIDED.items():
        true = _staged_is_true(settings, files, name, decide)
        if true is not None:
            files.end_rotation(name, staged_is_true=true)


def _staged_is_true(
    settings: HubSettings,
    files: KeyFiles,
    name: str,
    decide: Callable[[Ledger, HubKeys, bytes], bool | None],
) -> bool | None:
    """Whether the staged key of a name takes the present one's place, or goes; None where it is to be left."""
    staged = files.staged(name)
    if staged is None:
        return None
    with ledger_of(settings) as ledger:
        return decide(ledger, files.load(), staged)


@contextmanager
def ledger_of(settings: HubSettings) -> Iterator[Ledger]:
    """One transaction on a hub that is not opened, for who moves its keys; the tables are those of now."""
    engine = open_engine(settings.database_url, writing=True)
    try:
        _migrate(settings, engine)
        with SqlStore(engine).transaction() as ledger:
            yield ledger
    finally:
        engine.dispose()


def _escrow_is_true(ledger: Ledger, present: HubKeys, staged: bytes) -> bool:
    sealed = next((b for b in ledger.bindings() if b.escrow), None)
    if sealed is None or opens(present, sealed):
        return False
    if opens(replace(present, escrow=staged), sealed):
        return True
    raise HubNotReady("The hub's escrow key does not fit its database; restore both from one backup.")


def _told_is_true(kind: KnownKey, ledger: Ledger, _present: HubKeys, staged: bytes) -> bool | None:
    known = ledger.book.key_sets()
    if kind is KnownKey.CA and not (known is not None and is_true(known, kind, staged)):
        return None  # its only copy, should the database be an older one than this key belongs to
    return known is not None and is_true(known, kind, staged)


def _always_true(_ledger: Ledger, _present: HubKeys, _staged: bytes) -> bool:
    """Nobody is told of a TLS key: as soon as it lies there whole, it may be used."""
    return True


_DECIDED: Final[Mapping[str, Callable[[Ledger, HubKeys, bytes], bool | None]]] = {
    "escrow": _escrow_is_true,
    **{kind.value: partial(_told_is_true, kind) for kind in KnownKey},
    "tls": _always_true,
    "link": _always_true,
}


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
def moving_keys(data: Path) -> Iterator[None]:
    """Keep others from moving files of keys meanwhile; held for moments only."""
    with (data / "moving.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing_keys(settings: HubSettings) -> Iterator[KeyFiles]:
    """Give the files of keys to one who replaces some, alone, after rotations that were cut off have come to their end.

    Raises:
        HubBusy: the hub runs, or another command does.
    """
    files = KeyFiles(settings.data / "keys")
    with holding_keys(settings.data, alone=True), moving_keys(settings.data):
        end_staged(settings, files)
        yield files


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
