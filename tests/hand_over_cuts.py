"""A long story of the ledger: verdicts with text and evidence into the vault, over into the outbox, settled there."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_edge.core.speech import Utterance
from compline_edge.vault.evidence import Officer, owed_evidence
from compline_edge.vault.keys import VaultKey
from compline_edge.vault.ledger import Ledger
from compline_edge.vault.outbox import Outbox
from compline_edge.vault.store import Vault
from compline_shared.chain import Chain
from compline_shared.courier import SealedEntry
from compline_shared.messages import Verdict
from compline_shared.segment import Opener
from compline_shared.taxonomy import Role
from compline_shared.wire import canonical, decode_verdict
from tests.cut_story import plainly, pragmas
from tests.homes import HubKeys, SystemClock
from tests.outbox_cuts import MOST, PLACE
from tests.strace import in_a_child, mark
from tests.verdicts import draft

PAGES = 25
"""Pages of the write-ahead logs after which they are folded in: of a vault, a verdict takes some seven."""
OPENED = 3
"""Newest pieces of evidence that are opened; an older one was synced long before the cut, and is looked for by name."""
SIZES = (0, 100, 3_000, 12_000)
"""Bytes of evidence; 0 = none."""
KEY = VaultKey(bytes(range(32)))
OFFICER = X25519PrivateKey.from_private_bytes(bytes(range(224, 256))).public_key()


class ClearsFirst(Ledger):
    """The control: what is owed is forgotten before the outbox has it."""

    def _move(self) -> int:
        owed = self._vault.owed(MOST)
        for kept in owed:
            self._vault.clear_owed(kept.verdict.seq)
            self._outbox.put(self._sealed(kept))
        return len(owed)


@dataclass(frozen=True, slots=True)
class Stores:
    """What a start opens."""

    vault: Vault
    outbox: Outbox
    ledger: Ledger


class HandOverStory:
    """The n-th verdict gets seq n; it is told once `record` has returned."""

    def __init__(self, folder: Path, *, variant: str, seed: int, verdicts: int) -> None:
        self.root = folder / "handset"
        self.root.mkdir()
        self._pragmas = pragmas(variant, checkpoint=PAGES)
        self._ledger = ClearsFirst if variant == "clears-first" else Ledger
        self._count, self._seed = verdicts, seed
        self._keys = HubKeys()
        self._chain = Chain(self._keys.branch, PLACE.binding)
        self._opened = lru_cache(MOST)(self._open_entry)

    def work(self) -> None:
        chance = random.Random(self._seed)
        done = 0
        while done < self._count:
            begin, done = done, min(self._count, done + chance.randint(1, 6))
            settled = max(0, begin - 4) if chance.random() < 0.5 else None
            killed = chance.random() < 0.5

            def opening(
                first: int = begin, last: int = done, settled: int | None = settled, killed: bool = killed
            ) -> None:
                with self._stores(self.root, self._ledger, close=not killed) as here:
                    here.ledger.recover()
                    if settled is not None:
                        here.outbox.settle(settled, now=0.0)
                    for number in range(first + 1, last + 1):
                        mark(str(record(here.ledger, number).seq))

            (in_a_child if killed else plainly)(opening)

    def check(self, folder: Path, told: Sequence[str]) -> None:
        done = int(told[-1]) if told else 0
        with self._stores(folder, Ledger, close=True) as here:
            assert here.vault._rows("PRAGMA integrity_check", ()) == [("ok",)]
            assert here.outbox._rows("PRAGMA integrity_check", ()) == [("ok",)]
            kept = here.vault._rows("SELECT seq, body, head FROM verdict ORDER BY seq", ())
            assert [seq for seq, _, _ in kept] in (list(range(1, done + 1)), list(range(1, done + 2))), (
                "an acknowledged verdict is lost"
            )
            here.ledger.recover()
            assert here.vault.owed(1) == []
            entries = here.outbox.due(after=0, limit=MOST)
            owed = [(entry.seq, self._opened(entry), entry.head) for entry in entries]
            assert owed == kept, "the outbox has other verdicts"
            heads = accumulate((body for _, body, _ in kept), self._chain.link, initial=self._chain.genesis)
            assert [head for _, _, head in kept] == list(heads)[1:], "the chain is broken"
            self._check_evidence(here.vault, folder / "evidence")
            assert record(here.ledger, done + 1).seq == done + 1, "kept twice, or it does not go on"
            assert here.outbox.last_seq == here.vault.last_seq == done + 1, "it does not go on"

    @staticmethod
    def _check_evidence(vault: Vault, folder: Path) -> None:
        rows = vault._rows("SELECT seq, digest FROM evidence ORDER BY seq", ())
        for seq, _ in rows[-OPENED:]:
            assert b"".join(vault.evidence(seq)) == evidence_of(seq), "evidence is lost"
        owed = {piece.digest for piece in owed_evidence(folder)}
        assert owed == {digest for _, digest in rows}, "evidence is lost or left over"

    @contextmanager
    def _stores(self, folder: Path, ledger: Callable[..., Ledger], *, close: bool) -> Iterator[Stores]:
        outbox = Outbox(folder / "outbox.db", genesis=self._chain.genesis)
        vault = Vault(folder, key=KEY, chain=self._chain, officer=Officer(OFFICER, PLACE))
        for pragma in self._pragmas:
            outbox._connection.execute(pragma)
            vault._connection.execute(pragma)
        hub, clock = self._keys.public, SystemClock()
        try:
            yield Stores(vault, outbox, ledger(vault, outbox, place=PLACE, hub=lambda: hub, clock=clock))
        finally:
            if close:
                vault.close()
                outbox.close()

    def _open_entry(self, entry: SealedEntry) -> bytes:
        opener = Opener(self._keys.sealing, PLACE, enc=entry.enc, header=entry.header)
        return canonical(decode_verdict(opener.open(entry.seq, entry.ciphertext), opener.base))


def evidence_of(number: int) -> bytes:
    """What the n-th verdict was drawn from; none of some."""
    return random.Random(number).randbytes(SIZES[number % len(SIZES)])


def record(ledger: Ledger, number: int) -> Verdict:
    """Record the n-th verdict; of one that is there already, nothing changes."""
    said = [Utterance("您好" * (number % 40), Role.COLLECTOR, i, i + 1.0, 0.9) for i in range(number % 7)]
    evidence = evidence_of(number)
    started = msgspec.structs.replace(draft(), started=1_795_000_600 + number)
    return ledger.record(
        started, io.BytesIO(evidence) if evidence else None, utterances=said, source=f"call:{number}"
    )
