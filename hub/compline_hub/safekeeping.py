"""Backs a hub up, restores it and rotates its escrow key; killed anywhere, each leaves the old or the new state."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from sqlalchemy import make_url, text
from sqlalchemy.exc import DatabaseError

from compline_hub.core.audit import Act, Entry
from compline_hub.core.key_sets import fits
from compline_hub.core.keys import HubKeys
from compline_hub.errors import BadBackup, FolderInUse
from compline_hub.office import RESTORED, end_staged, init_hub, ledger_of, open_hub, replacing_keys
from compline_hub.ports import Ledger
from compline_hub.service.auditing import Auditing
from compline_hub.service.restoring import mark_restored, revoke_offers
from compline_hub.settings import HubSettings
from compline_hub.store.archive import DATABASE, read_archive, snapshot, write_archive
from compline_hub.store.durable import sync_folder, write_durably
from compline_hub.store.engine import migrate, open_engine
from compline_hub.store.key_files import KeyFiles
from compline_hub.store.ledger import SqlStore

_SNAPSHOT = "backup.tmp"


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup holds."""

    keys: int
    database: bool  # False: it is PostgreSQL's, and pg_dump must save it


def back_up(settings: HubSettings, to: Path, *, passphrase: str, by: str) -> BackedUp:
    """Write keys, certificates and database into one sealed file; works while the hub runs.

    Raises:
        HubNotReady, BadBackup, WrongPassphrase: nothing was written.
    """
    database = _sqlite_file(settings)
    temporary = settings.data / _SNAPSHOT
    with open_hub(settings) as hub:
        found = sorted((settings.data / "keys").iterdir())
        files = [
            (f"keys/{path.name}", path) for path in found if path.suffix in (".key", ".crt", ".old", ".next")
        ]
        keys = len(files)
        shutil.rmtree(temporary, ignore_errors=True)
        if database is not None:
            temporary.mkdir(mode=0o700)
            snapshot(database, temporary / DATABASE)
            files.append((DATABASE, temporary / DATABASE))
        try:
            write_archive(to, files, passphrase=passphrase)
        except FileNotFoundError as error:
            raise BadBackup("The hub destroyed a former key just now; make the backup again.") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        with hub.store.transaction() as ledger:
            ledger.audit.note(Entry(at=int(time.time()), who=by, act=Act.BACKED_UP))
    return BackedUp(keys=keys, database=database is not None)


def restore(settings: HubSettings, source: Path, *, passphrase: str, by: str) -> BackedUp:
    """Bring a hub back into an empty data folder; everything is verified before anything is there.

    Raises:
        FolderInUse: the data folder is not empty.
        BadBackup, WrongPassphrase, HubNotReady, AuditBroken: the data folder is as it was.
    """
    data = settings.data
    if data.exists() and any(data.iterdir()):
        raise FolderInUse(f"{data} is not empty; choose another data_dir, or move what is there away.")
    staging = data.with_name(f"{data.name}.restoring")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700, parents=True)
    try:
        names = read_archive(source, staging, passphrase=passphrase)
        keys = KeyFiles(staging / "keys").load()
        if DATABASE in names:
            _check_place(settings)
            keys = _keys_of(staging)
            _verify_and_mark(staging / DATABASE, keys, by=by)
        else:
            write_durably(staging / RESTORED, by.encode())
        sync_folder(staging)
        os.replace(staging, data)  # noqa: PTH105 (onto an empty folder: the one step that makes it true)
        sync_folder(data.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return BackedUp(keys=sum(name != DATABASE for name in names), database=DATABASE in names)


def rotate_escrow(settings: HubSettings, *, by: str) -> int:
    """Seal all binding secrets under a new escrow key and destroy the old one; returns how many were sealed anew.

    Pairing codes that are open are called off.

    Raises:
        HubBusy: the hub runs, or another command does.
    """
    init_hub(settings)
    with replacing_keys(settings) as files:
        keys = files.load()
        fresh = replace(keys, escrow=files.stage("escrow"))
        with ledger_of(settings) as ledger:
            count = _sealed_anew(ledger, keys, fresh)
            revoke_offers(ledger, by=by)
            ledger.audit.note(Entry(at=int(time.time()), who=by, act=Act.ROTATED, detail="escrow"))
        files.end_rotation("escrow", staged_is_true=True)
    return count


def _sealed_anew(ledger: Ledger, keys: HubKeys, fresh: HubKeys) -> int:
    count = 0
    for binding in ledger.bindings():
        sealed: list[bytes] = []
        for escrow in (binding.escrow, binding.next_escrow or b""):
            plain = keys.open_escrow(escrow, binding=binding.id) if escrow else None
            nonce = secrets.token_bytes(12)
            sealed.append(b"" if plain is None else fresh.seal_escrow(plain, binding=binding.id, nonce=nonce))
            count += plain is not None
        ledger.keep_binding(replace(binding, escrow=sealed[0], next_escrow=sealed[1] or None))
    return count


def _keys_of(staging: Path) -> HubKeys:
    """The keys as the database that lies with them says: a backup may be of the middle of a rotation."""
    there, files = HubSettings(data_dir=str(staging)), KeyFiles(staging / "keys")
    engine = open_engine(there.database_url, writing=True)
    try:
        migrate(engine)
    except DatabaseError as error:
        raise BadBackup("The database in the backup cannot be read; take an older backup.") from error
    finally:
        engine.dispose()
    end_staged(there, files)
    return files.load()


def _verify_and_mark(database: Path, keys: HubKeys, *, by: str) -> None:
    """Check a database in every way there is, then take its counters up and its nonces away."""
    engine = open_engine(f"sqlite:///{database}", writing=True)
    try:
        with engine.begin() as connection:
            if connection.execute(text("PRAGMA integrity_check")).scalar() != "ok":
                raise BadBackup("The database in the backup is damaged; take an older backup.")
        migrate(engine)
        store = SqlStore(engine)
        Auditing(store).verify()
        with store.transaction() as ledger:
            sets = ledger.book.key_sets()
            if sets is not None and not fits(sets, keys):
                raise BadBackup("The keys in the backup do not fit its database; take another backup.")
            for binding in ledger.bindings():
                for escrow in (binding.escrow, binding.next_escrow):
                    if escrow:
                        keys.open_escrow(escrow, binding=binding.id)
            mark_restored(ledger, by=by)
    except InvalidTag as error:
        raise BadBackup("The keys in the backup do not fit its database; take another backup.") from error
    except DatabaseError as error:
        raise BadBackup("The database in the backup cannot be read; take an older backup.") from error
    finally:
        engine.dispose()


def _check_place(settings: HubSettings) -> None:
    if _sqlite_file(settings) != settings.data / DATABASE:
        raise BadBackup(
            'The backup holds a database, and the setting "database" names another place; restore without that setting.'
        )


def _sqlite_file(settings: HubSettings) -> Path | None:
    url = make_url(settings.database_url)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None
