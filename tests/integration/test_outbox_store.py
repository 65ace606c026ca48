"""The outbox keeps, settles, prunes and refuses."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from compline_edge.vault.database import tune
from compline_edge.vault.errors import OutboxFull, StorageFailing, StorageFull, VaultLocked, VaultTooNew
from compline_edge.vault.outbox import ROW_BYTES, Outbox
from compline_edge.vault.schema import OUTBOX, migrate
from compline_shared.courier import SealedEntry
from compline_shared.outbox import GRAIN, KEEP_SETTLED

GENESIS = b"\x00" * 32
NOON = 1_795_003_200.0


def entry(seq: int, *, enc: bytes = b"e" * 32, size: int = 100) -> SealedEntry:
    return SealedEntry(
        epoch=1,
        seq=seq,
        enc=enc,
        header=b"h",
        ciphertext=b"c" * size,
        head=seq.to_bytes(32, "big"),
        urgent=False,
        added=1.0,
    )


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db", genesis=GENESIS)
    yield box
    box.close()


def filled(outbox: Outbox, count: int) -> Outbox:
    for seq in range(1, count + 1):
        outbox.put(entry(seq))
    return outbox


def seqs(outbox: Outbox) -> list[int]:
    return [e.seq for e in outbox.due(after=0, limit=100)]


def test_put_when_repeated_then_changes_nothing(outbox: Outbox) -> None:
    filled(outbox, 2).put(entry(2, size=50))
    assert outbox.due(after=1, limit=9) == [entry(2)]


def test_put_when_a_seq_is_skipped_then_refuses(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="in seq order"):
        filled(outbox, 1).put(entry(3))


def test_put_when_reopened_then_entries_are_there(outbox: Outbox, tmp_path: Path) -> None:
    filled(outbox, 3).close()
    again = Outbox(tmp_path / "outbox.db", genesis=GENESIS)
    assert (seqs(again), again.last_seq, again.due_bytes) == ([1, 2, 3], 3, 3 * (100 + ROW_BYTES))
    again.close()


def test_put_when_somebody_listens_then_called_once_an_entry(outbox: Outbox) -> None:
    calls: list[None] = []
    outbox.listen(lambda: calls.append(None))
    filled(outbox, 2).put(entry(2))
    assert len(calls) == 2


def test_head_when_asked_then_genesis_entry_or_none(outbox: Outbox) -> None:
    filled(outbox, 1)
    assert [outbox.head_at(seq) for seq in (0, 1, 2)] == [GENESIS, (1).to_bytes(32, "big"), None]


def test_settle_when_receipt_comes_then_due_bytes_shrink(outbox: Outbox) -> None:
    filled(outbox, 3).settle(2, now=10.0)
    assert (outbox.settled, outbox.due_bytes) == (2, 100 + ROW_BYTES)


def test_settle_when_seven_days_pass_then_pruned_but_for_the_last(outbox: Outbox) -> None:
    filled(outbox, 4).settle(3, now=10.0)
    outbox.settle(4, now=1.0 + GRAIN + KEEP_SETTLED)
    assert seqs(outbox) == [4]


def test_settle_when_six_days_pass_then_kept(outbox: Outbox) -> None:
    filled(outbox, 4).settle(3, now=10.0)
    outbox.settle(4, now=9.0 + KEEP_SETTLED)
    assert seqs(outbox) == [1, 2, 3, 4]


def test_settle_when_hub_went_back_then_owed_again(outbox: Outbox) -> None:
    filled(outbox, 3).settle(3, now=10.0)
    outbox.settle(1, now=20.0)
    assert (outbox.settled, outbox.due_bytes) == (1, 2 * (100 + ROW_BYTES))


def test_settle_when_segment_is_spent_then_pruned_with_it(outbox: Outbox) -> None:
    outbox.put(entry(1, enc=b"1" * 32))
    outbox.put(entry(2, enc=b"2" * 32))
    outbox.settle(1, now=0.0)
    outbox.settle(2, now=1.0 + GRAIN + KEEP_SETTLED)
    assert [e.enc for e in outbox.due(after=0, limit=9)] == [b"2" * 32]


def test_room_when_limit_is_reached_then_refused_until_settled(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "small.db", genesis=GENESIS, limit=2 * (100 + ROW_BYTES))
    filled(outbox, 2)
    with pytest.raises(OutboxFull, match=r"its limit is 328"):
        outbox.require_room()
    outbox.settle(1, now=1.0)
    outbox.require_room()
    outbox.close()


def test_put_when_disk_is_full_then_named_and_nothing_changed(outbox: Outbox) -> None:
    filled(outbox, 1)
    outbox._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StorageFull):
        outbox.put(entry(2, size=100_000))
    assert (outbox.last_seq, outbox.due_bytes) == (1, 100 + ROW_BYTES)


def test_put_when_its_commit_fails_then_it_does_not_count_as_due(outbox: Outbox, tmp_path: Path) -> None:
    filled(outbox, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "outbox.db-wal").stat().st_size, hard))
    try:
        with pytest.raises(StorageFailing):
            outbox.put(entry(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (outbox.last_seq, outbox.due_bytes) == (1, 100 + ROW_BYTES)
    outbox.put(entry(2))
    assert (outbox.last_seq, outbox.due_bytes) == (2, 2 * (100 + ROW_BYTES))


def test_database_when_sqlite_keeps_another_journal_then_it_is_not_trusted() -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(StorageFailing):
        tune(connection)


def test_outbox_when_newer_version_wrote_it_then_says_so(outbox: Outbox, tmp_path: Path) -> None:
    outbox._connection.execute("PRAGMA user_version = 99")
    with pytest.raises(VaultTooNew, match="newer version"):
        Outbox(tmp_path / "outbox.db", genesis=GENESIS)


def test_outbox_when_file_is_no_database_then_says_so(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"not a database" * 400)
    with pytest.raises(VaultLocked, match="damaged"):
        Outbox(tmp_path / "outbox.db", genesis=GENESIS)


def test_outbox_when_written_then_synchronous_is_full(outbox: Outbox) -> None:
    assert outbox._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert outbox._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_migration_when_a_step_fails_then_nothing_of_it_stays(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, ["CREATE TABLE a (b); CREATE TABLE nonsense"], "x")
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()


def test_outbox_when_an_earlier_version_wrote_it_then_its_settled_entries_stay_settled(
    tmp_path: Path,
) -> None:
    path = tmp_path / "outbox.db"
    former = sqlite3.connect(path, isolation_level=None)
    migrate(former, OUTBOX[:2], "The outbox")
    former.execute("INSERT INTO segment VALUES (1, ?, ?, 1)", (b"e" * 32, b"h"))
    for seq in range(4, 9):
        settled = NOON if seq <= 6 else None
        row = (seq, b"c" * 100, seq.to_bytes(32, "big"), settled)
        former.execute("INSERT INTO entry VALUES (?, 1, ?, ?, 0, 1.0, ?)", row)
    former.execute("UPDATE progress SET last = 8, settled = 6")
    former.close()

    outbox = Outbox(path, genesis=GENESIS)
    assert (outbox.last_seq, outbox.settled, outbox.due_bytes) == (8, 6, 2 * (100 + ROW_BYTES))
    outbox.settle(8, now=NOON + KEEP_SETTLED - GRAIN)
    assert seqs(outbox) == [4, 5, 6, 7, 8]
    outbox.settle(5, now=NOON + KEEP_SETTLED - GRAIN)
    assert outbox.due_bytes == 3 * (100 + ROW_BYTES)
    outbox.close()


def test_outbox_when_opened_again_then_it_remembers_when_its_entries_were_settled(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    first = filled(Outbox(path, genesis=GENESIS), 4)
    first.settle(2, now=NOON)
    first.close()
    outbox = Outbox(path, genesis=GENESIS)
    outbox.settle(4, now=NOON + GRAIN + KEEP_SETTLED + 1)
    assert seqs(outbox) == [3, 4]
    outbox.close()
