"""How sealed evidence reaches the hub's disk: offered under the handset's signature, sent in chunks, receipted whole.

    handset                                    hub
    Deposit   who, and the signed offer     ->
                                            <-  Kept      how many bytes it has, durably
    chunk     8 bytes of place, then data   ->
                                            <-  Kept, ... and once the whole file has the digest of the offer:
                                            <-  Complete  the signed receipt

Inside TLS 1.3 under the hub's authority, on the pairing port, by the ALPN name `ALPN`; each message is its length (4
bytes, big-endian) and its bytes. A connection may break anywhere; the next one begins with the offer again and goes on
where the hub is. The hub may answer Declined to anything. It cannot open what it keeps: the key is sealed to the
compliance officer.
"""

from __future__ import annotations

from enum import unique
from typing import Annotated, Final, TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.message_frame import (
    Id8,
    Id16,
    Key32,
    decode_message,
    encode_message,
    sign_message,
    verify_message,
)
from compline_shared.taxonomy import Coded

ALPN: Final = "compline-evidence/1"
MAX_CHUNK: Final = 262_144
"""Bytes of one chunk."""
PLACE_BYTES: Final = 8
"""What a chunk begins with: its place in the file, big-endian."""
MAX_ANSWER: Final = 1_024
"""Bytes of a message that is no chunk."""
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


class Deposit(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The handset's first word: whose signature is under the offer."""

    handset: Id8
    offer: Annotated[bytes, Meta(max_length=512)]


class Kept(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=1):
    """So many bytes are durable here; send from there."""

    size: Offset


class Complete(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=2):
    """The whole file is durable here."""

    receipt: Annotated[bytes, Meta(max_length=512)]


@unique
class Decline(Coded):
    """Why the hub does not take a piece."""

    UNKNOWN = 1  # no handset or binding of this hub, or not signed by it
    NOT_WANTED = 2  # the branch names no compliance officer
    BUSY = 3  # later it may go
    NO_ROOM = 4  # the hub's disk is nearly full
    DAMAGED = 5  # all of it came, and it is not what was offered


class Declined(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=3):
    """The hub does not go on."""

    reason: Decline


Answer: TypeAlias = Kept | Complete | Declined


class _AnswerFrame(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    body: Answer


def write_answer(body: Answer) -> bytes:
    """Return the one encoding of an answer."""
    return encode_message(_AnswerFrame(body))


def read_answer(payload: bytes) -> Answer:
    """Return the hub's answer; raises MalformedFrame."""
    return decode_message(payload, _AnswerFrame, limit=MAX_ANSWER).body


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
    return verify_message(frame, key, Offer, use=_OFFER, handset=handset)


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
