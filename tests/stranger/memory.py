"""Everything that the handset must not forget, in one SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stranger.cbor import decode, encode

KEPT = 7 * 86_400

_TABLES = """
create table if not exists facts (name text primary key, value blob not null);
create table if not exists segments (
    id integer primary key, epoch integer not null, enc blob not null, header blob not null,
    ended integer not null default 0);
create table if not exists entries (
    seq integer primary key, segment integer not null references segments, sealed blob not null,
    head blob not null, urgent integer not null, made real not null);
"""


@dataclass(frozen=True)
class Entry:
    """One sealed verdict, with the segment that it lies in and the chain's head after it."""

    seq: int
    segment: int
    sealed: bytes
    head: bytes
    urgent: bool
    made: float


@dataclass(frozen=True)
class Kept:
    """What a batch says of its segment."""

    epoch: int
    enc: bytes
    header: bytes
    ended: bool


class Memory:
    """Facts by name, segments, and entries in their order."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=wal", "synchronous=full", "secure_delete=on"):
            self._db.execute(f"pragma {pragma}")
        self._db.executescript(_TABLES)
        # The keys of segments went with the run before: none of them takes another entry.
        self._db.execute("update segments set ended = 1")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """All of it durably, or nothing."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def get(self, name: str, otherwise: Any = None) -> Any:
        row = self._db.execute("select value from facts where name = ?", (name,)).fetchone()
        return otherwise if row is None else decode(row[0])

    def put(self, **facts: Any) -> None:
        """Keep facts; one that is None is destroyed."""
        with self.at_once():
            for name, value in facts.items():
                if value is None:
                    self._db.execute("delete from facts where name = ?", (name,))
                else:
                    self._db.execute("insert or replace into facts values (?, ?)", (name, encode(value)))

    def begin_segment(self, epoch: int, enc: bytes, header: bytes) -> int:
        with self.at_once():
            self._db.execute("update segments set ended = 1")
            row = "insert into segments (epoch, enc, header) values (?, ?, ?)"
            return int(self._db.execute(row, (epoch, enc, header)).lastrowid or 0)

    def end_segments(self) -> None:
        self._db.execute("update segments set ended = 1")

    def segment(self, number: int) -> Kept:
        row = self._db.execute("select epoch, enc, header, ended from segments where id = ?", (number,))
        epoch, enc, header, ended = row.fetchone()
        return Kept(epoch, enc, header, bool(ended))

    def add(self, entry: Entry) -> None:
        members = (entry.seq, entry.segment, entry.sealed, entry.head, entry.urgent, entry.made)
        self._db.execute("insert into entries values (?, ?, ?, ?, ?, ?)", members)

    def entries(self, first: int, most: int = 100) -> list[Entry]:
        """At most so many entries of one segment, from this one on."""
        rows = self._db.execute("select * from entries where seq >= ? order by seq limit ?", (first, most))
        found = [Entry(seq, seg, sealed, head, bool(u), made) for seq, seg, sealed, head, u, made in rows]
        return [each for each in found if each.segment == found[0].segment]

    def head(self, seq: int) -> bytes | None:
        """The chain's head after an entry that is still kept."""
        row = self._db.execute("select head from entries where seq = ?", (seq,)).fetchone()
        return None if row is None else bytes(row[0])

    @property
    def newest(self) -> int:
        """The newest seq that was given out."""
        return int(self.get("newest", 0))

    @property
    def settled(self) -> int:
        """Up to where a receipt covers the entries."""
        return int(self.get("settled", 0))

    def urgent_after(self, seq: int) -> bool:
        row = self._db.execute("select 1 from entries where seq >= ? and urgent limit 1", (seq,)).fetchone()
        return row is not None

    def forget(self, now: float) -> None:
        """Let settled entries go after their time, but for the last, whose head the next receipt names."""
        gone = (self.settled, now - KEPT)
        self._db.execute("delete from entries where seq < ? and made < ?", gone)
