"""What handset and hub say about evidence: bounds, places, signatures, and nothing else is taken."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.message_frame import sign_message
from compline_shared.transfer import (
    MAX_ANSWER,
    MAX_CHUNK,
    Complete,
    Decline,
    Declined,
    EvidenceReceipt,
    Kept,
    Offer,
    next_chunk,
    read_answer,
    sign_offer,
    sign_receipt,
    verify_offer,
    verify_receipt,
    write_answer,
)
from tests.refusals import CHUNK, ELSEWHERE, MEMBERS, OTHER_PIECE, SIGNATURE, above, no_cbor

HANDSET, HUB = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
OFFER = Offer(
    handset=bytes(8),
    binding=b"b" * 8,
    evidence=b"e" * 16,
    digest=b"d" * 32,
    size=1_000_000,
    sealed_key=b"k" * 80,
)
RECEIPT = EvidenceReceipt(OFFER.handset, OFFER.evidence, OFFER.digest)
WHO = HandsetId("0" * 16)


def test_offer_when_signed_by_its_handset_then_as_it_was() -> None:
    assert verify_offer(sign_offer(OFFER, HANDSET), HANDSET.public_key(), WHO) == OFFER


@pytest.mark.parametrize(
    ("frame", "who", "why"),
    [
        (sign_offer(OFFER, HUB), WHO, SIGNATURE),
        (sign_offer(OFFER, HANDSET), HandsetId("1" * 16), SIGNATURE),
        (sign_offer(replace(OFFER, handset=b"1" * 8), HANDSET), WHO, SIGNATURE),
        (sign_receipt(RECEIPT, HANDSET), WHO, SIGNATURE),
        (b"", WHO, no_cbor("it ends early")),
    ],
    ids=["signer", "handset", "moved", "receipt", "empty"],
)
def test_offer_when_it_is_not_its_handsets_then_refused(frame: bytes, who: HandsetId, why: str) -> None:
    with pytest.raises(MalformedFrame, match=why):
        verify_offer(frame, HANDSET.public_key(), who)


def test_offer_when_it_names_another_handset_than_its_context_then_refused() -> None:
    frame = sign_message(replace(OFFER, handset=b"1" * 8), HANDSET, use="evidence-offer", handset=WHO)
    with pytest.raises(MalformedFrame, match=ELSEWHERE):
        verify_offer(frame, HANDSET.public_key(), WHO)


def test_receipt_when_it_is_for_what_was_offered_then_taken() -> None:
    assert verify_receipt(sign_receipt(RECEIPT, HUB), HUB.public_key(), OFFER) == RECEIPT


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"evidence": b"x" * 16}, OTHER_PIECE),
        ({"digest": b"x" * 32}, OTHER_PIECE),
        ({"handset": b"x" * 8}, SIGNATURE),
    ],
    ids=["evidence", "digest", "handset"],
)
def test_receipt_when_it_is_for_another_piece_then_refused(other: dict[str, bytes], why: str) -> None:
    frame = sign_receipt(replace(RECEIPT, **other), HUB)
    with pytest.raises(MalformedFrame, match=why):
        verify_receipt(frame, HUB.public_key(), OFFER)


def test_receipt_when_another_signed_it_then_refused() -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        verify_receipt(sign_receipt(RECEIPT, HANDSET), HUB.public_key(), OFFER)


@pytest.mark.parametrize("answer", [Kept(0), Kept(2**32), Complete(b"r" * 200), Declined(Decline.BUSY)])
def test_answer_when_read_then_as_written(answer: Kept | Complete | Declined) -> None:
    assert read_answer(write_answer(answer)) == answer


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", no_cbor("it ends early")),
        (b"\x80", MEMBERS),
        (b"\x81\x82\x01\x20", MEMBERS),
        (bytes(2_000), above(2_000, MAX_ANSWER)),
    ],
    ids=["empty", "nothing", "below zero", "long"],
)
def test_answer_when_it_is_none_then_refused(payload: bytes, why: str) -> None:
    with pytest.raises(MalformedFrame, match=why):
        read_answer(payload)


def test_chunk_when_it_begins_where_the_file_ends_then_appended() -> None:
    assert next_chunk(OFFER, kept=500, at=500, data=b"data") == b"data"


@pytest.mark.parametrize("at", [0, 499, 501])
def test_chunk_when_it_begins_elsewhere_then_nothing_is_appended(at: int) -> None:
    assert next_chunk(OFFER, kept=500, at=at, data=b"data") is None


@pytest.mark.parametrize(
    ("at", "size"),
    [(0, 0), (0, MAX_CHUNK + 1), (999_999, 2), (2**40, 1)],
    ids=["empty", "large", "over", "far"],
)
def test_chunk_when_it_is_beyond_what_was_offered_then_refused(at: int, size: int) -> None:
    with pytest.raises(MalformedFrame, match=CHUNK):
        next_chunk(OFFER, kept=at, at=at, data=bytes(size))
