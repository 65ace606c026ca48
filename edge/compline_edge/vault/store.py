"""The vault: verdicts, text, evidence and what is owed, in SQLCipher under a raw key.

WAL with synchronous=FULL: a commit survives a power cut. Temporary tables stay in memory, deleted rows are
overwritten. All methods may be called from any thread; one transaction runs at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import sqlcipher3.dbapi2 as sqlcipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from compline_edge.core.speech import Utterance
from compline_edge.core.voiceprint import Voiceprint, pack, unpack
from compline_edge.vault import schema
from compline_edge.vault.database import named, transaction, tune
from compline_edge.vault.durable import is_short, make_folder, rewrite_log, sync_folder
from compline_edge.vault.errors import StorageFailing, StorageFull, VaultLocked
from compline_edge.vault.evidence import (
    Officer,
    SealedEvidence,
    remove_evidence,
    seal_evidence,
    sweep_evidence,
    unseal_evidence,
)
from compline_edge.vault.keys import VaultKey
from compline_shared.chain import Chain
from compline_shared.messages import Verdict
from compline_shared.taxonomy import Role
from compline_shared.wire import ABSOLUTE, canonical, decode_verdict

_VAULT_READER: Final = 1
"""Number of the vault itself among those who may open a piece of evidence; the officer's key lies beside the file."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A verdict as the vault keeps it, and the chain's head after it."""

    verdict: Verdict
    head: bytes  # [32]


class Vault:
    """One binding's vault; close it when done."""

    def __init__(self, folder: Path, *, key: VaultKey, chain: Chain, officer: Officer | None = None) -> None:
        """Open or create `vault.db` and `evidence/` in ``folder``; evidence is sealed to ``officer`` as well.

        Raises:
            VaultLocked: the key is not this vault's.
            VaultTooNew: a newer version wrote it.
            StorageFull: no room.
        """
        self._folder = folder / "evidence"
        make_folder(self._folder)
        self._chain = chain
        self._officer = officer
        self._evidence_keys = ChaCha20Poly1305(key.derive(b"evidence wrap"))
        self._lock = threading.RLock()
        self._path = folder / "vault.db"
        rewrite_log(self._path)
        self._open_again: Callable[[], sqlcipher.Connection] | None = partial(_open, self._path, key)
        self._sound_once = False  # whether the file opened and was this vault's
        self._broken = (
            False  # whether a page could not be read since, and the connection gives nothing any more
        )
        self._connection = _open(self._path, key)
        with self._named():
            schema.migrate(self._connection, schema.VAULT, "The vault")
        sync_folder(folder)  # SQLite syncs the name of its log as well, but takes no notice where that fails
        self._sound_once = True

    def close(self) -> None:
        """Close the vault; its write-ahead log is folded in."""
        with self._lock:
            self._open_again = None
            self._connection.close()

    def require_room(self, evidence: int) -> None:
        """Raise StorageFull where so many bytes of evidence would leave too little free for verdicts."""
        if is_short(self._folder, more=evidence):
            raise StorageFull(StorageFull.__doc__)

    def prove(self) -> None:
        """Write something and see it synced; a commit that failed before cannot come to life after it."""
        with self._transaction() as sql:
            sql(f"PRAGMA user_version = {len(schema.VAULT)}")

    def discard(self, sealed: SealedEvidence) -> None:
        """Remove evidence that no row names."""
        remove_evidence(self._folder, sealed.id)

    def seal_evidence(self, source: BinaryIO) -> SealedEvidence:
        """Seal a recording or chat into a file that no row names yet; raises StorageFull."""
        return seal_evidence(source, self._folder, self._officer)

    def keep(
        self,
        draft: Verdict,
        sealed: SealedEvidence | None,
        *,
        utterances: Sequence[Utterance] = (),
        source: str | None = None,
        also: Sequence[str] = (),
    ) -> Kept:
        """Keep a verdict under the next seq with its evidence and text, owed to the hub, in one transaction.

        ``source`` and ``also`` mark its input as seen in the same transaction. Raises StorageFull: nothing was kept.
        """
        with self._transaction() as sql:
            seq, head = self._chain_end()
            verdict = msgspec.structs.replace(draft, seq=seq + 1, evidence=sealed.digest if sealed else None)
            body = canonical(verdict)
            head = self._chain.link(head, body)
            sql("INSERT OR REPLACE INTO chain VALUES (1, ?, ?)", (verdict.seq, head))
            sql(
                "INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?)",
                (verdict.seq, int(verdict.kind), verdict.started, body, head, int(verdict.urgent)),
            )
            sql("INSERT INTO owed VALUES (?)", (verdict.seq,))
            if sealed:
                self._keep_evidence(verdict.seq, sealed)
            self._keep_text(verdict.seq, utterances)
            for name in (*also, *(() if source is None else (source,))):
                sql("INSERT OR REPLACE INTO seen VALUES (?, ?)", (name, verdict.seq))
            return Kept(verdict, head)

    def owed(self, limit: int) -> list[Kept]:
        """Return up to ``limit`` verdicts that the outbox does not have yet, in seq order."""
        rows = self._rows(
            "SELECT verdict.seq, body, head FROM owed JOIN verdict USING (seq) ORDER BY verdict.seq LIMIT ?",
            (limit,),
        )
        return [Kept(decode_verdict(body, ABSOLUTE), head) for _, body, head in rows]

    def owe_after(self, seq: int) -> int:
        """Owe every verdict above a seq again, for the outbox that had them is gone; return how many were not owed."""
        with self._transaction() as sql:
            return int(
                sql("INSERT OR IGNORE INTO owed SELECT seq FROM verdict WHERE seq > ?", (seq,)).rowcount
            )

    def clear_owed(self, up_to: int) -> None:
        """Forget that verdicts up to a seq are owed: the outbox has them, durably."""
        with self._transaction() as sql:
            sql("DELETE FROM owed WHERE seq <= ?", (up_to,))

    @property
    def last_seq(self) -> int:
        """Seq of the newest verdict, 0 = none."""
        return self._chain_end()[0]

    def verdict(self, seq: int) -> Verdict | None:
        """Return one verdict."""
        rows = self._rows("SELECT body FROM verdict WHERE seq = ?", (seq,))
        return decode_verdict(rows[0][0], ABSOLUTE) if rows else None

    def verdicts(self, *, after: int = 0, limit: int = 1000) -> list[Verdict]:
        """Return verdicts with a seq above ``after``, in seq order."""
        rows = self._rows("SELECT body FROM verdict WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit))
        return [decode_verdict(body, ABSOLUTE) for (body,) in rows]

    def text(self, seq: int) -> list[Utterance]:
        """Return what was said in one call or conversation; the only place where it is kept."""
        rows = self._rows(
            "SELECT text, role, start_ms, end_ms, confidence FROM utterance WHERE seq = ? ORDER BY ordinal",
            (seq,),
        )
        return [Utterance(text, Role(role), s / 1000, e / 1000, c / 100) for text, role, s, e, c in rows]

    def evidence(self, seq: int) -> Iterator[bytes]:
        """Yield the recording or chat behind one verdict, in chunks; nothing where it has none.

        Raises:
            EvidenceDamaged: the file is missing, cut short or altered.
        """
        rows = self._rows(
            "SELECT id, wrapped FROM evidence JOIN evidence_key ON evidence = id WHERE seq = ? AND reader = ?",
            (seq, _VAULT_READER),
        )
        for name, wrapped in rows:
            key = self._evidence_keys.decrypt(name[:12], wrapped, name)
            yield from unseal_evidence(self._folder, name, key)

    def verdict_of(self, source: str) -> Verdict | None:
        """Return the verdict that an input led to."""
        rows = self._rows("SELECT body FROM seen JOIN verdict USING (seq) WHERE source = ?", (source,))
        return decode_verdict(rows[0][0], ABSOLUTE) if rows else None

    def has_seen(self, source: str) -> bool:
        """Whether an input was judged or set aside before; ``source`` is personal and stays in here."""
        return bool(self._rows("SELECT 1 FROM seen WHERE source = ?", (source,)))

    def mark_seen(self, source: str) -> None:
        """Set an input aside for good, without a verdict."""
        with self._transaction() as sql:
            sql("INSERT OR IGNORE INTO seen VALUES (?, NULL)", (source,))

    def set_aside(self, sources: Iterable[str]) -> None:
        """Set inputs aside as `mark_seen` does, all of them or, where it raises StorageFull, none."""
        with self._transaction() as sql:
            for source in sources:
                sql("INSERT OR IGNORE INTO seen VALUES (?, NULL)", (source,))

    def seen_under(self, prefix: str) -> list[str]:
        """Return the inputs whose names begin so, in order."""
        query = "SELECT source FROM seen WHERE source >= ? AND source < ? ORDER BY source"
        return [source for (source,) in self._rows(query, (prefix, prefix + "\U0010ffff"))]

    def voiceprint(self) -> Voiceprint | None:
        """Return the collector's enrolled voice; the only place where it is kept.

        Raises:
            BadVoiceprint: what is kept cannot be read.
        """
        rows = self._rows("SELECT body FROM voiceprint", ())
        return unpack(rows[0][0]) if rows else None

    def keep_voiceprint(self, voice: Voiceprint) -> None:
        """Keep the collector's voice in place of the one before; raises StorageFull."""
        with self._transaction() as sql:
            sql("INSERT OR REPLACE INTO voiceprint VALUES (1, ?)", (pack(voice),))

    def forget_voiceprint(self) -> bool:
        """Overwrite the collector's voice, in the write-ahead log too; return whether there was one."""
        with self._transaction() as sql:
            gone = int(sql("DELETE FROM voiceprint").rowcount) > 0
        with self._lock, self._named():
            self._sound().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def sweep(self) -> int:
        """Remove evidence files that no row names (a crash before the commit); return how many."""
        known = {name.hex() for (name,) in self._rows("SELECT id FROM evidence", ())}
        return sweep_evidence(self._folder, known)

    def _chain_end(self) -> tuple[int, bytes]:
        rows = self._rows("SELECT seq, head FROM chain", ())
        return rows[0] if rows else (0, self._chain.genesis)

    def _keep_evidence(self, seq: int, sealed: SealedEvidence) -> None:
        self._connection.execute(
            "INSERT INTO evidence VALUES (?, ?, ?, ?)", (sealed.id, seq, sealed.length, bytes(sealed.digest))
        )
        wrapped = self._evidence_keys.encrypt(
            sealed.id[:12], sealed.key, sealed.id
        )  # the id is random and used once
        self._connection.execute(
            "INSERT INTO evidence_key VALUES (?, ?, ?)", (sealed.id, _VAULT_READER, wrapped)
        )

    def _keep_text(self, seq: int, utterances: Sequence[Utterance]) -> None:
        self._connection.executemany(
            "INSERT INTO utterance VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    seq,
                    at,
                    int(u.role),
                    round(u.start * 1000),
                    round(u.end * 1000),
                    round(u.confidence * 100),
                    u.text,
                )
                for at, u in enumerate(utterances)
            ],
        )

    def _rows(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        with self._lock, self._named():
            return list(self._sound().execute(sql, parameters).fetchall())

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self._lock, self._named(), transaction(self._sound()):
            yield self._connection.execute

    def _sound(self) -> sqlcipher.Connection:
        """The connection, a new one where a page could not be read: SQLCipher takes all others for foreign then.

        The log is written again first, as at a start: closing folds it in. Raises VaultLocked: the file is damaged.
        """
        if self._broken and self._open_again is not None:
            rewrite_log(self._path)
            self._connection.close()
            self._connection = self._open_again()
            self._broken = False
        return self._connection

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlcipher.Error as error:
            problem = _named(error)
            if isinstance(problem, VaultLocked) and self._sound_once:
                self._broken = True
                problem = StorageFailing(StorageFailing.__doc__)  # SQLite calls a page damaged that gives EIO
            raise problem from error


def _open(path: Path, key: VaultKey) -> sqlcipher.Connection:
    connection = sqlcipher.connect(str(path), isolation_level=None, check_same_thread=False)
    try:
        path.chmod(0o600)
        connection.execute("PRAGMA cipher_log_level = NONE")  # a wrong key would write ERROR CORE to stderr
        connection.execute("PRAGMA cipher_memory_security = ON")  # no measurable cost at our rates
        connection.execute(f"PRAGMA key = \"x'{bytes(key).hex()}'\"")
        tune(connection, "temp_store = MEMORY", "secure_delete = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlcipher.Error as error:
        connection.close()
        raise _named(error) from None
    except StorageFailing:
        connection.close()
        raise
    return connection


def _named(error: Exception) -> Exception:
    return named(
        error,
        full="The disk has no room left for the vault; free some and start again, nothing kept is lost.",
        damaged="The vault does not open with this key, or its file is damaged; restore both from one backup.",
    )
