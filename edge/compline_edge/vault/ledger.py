"""Records verdicts: into the vault, owed, then sealed into the outbox; two databases and no gap between them.

1. evidence file, synced          a crash after it leaves a file that no row names: swept
2. vault transaction              verdict, text, evidence rows, chain, owed row: from here on it exists
3. outbox transaction             sealed entry; one that is there already is left as it is
4. owed row cleared               a crash before it repeats 3, which changes nothing
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import BinaryIO

from compline_edge.core.speech import Utterance
from compline_edge.ports import Clock, NotKept
from compline_edge.vault.errors import StorageFailing, StorageFull, StoresDisagree
from compline_edge.vault.outbox import Outbox
from compline_edge.vault.store import Kept, Vault
from compline_shared.courier import SealedEntry
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.messages import Verdict
from compline_shared.place import Place
from compline_shared.segment import Sealer
from compline_shared.wire import SegmentBase, encode_verdict

_AT_ONCE = 64


class Ledger:
    """The `Owing` port over a vault and an outbox; safe to call from any thread."""

    def __init__(
        self,
        vault: Vault,
        outbox: Outbox,
        *,
        place: Place,
        hub: Callable[[], HubPublicKeys],
        clock: Clock,
    ) -> None:
        """``hub`` says by which keys the hub is known now; each verdict is sealed to the key of its moment."""
        self._vault = vault
        self._outbox = outbox
        self._place = place
        self._hub = hub
        self._clock = clock
        self._sealer: Sealer | None = None
        self._sealed_to = b""
        self._doubtful = False  # whether the disk failed, and no write went through since
        self._behind = False  # whether the vault may hold verdicts that the outbox does not have
        self._lock = threading.Lock()

    def require_room(self, *, evidence: int = 0) -> None:
        """Raise where a verdict with so many bytes of evidence might not be kept; ask before judging.

        Raises:
            OutboxFull: nothing more can be owed.
            StorageFull: too little is free, or the outbox still has no room for what the vault owes.
            StorageFailing: the disk failed, and still does.
        """
        self._outbox.require_room()
        self._vault.require_room(evidence)
        with self._lock:
            if self._doubtful:
                self._vault.prove()
                self._vault.sweep()
                self._doubtful = False
            if self._behind:
                self._move()

    def record(
        self,
        draft: Verdict,
        evidence: BinaryIO | None,
        *,
        utterances: Sequence[Utterance] = (),
        source: str | None = None,
        also: Sequence[str] = (),
    ) -> Verdict:
        """Keep the verdict under the next seq, its evidence sealed, and owe it to the hub; returns it as kept.

        ``source`` names the input for `Vault.has_seen`; a second record of the same source returns the first verdict.
        ``also`` gives further names of it, kept in the same transaction.
        Once the vault has committed this returns, even if the outbox has no room: the verdict stays owed, and `move`
        takes it over later.

        Raises:
            OutboxFull: at the limit; nothing was kept.
            StorageFull: no room; nothing was kept.
            StorageFailing: the disk fails; nothing is acknowledged. A kill right now may leave the verdict kept.
            OSError: the evidence cannot be read.
        """
        with self._lock:
            if source is not None and (known := self._vault.verdict_of(source)) is not None:
                return known
            self._outbox.require_room()
            try:
                sealed = self._vault.seal_evidence(evidence) if evidence is not None else None
                try:
                    kept = self._vault.keep(draft, sealed, utterances=utterances, source=source, also=also)
                except StorageFull:
                    if sealed is not None:
                        self._vault.discard(sealed)
                    raise
            except StorageFailing:  # evidence stays, should a start find the commit after all
                self._doubtful = True
                raise
            self._move_what_fits()
            return kept.verdict

    def recover(self) -> int:
        """Finish what a crash cut off: sweep orphaned evidence, move what is owed; returns how many verdicts moved.

        Raises:
            StoresDisagree: the vault is older than the outbox; a seq would be given out twice.
            StorageFull: no room for what is owed; it stays owed.
        """
        with self._lock:
            if self._outbox.last_seq > self._vault.last_seq:
                raise StoresDisagree(
                    "The vault is older than its outbox: it was put back from a copy. Put both back from one copy,"
                    " or pair this handset anew."
                )
            self._vault.sweep()
            return self._move()

    def move(self) -> int:
        """Move to the outbox what missed it; returns how many verdicts moved.

        Raises:
            StorageFull, StorageFailing: the rest stays owed.
        """
        with self._lock:
            return self._move()

    @property
    def behind(self) -> bool:
        """Whether a verdict missed the outbox and waits in the vault."""
        return self._behind

    @property
    def last_kept(self) -> int:
        """Seq of the newest verdict, in the outbox or still to come there, 0 = none.

        Waits until nothing is being sealed: from then on the keys of now are taken. Raises StorageFailing.
        """
        with self._lock:
            return self._vault.last_seq if self._behind else self._outbox.last_seq

    def _move_what_fits(self) -> None:
        with suppress(NotKept):  # it stays owed
            self._move()

    def _move(self) -> int:
        moved, self._behind = 0, True
        while owed := self._vault.owed(_AT_ONCE):
            if owed[0].verdict.seq > self._outbox.last_seq + 1:  # an outbox that was lost is filled again
                if not self._vault.owe_after(self._outbox.last_seq):
                    raise StoresDisagree(
                        "The vault lacks verdicts that its outbox never had; put back a whole copy."
                    )
                continue
            for kept in owed:
                if kept.verdict.seq > self._outbox.last_seq:
                    self._outbox.put(self._sealed(kept))
            self._vault.clear_owed(owed[-1].verdict.seq)
            moved += len(owed)
        self._behind = False
        return moved

    def _sealed(self, kept: Kept) -> SealedEntry:
        verdict = kept.verdict
        sealer, keys = self._sealer, self._hub()
        ended = sealer is None or sealer.full or self._sealed_to != keys.sealing
        if sealer is None or ended or sealer.next_seq != verdict.seq:  # also after a put that failed
            base = SegmentBase(first_seq=verdict.seq, started=verdict.started, versions=verdict.versions)
            sealer = self._sealer = Sealer(keys.sealing_key, self._place, base)
            self._sealed_to = keys.sealing
        return SealedEntry(
            seq=verdict.seq,
            epoch=self._place.epoch,
            enc=sealer.enc,
            header=sealer.header,
            ciphertext=sealer.seal(verdict.seq, encode_verdict(verdict, sealer.base)),
            head=kept.head,
            urgent=verdict.urgent,
            added=self._clock.now(),
        )
