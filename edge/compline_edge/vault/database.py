"""What vault and outbox have in common as SQLite databases: their transactions, and names for what fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from compline_edge.vault.errors import StorageFull, VaultLocked


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
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return VaultLocked(damaged)
    return error
