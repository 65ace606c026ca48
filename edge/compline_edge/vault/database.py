"""What vault and outbox have in common as SQLite databases: how they commit, and names for what fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from compline_edge.vault.errors import StorageFailing, StorageFull, VaultLocked


def tune(connection: sqlite3.Connection, *pragmas: str) -> None:
    """Set the write-ahead log, a commit that is synced, and more; raises StorageFailing.

    SQLite answers with another mode, and no error, where a disk that fails did not let it change to the log. In that
    mode a commit ends with a name that is removed and not synced: a power cut may undo it.
    """
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StorageFailing(StorageFailing.__doc__)
    for pragma in ("synchronous = FULL", "foreign_keys = ON", *pragmas):
        connection.execute(f"PRAGMA {pragma}")
    # SQLite opens a file for reading where it cannot for writing, and says so only here
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block wrote, all of it or, where it raises, nothing; the write lock is taken at once."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def named(error: Exception, *, full: str, damaged: str) -> Exception:
    """Return a database's error by the name that says what to do, with that sentence; others as they are."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StorageFull(full)
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return StorageFailing(StorageFailing.__doc__)
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return VaultLocked(damaged)
    return error
