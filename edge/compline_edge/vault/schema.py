"""The tables of vault and outbox, as numbered steps that are never edited once released."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from compline_edge.vault.errors import VaultTooNew

VAULT: Final = (
    """
    CREATE TABLE chain (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, head BLOB NOT NULL) STRICT;
    CREATE TABLE verdict (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, started INTEGER NOT NULL, body BLOB NOT NULL,
        head BLOB NOT NULL, urgent INTEGER NOT NULL) STRICT;
    CREATE TABLE evidence (id BLOB PRIMARY KEY, seq INTEGER NOT NULL UNIQUE REFERENCES verdict, length INTEGER NOT NULL,
        digest BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE evidence_key (evidence BLOB NOT NULL REFERENCES evidence, reader INTEGER NOT NULL,
        wrapped BLOB NOT NULL, PRIMARY KEY (evidence, reader)) STRICT, WITHOUT ROWID;
    CREATE TABLE utterance (seq INTEGER NOT NULL REFERENCES verdict, ordinal INTEGER NOT NULL, role INTEGER NOT NULL,
        start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, confidence INTEGER NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY (seq, ordinal)) STRICT, WITHOUT ROWID;
    CREATE TABLE seen (source TEXT PRIMARY KEY, seq INTEGER REFERENCES verdict) STRICT, WITHOUT ROWID;
    CREATE TABLE owed (seq INTEGER PRIMARY KEY REFERENCES verdict) STRICT;
    """,
    """
    CREATE TABLE voiceprint (one INTEGER PRIMARY KEY CHECK (one = 1), body BLOB NOT NULL) STRICT;
    """,
)

OUTBOX: Final = (
    """
    CREATE TABLE segment (id INTEGER PRIMARY KEY, enc BLOB NOT NULL UNIQUE, header BLOB NOT NULL) STRICT;
    CREATE TABLE entry (seq INTEGER PRIMARY KEY, segment INTEGER NOT NULL REFERENCES segment, ciphertext BLOB NOT NULL,
        head BLOB NOT NULL, urgent INTEGER NOT NULL, added REAL NOT NULL, settled REAL) STRICT;
    CREATE INDEX entry_settled ON entry (settled) WHERE settled IS NOT NULL;
    CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL,
        settled INTEGER NOT NULL) STRICT;
    INSERT INTO progress VALUES (1, 0, 0);
    """,
    """
    ALTER TABLE segment ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
    """,
    """
    CREATE TABLE mark (up_to INTEGER PRIMARY KEY, at REAL NOT NULL) STRICT;
    INSERT INTO mark SELECT settled, ifnull((SELECT max(settled) FROM entry), 0.0) FROM progress WHERE settled > 0;
    ALTER TABLE progress ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
    UPDATE progress SET pruned = ifnull((SELECT min(seq) - 1 FROM entry), last);
    DROP INDEX entry_settled;
    ALTER TABLE entry DROP COLUMN settled;
    """,
)


class Cursor(Protocol):
    """The part of a DB-API cursor that migrating needs."""

    def fetchone(self) -> tuple[int, ...] | None:
        """Return the next row."""
        ...


class Connection(Protocol):
    """The part of a DB-API connection that migrating needs, in autocommit mode."""

    def execute(self, sql: str, /) -> Cursor:
        """Run one statement."""
        ...


def migrate(connection: Connection, steps: Sequence[str], name: str) -> None:
    """Bring a store to the newest schema, one transaction a step.

    Raises:
        VaultTooNew: the store knows more steps than this version.
    """
    row = connection.execute("PRAGMA user_version").fetchone()
    done = row[0] if row else 0
    if done > len(steps):
        raise VaultTooNew(
            f"{name} was written by a newer version of Compline; install that version or a later one."
        )
    for number, step in enumerate(steps[done:], start=done + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in filter(str.strip, step.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
