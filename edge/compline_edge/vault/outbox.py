"""What is owed to the hub: sealed verdicts in a database of their own, outside the vault.

Plain SQLite with WAL and synchronous=FULL, because there is nothing here to hide: ciphertext for the hub's key, keyed
chain heads, seqs and urgency. Freezing or wiping the vault touches none of it. Only a receipt settles; what is kept
how long `compline_shared.outbox` decides.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compline_edge.vault import schema
from compline_edge.vault.database import named, transaction, tune
from compline_edge.vault.durable import move_file, rewrite_log, sync_folder
from compline_edge.vault.errors import OutboxFull, StorageFailing, VaultLocked
from compline_shared import outbox
from compline_shared.courier import SealedEntry
from compline_shared.outbox import Mark, Progress

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


@dataclass(frozen=True, slots=True)
class _Standing:
    progress: Progress
    due_bytes: int


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
        self._sound_once = False  # whether the file opened and was read
        if not path.exists():
            with self._named():
                _make(path)
        rewrite_log(path)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with self._named():
            path.chmod(0o600)
            tune(self._connection, "secure_delete = ON")
            schema.migrate(self._connection, schema.OUTBOX, "The outbox")
        self._standing: _Standing | None = None
        self._stands()
        self._sound_once = True
        sync_folder(path.parent)  # SQLite syncs the name of its log too, but takes no notice where that fails

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @property
    def last_seq(self) -> int:
        """Seq of the newest entry ever put in, 0 = none."""
        return self._stands().progress.last

    @property
    def settled(self) -> int:
        """Seq up to which the hub's receipts go, 0 = none."""
        return self._stands().progress.settled

    @property
    def due_bytes(self) -> int:
        """Bytes that the hub has not taken."""
        return self._stands().due_bytes

    def require_room(self) -> None:
        """Raise OutboxFull where the outbox is at its limit; ask before judging goes on."""
        if self.due_bytes >= self._limit:
            raise OutboxFull(
                f"The outbox holds {self.due_bytes} bytes that the hub has not taken, its limit is {self._limit};"
                " bring the handset to the hub's network, or raise the limit."
            )

    def put(self, entry: SealedEntry) -> None:
        """Keep an entry durably; one that is there already is left as it is.

        Raises:
            ValueError: an earlier seq is missing.
            StorageFull: no room; nothing changed.
        """
        with self._lock:
            before = self._stands()
            after = outbox.put(before.progress, entry.seq)
            if after is before.progress:
                return
            self._write(entry)
            self._standing = _Standing(after, before.due_bytes + len(entry.ciphertext) + ROW_BYTES)
        for listener in tuple(self._listeners):
            listener()

    def _write(self, entry: SealedEntry) -> None:
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO segment (enc, header, epoch) VALUES (?, ?, ?)",
                (entry.enc, entry.header, entry.epoch),
            )
            connection.execute(
                "INSERT INTO entry SELECT ?, id, ?, ?, ?, ? FROM segment WHERE enc = ?",
                (entry.seq, entry.ciphertext, entry.head, int(entry.urgent), entry.added, entry.enc),
            )
            connection.execute("UPDATE progress SET last = ?", (entry.seq,))

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
        """Return the chain's head at a seq; None where that entry was never made or what follows is no longer kept."""
        if seq == 0:
            return None if self._stands().progress.pruned else self._genesis
        rows = self._rows("SELECT head FROM entry WHERE seq = ?", (seq,))
        return rows[0][0] if rows else None

    def settle(self, up_to: int, *, now: float) -> None:
        """Take the hub's word that it has everything up to a seq; prune what settled long ago.

        A lower seq than before opens the entries above it again: the hub came back from a backup.

        Raises:
            ValueError: no entry of that seq is kept.
            StorageFull: no room; nothing changed.
        """
        with self._lock:
            standing = self._stands()
            before, after = standing.progress, outbox.settle(standing.progress, up_to, now=now)
            opened = self._bytes_between(after.settled, before.settled)
            closed = self._bytes_between(before.settled, after.settled)
            self._write_settled(before, after)
            self._standing = _Standing(after, standing.due_bytes + opened - closed)

    def _write_settled(self, before: Progress, after: Progress) -> None:
        with self._transaction() as connection:
            connection.execute("UPDATE progress SET settled = ?, pruned = ?", (after.settled, after.pruned))
            for mark in set(before.marks) - set(after.marks):
                connection.execute("DELETE FROM mark WHERE up_to = ?", (mark.up_to,))
            for mark in set(after.marks) - set(before.marks):
                connection.execute("INSERT INTO mark VALUES (?, ?)", (mark.up_to, mark.at))
            if after.pruned > before.pruned:
                connection.execute("DELETE FROM entry WHERE seq <= ?", (after.pruned,))
                connection.execute("DELETE FROM segment WHERE id NOT IN (SELECT segment FROM entry)")

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each new entry, on the thread that put it in."""
        self._listeners.append(listener)

    def _stands(self) -> _Standing:
        with self._lock:
            if self._standing is None:
                last, pruned = self._rows("SELECT last, pruned FROM progress", ())[0]
                marks = self._rows("SELECT up_to, at FROM mark ORDER BY up_to", ())
                progress = Progress(last, pruned, tuple(Mark(up_to, at) for up_to, at in marks))
                self._standing = _Standing(progress, self._bytes_between(progress.settled, last))
            return self._standing

    def _bytes_between(self, after: int, up_to: int) -> int:
        count, text = self._rows(
            "SELECT count(*), ifnull(sum(length(ciphertext)), 0) FROM entry WHERE seq > ? AND seq <= ?",
            (after, up_to),
        )[0]
        return int(text) + ROW_BYTES * int(count)

    def _rows(self, sql: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock, self._named():
            return self._connection.execute(sql, parameters).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._standing = None  # until it is known what the file says: a commit that failed may have been one
        with self._named(), transaction(self._connection):
            yield self._connection

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            problem = _named(error)
            if isinstance(problem, VaultLocked) and self._sound_once:
                problem = StorageFailing(StorageFailing.__doc__)  # SQLite calls a page damaged that gives EIO
            raise problem from error


def _make(path: Path) -> None:
    """Make an empty outbox, which gets its name once it is whole: of a disk that fails meanwhile nothing is left."""
    part = path.with_name(path.name + ".part")
    log = part.with_name(part.name + "-wal")
    for left in (part, log, part.with_name(part.name + "-shm"), part.with_name(part.name + "-journal")):
        left.unlink(missing_ok=True)
    with closing(sqlite3.connect(part, isolation_level=None)) as connection:
        part.chmod(0o600)
        tune(connection)
        schema.migrate(connection, schema.OUTBOX, "The outbox")
    if log.exists():  # SQLite folds it in on closing, and takes no notice where that fails
        raise StorageFailing(StorageFailing.__doc__)
    move_file(part, path)


def _named(error: sqlite3.Error) -> Exception:
    return named(
        error,
        full="The disk has no room left for the outbox; free some, nothing that was kept is lost.",
        damaged="The outbox's file is damaged; restore it from a backup, or pair this handset anew.",
    )
