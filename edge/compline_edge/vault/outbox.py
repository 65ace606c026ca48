"""What is owed to the hub: sealed verdicts in a database of their own, outside the vault.

Plain SQLite with WAL and synchronous=FULL, because there is nothing here to hide: ciphertext for the hub's key, keyed
chain heads, seqs and urgency. Freezing or wiping the vault touches none of it. Only a receipt settles; settled
entries stay for 7 days, so that a hub restored from a backup can ask again.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from compline_edge.core.courier import SealedEntry
from compline_edge.vault import schema
from compline_edge.vault.database import named, transaction, tune
from compline_edge.vault.durable import rewrite_log, sync_folder
from compline_edge.vault.errors import OutboxFull

KEEP_SETTLED: Final = 7 * 86_400.0
"""Seconds that a settled entry stays."""

DEFAULT_LIMIT: Final = 64 * 2**20
"""Bytes of entries that the hub has not taken: about half a million verdicts."""

ROW_BYTES: Final = 64
"""What an entry counts beyond its ciphertext."""


def owes(path: Path) -> bool:
    """Whether an outbox holds what the hub has not taken; one that was never made owes nothing."""
    return owed_in(path) > 0


def owed_in(path: Path) -> int:
    """Return how many verdicts an outbox holds that the hub has not taken; another program may have it open.

    Nothing is written: a log that is there is read with the file, and where there is none nobody is writing.
    Raises VaultLocked: the file is damaged.
    """
    if not path.exists():
        return 0
    way = "mode=ro" if path.with_name(path.name + "-wal").exists() else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{way}", uri=True)) as connection:
            last, settled = connection.execute("SELECT last, settled FROM progress").fetchone()
    except sqlite3.Error as error:
        raise _named(error) from error
    return max(0, int(last) - int(settled))


class Outbox:
    """Entries in seq order without gaps; all methods may be called from any thread."""

    def __init__(self, path: Path, *, genesis: bytes, limit: int = DEFAULT_LIMIT) -> None:
        """Open or create the file; ``genesis`` is the chain's head at seq 0.

        Raises:
            VaultTooNew: a newer version wrote it.
            VaultLocked: the file is damaged.
            StorageFull: no room.
        """
        self._lock = threading.RLock()
        self._genesis = genesis
        self._limit = limit
        self._listeners: list[Callable[[], None]] = []
        rewrite_log(path)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with self._named():
            path.chmod(0o600)
            tune(self._connection, "secure_delete = ON")
            schema.migrate(self._connection, schema.OUTBOX, "The outbox")
        sync_folder(
            path.parent
        )  # SQLite syncs the name of its log as well, but takes no notice where that fails
        self._due_bytes = self._sum_due()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @property
    def last_seq(self) -> int:
        """Seq of the newest entry ever put in, 0 = none."""
        return int(self._one("SELECT last FROM progress"))

    @property
    def settled(self) -> int:
        """Seq up to which the hub's receipts go, 0 = none."""
        return int(self._one("SELECT settled FROM progress"))

    @property
    def due_bytes(self) -> int:
        """Bytes that the hub has not taken."""
        return self._due_bytes

    def require_room(self) -> None:
        """Raise OutboxFull where the outbox is at its limit; ask before judging goes on."""
        if self._due_bytes >= self._limit:
            raise OutboxFull(
                f"The outbox holds {self._due_bytes} bytes that the hub has not taken, its limit is {self._limit};"
                " bring the handset to the hub's network, or raise the limit."
            )

    def put(self, entry: SealedEntry) -> None:
        """Keep an entry durably; one that is there already is left as it is.

        Raises:
            ValueError: an earlier seq is missing.
            StorageFull: no room; nothing changed.
        """
        with self._transaction() as connection:
            last = self.last_seq
            if entry.seq <= last:
                return
            if entry.seq != last + 1:
                raise ValueError("entries go in in seq order")
            connection.execute(
                "INSERT OR IGNORE INTO segment (enc, header, epoch) VALUES (?, ?, ?)",
                (entry.enc, entry.header, entry.epoch),
            )
            connection.execute(
                "INSERT INTO entry SELECT ?, id, ?, ?, ?, ?, NULL FROM segment WHERE enc = ?",
                (entry.seq, entry.ciphertext, entry.head, int(entry.urgent), entry.added, entry.enc),
            )
            connection.execute("UPDATE progress SET last = ?", (entry.seq,))
        self._due_bytes += len(entry.ciphertext) + ROW_BYTES  # of a commit that failed, nothing counts
        for listener in tuple(self._listeners):
            listener()

    def due(self, *, after: int, limit: int) -> list[SealedEntry]:
        """Return up to ``limit`` entries with a seq above ``after``, in seq order, settled ones too."""
        rows = self._rows(
            "SELECT seq, epoch, enc, header, ciphertext, head, urgent, added FROM entry JOIN segment ON segment = id"
            " WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, limit),
        )
        return [
            SealedEntry(seq, epoch, enc, header, text, head, bool(urgent), at)
            for seq, epoch, enc, header, text, head, urgent, at in rows
        ]

    def head_at(self, seq: int) -> bytes | None:
        """Return the chain's head at a seq; None where that entry was never made or is no longer kept."""
        if seq == 0:
            return self._genesis
        rows = self._rows("SELECT head FROM entry WHERE seq = ?", (seq,))
        return rows[0][0] if rows else None

    def settle(self, up_to: int, *, now: float) -> None:
        """Take the hub's word that it has everything up to a seq; prune what settled long ago.

        A lower seq than before opens the entries above it again: the hub came back from a backup.
        """
        with self._transaction() as connection:
            connection.execute(
                "UPDATE entry SET settled = ? WHERE seq <= ? AND settled IS NULL", (now, up_to)
            )
            connection.execute(
                "UPDATE entry SET settled = NULL WHERE seq > ? AND settled IS NOT NULL", (up_to,)
            )
            connection.execute("UPDATE progress SET settled = ?", (up_to,))
            connection.execute("DELETE FROM entry WHERE settled < ? AND seq < ?", (now - KEEP_SETTLED, up_to))
            connection.execute("DELETE FROM segment WHERE id NOT IN (SELECT segment FROM entry)")
        self._due_bytes = self._sum_due()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each new entry, on the thread that put it in."""
        self._listeners.append(listener)

    def _sum_due(self) -> int:
        count, text = self._rows(
            "SELECT count(*), ifnull(sum(length(ciphertext)), 0) FROM entry WHERE settled IS NULL", ()
        )[0]
        return int(text) + ROW_BYTES * int(count)

    def _one(self, sql: str) -> int:
        return int(self._rows(sql, ())[0][0])

    def _rows(self, sql: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock, self._named():
            return self._connection.execute(sql, parameters).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._named(), transaction(self._connection):
            yield self._connection

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _named(error) from error


def _named(error: sqlite3.Error) -> Exception:
    return named(
        error,
        full="The disk has no room left for the outbox; free some, nothing that was kept is lost.",
        damaged="The outbox's file is damaged; restore it from a backup, or pair this handset anew.",
    )
