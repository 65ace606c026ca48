"""Takes sealed evidence of handsets in: checks who offers it, keeps it piece by piece, receipts it whole."""

from __future__ import annotations

import threading

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from compline_hub.core.key_sets import KeyRing
from compline_hub.ports import EvidenceShelf, Store
from compline_hub.service.cases import told_keys
from compline_shared.errors import MalformedFrame
from compline_shared.ids import BindingId, HandsetId
from compline_shared.transfer import (
    Complete,
    Decline,
    Declined,
    Deposit,
    EvidenceReceipt,
    Kept,
    Offer,
    next_chunk,
    sign_receipt,
    verify_offer,
)

AT_ONCE = 4
"""Pieces that are taken in at a time."""
SPARE = 1 << 30
"""Bytes of the hub's disk that evidence leaves free."""
_log = structlog.get_logger("compline_hub.deposits")


class Deposits:
    """The use case, wired; safe to call from any thread."""

    def __init__(self, store: Store, ring: KeyRing, shelf: EvidenceShelf, *, wanted: bool) -> None:
        """`wanted` says whether the branch names a compliance officer."""
        self._store = store
        self._ring = ring
        self._shelf = shelf
        self._wanted = wanted
        self._open: set[bytes] = set()
        self._changing = threading.Lock()

    def begin(self, deposit: Deposit) -> Offer | Declined:
        """Admit an offer, or say why not; an admitted one is to be given back by `end`."""
        if not self._wanted:
            return Declined(Decline.NOT_WANTED)
        offer = self._known(deposit)
        if offer is None:
            return Declined(Decline.UNKNOWN)
        if self._shelf.free() < SPARE + offer.size - self._shelf.kept(offer):
            _log.error("evidence_no_room")
            return Declined(Decline.NO_ROOM)
        with self._changing:
            if len(self._open) >= AT_ONCE or offer.evidence in self._open:
                return Declined(Decline.BUSY)
            self._open.add(offer.evidence)
        return offer

    def end(self, offer: Offer) -> None:
        """Give an admitted offer back, however far it came."""
        with self._changing:
            self._open.discard(offer.evidence)

    def stands(self, offer: Offer) -> Kept | Complete | Declined:
        """Say how far an admitted offer is; a whole file is compared with its digest and receipted."""
        kept = self._shelf.kept(offer)
        if kept < offer.size:
            return Kept(kept)
        if not self._shelf.finish(offer):
            _log.warning("evidence_damaged")
            return Declined(Decline.DAMAGED)
        _log.info("evidence_kept", bytes=offer.size)
        receipt = EvidenceReceipt(offer.handset, offer.evidence, offer.digest)
        with self._store.transaction() as ledger:
            told = told_keys(ledger, HandsetId(offer.handset.hex()))
        return Complete(sign_receipt(receipt, self._ring.signing_for(told)))

    def take(self, offer: Offer, *, at: int, data: bytes) -> None:
        """Keep a chunk of an admitted offer durably, if it begins where the file ends; raises MalformedFrame."""
        fresh = next_chunk(offer, kept=self._shelf.kept(offer), at=at, data=data)
        if fresh is not None:
            self._shelf.append(offer, fresh)

    def _known(self, deposit: Deposit) -> Offer | None:
        handset_id = HandsetId(deposit.handset.hex())
        with self._store.transaction() as ledger:
            handset = ledger.handset(handset_id)
        if handset is None or handset.removed is not None:
            return None
        try:
            offer = verify_offer(
                deposit.offer, Ed25519PublicKey.from_public_bytes(handset.signing_key), handset_id
            )
        except MalformedFrame:
            return None
        with self._store.transaction() as ledger:
            binding = ledger.binding(BindingId(offer.binding.hex()))
        return offer if binding is not None and binding.handset == handset_id else None
