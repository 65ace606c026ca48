"""How sealed evidence reaches the hub's disk: offered under the handset's signature, sent in chunks, receipted whole.

    handset: offer (signed)        hub: kept = how many bytes it has, durably
    handset: chunk at `kept` ...   hub: kept
    ...                            hub: receipt (signed) once the whole file has the digest of the offer

A connection may break anywhere; the next one begins with the offer again and goes on at `kept`. The hub cannot open
what it keeps: the key is sealed to the compliance officer.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.message_frame import Id8, Id16, Key32, sign_message, verify_message

MAX_CHUNK: Final = 262_144
"""Bytes of one chunk."""
MAX_EVIDENCE: Final = 2**32
"""Bytes of one sealed file: ten hours of uncompressed stereo at 16 kHz and more."""
_OFFER: Final = "evidence-offer"
_RECEIPT: Final = "evidence-receipt"

Offset = Annotated[int, Meta(ge=0, le=MAX_EVIDENCE)]
"""A place in a sealed file, bytes."""


class Offer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, kw_only=True):
    """A sealed file that a handset has for the officer."""

    handset: Id8
    binding: Id8
    evidence: Id16
    digest: Key32  # SHA-256 of the sealed file
    size: Annotated[int, Meta(ge=1, le=MAX_EVIDENCE)]  # bytes of the sealed file
    sealed_key: Annotated[bytes, Meta(min_length=80, max_length=80)]


class Kept(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The hub's answer to an offer and to each chunk: so many bytes are durable here; send from there."""

    evidence: Id16
    size: Offset


class EvidenceReceipt(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The hub's signed word that it has a whole piece."""

    handset: Id8
    evidence: Id16
    digest: Key32


def sign_offer(offer: Offer, key: Ed25519PrivateKey) -> bytes:
    """Return the frame that a handset begins with."""
    return sign_message(offer, key, use=_OFFER, handset=HandsetId(offer.handset.hex()))


def verify_offer(frame: bytes, key: Ed25519PublicKey, handset: HandsetId) -> Offer:
    """Return what ``handset`` offers; raises MalformedFrame."""
    offer = verify_message(frame, key, Offer, use=_OFFER, handset=handset)
    if offer.handset.hex() != handset:
        raise MalformedFrame("An offer is of another handset; it was dropped.")
    return offer


def sign_receipt(receipt: EvidenceReceipt, key: Ed25519PrivateKey) -> bytes:
    """Return the frame that the hub ends with."""
    return sign_message(receipt, key, use=_RECEIPT, handset=HandsetId(receipt.handset.hex()))


def verify_receipt(frame: bytes, key: Ed25519PublicKey, offer: Offer) -> EvidenceReceipt:
    """Return the hub's receipt for what was offered; raises MalformedFrame for any other."""
    handset = HandsetId(offer.handset.hex())
    receipt = verify_message(frame, key, EvidenceReceipt, use=_RECEIPT, handset=handset)
    if receipt != EvidenceReceipt(offer.handset, offer.evidence, offer.digest):
        raise MalformedFrame("A receipt is for another piece of evidence; it was dropped.")
    return receipt


def next_chunk(offer: Offer, *, kept: int, at: int, data: bytes) -> bytes | None:
    """Return what to append of a chunk that claims to begin at byte ``at``, where ``kept`` bytes are durable.

    None where it does not begin at the end of what is kept: say again how much that is.

    Raises:
        MalformedFrame: empty, too large, or beyond what was offered.
    """
    if not 1 <= len(data) <= MAX_CHUNK or at + len(data) > offer.size:
        raise MalformedFrame("A chunk of evidence is not within what was offered; it was dropped.")
    return data if at == kept else None
