"""Opens a hub's keys and store, with the use cases that need no broker and no page."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compline_hub.core.keys import HubKeys
from compline_hub.errors import HubBusy
from compline_hub.service.auditing import Auditing
from compline_hub.service.enrolment import Enrolment
from compline_hub.service.operators import OperatorRoll
from compline_hub.service.orders import Orders
from compline_hub.settings import HubSettings
from compline_hub.store.engine import migrate, open_engine
from compline_hub.store.key_files import KeyFiles
from compline_hub.store.ledger import SqlStore
from compline_hub.store.reading import SqlReading


@dataclass(frozen=True, slots=True)
class Hub:
    """An opened hub: keys, store and use cases; made by `open_hub`."""

    settings: HubSettings
    keys: HubKeys
    store: SqlStore
    reading: SqlReading
    enrolment: Enrolment
    orders: Orders
    operators: OperatorRoll
    auditing: Auditing


def init_hub(settings: HubSettings) -> str:
    """Make the data folder, keys and tables; harmless when they exist. Returns the hub's fingerprint."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = KeyFiles(settings.data / "keys").make()
    engine = open_engine(settings.database_url, writing=True)
    try:
        migrate(engine)
    finally:
        engine.dispose()
    return keys.fingerprint


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
        yield Hub(
            settings=settings,
            keys=keys,
            store=store,
            reading=SqlReading(reader),
            enrolment=Enrolment(store, keys, hub_name=settings.name),
            orders=Orders(store),
            operators=OperatorRoll(store),
            auditing=Auditing(store),
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
