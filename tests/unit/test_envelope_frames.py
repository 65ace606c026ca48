"""Signatures and seals hold for one sender, one place and one use."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_shared.batch import (
    MAX_ENTRIES,
    MAX_FRAME,
    Batch,
    Outcome,
    Receipt,
    open_verdicts,
    pack,
    pack_receipt,
    unpack,
    unpack_receipt,
)
from compline_shared.codec import Value, encode
from compline_shared.envelope import sign, verify
from compline_shared.errors import MalformedFrame, OutOfBounds
from compline_shared.ids import BindingId, HandsetId
from compline_shared.place import Place
from compline_shared.segment import MAX_SEGMENT, TAG_BYTES, Opener, Sealer
from compline_shared.wire import SegmentBase, encode_verdict
from tests.refusals import BATCH, ENTRY, SHAPE, SIGNATURE, above
from tests.verdicts import VERSIONS, typical

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
HUB = X25519PrivateKey.from_private_bytes(b"\x02" * 32)
PLACE = Place(HandsetId("0011223344556677"), BindingId("8899aabbccddeeff"), 1)
BASE = SegmentBase(first_seq=10, started=1_795_000_000, versions=VERSIONS)


def sealer() -> Sealer:
    return Sealer(HUB.public_key(), PLACE, BASE)


def opener(of: Sealer, *, place: Place = PLACE, key: X25519PrivateKey = HUB) -> Opener:
    return Opener(key, place, enc=of.enc, header=of.header)


def batch(count: int = 3) -> Batch:
    segment = sealer()
    entries = tuple(segment.seal(seq, encode_verdict(typical(seq), BASE)) for seq in range(10, 10 + count))
    return Batch(PLACE, segment.enc, segment.header, 10, entries, b"h" * 32)


def test_frame_when_verified_then_payload() -> None:
    assert (
        verify(sign(b"payload", KEY, context=b"use"), KEY.public_key(), context=b"use", limit=200)
        == b"payload"
    )


@pytest.mark.parametrize(("key", "context"), [(OTHER, b"use"), (KEY, b"another use"), (KEY, b"")])
def test_frame_when_signer_or_use_is_another_then_malformed(key: Ed25519PrivateKey, context: bytes) -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        verify(sign(b"payload", KEY, context=b"use"), key.public_key(), context=context, limit=200)


@pytest.mark.parametrize(
    "members",
    [
        [],
        [b"", {}, b"payload", bytes(64)],
        [bytes.fromhex("a10126"), {}, b"payload", bytes(64)],
        [bytes.fromhex("a10127"), {4: b"kid"}, b"payload", bytes(64)],
        [bytes.fromhex("a10127"), {}, None, bytes(64)],
        [bytes.fromhex("a10127"), {}, b"payload", bytes(64), 1],
    ],
    ids=repr,
)
def test_frame_when_shape_is_another_then_malformed(members: list[Value]) -> None:
    with pytest.raises(MalformedFrame, match=SHAPE):
        verify(encode(members), KEY.public_key(), context=b"", limit=300)


@pytest.mark.parametrize("length", [0, 63, 65])
def test_frame_when_its_signature_has_another_length_then_malformed(length: int) -> None:
    frame = encode([bytes.fromhex("a10127"), {}, b"payload", bytes(length)])
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        verify(frame, KEY.public_key(), context=b"", limit=300)


def test_frame_when_any_bit_is_flipped_then_malformed() -> None:
    frame = sign(b"payload", KEY, context=b"use")
    for at in range(len(frame) * 8):
        broken = bytearray(frame)
        broken[at // 8] ^= 1 << at % 8
        with pytest.raises(MalformedFrame):
            verify(bytes(broken), KEY.public_key(), context=b"use", limit=200)


def test_frame_when_above_the_limit_then_malformed_before_the_signature() -> None:
    frame = sign(b"p" * 300, KEY, context=b"")
    with pytest.raises(MalformedFrame, match=above(len(frame), 300)):
        verify(frame, KEY.public_key(), context=b"", limit=300)


def test_entry_when_opened_in_any_order_and_twice_then_plaintext() -> None:
    segment = sealer()
    sealed = [segment.seal(10 + n, bytes([n])) for n in range(3)]
    opened = opener(segment)
    assert [opened.open(10 + n, sealed[n]) for n in (2, 0, 2, 1)] == [b"\x02", b"\x00", b"\x02", b"\x01"]


def test_entry_when_sealed_then_sixteen_bytes_longer() -> None:
    assert len(sealer().seal(10, b"x" * 80)) == 80 + TAG_BYTES


@pytest.mark.parametrize("seq", [9, 11, 266, 0])
def test_entry_when_moved_to_another_seq_then_malformed(seq: int) -> None:
    segment = sealer()
    sealed = segment.seal(10, b"x")
    with pytest.raises(MalformedFrame, match=ENTRY):
        opener(segment).open(seq, sealed)


@pytest.mark.parametrize(
    "place",
    [
        replace(PLACE, handset=HandsetId("f" * 16)),
        replace(PLACE, binding=BindingId("f" * 16)),
        replace(PLACE, epoch=2),
    ],
)
def test_segment_when_moved_to_another_place_then_malformed(place: Place) -> None:
    with pytest.raises(MalformedFrame, match=ENTRY):
        opener(sealer(), place=place)


def test_segment_when_hub_is_another_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=ENTRY):
        opener(sealer(), key=X25519PrivateKey.from_private_bytes(b"\x03" * 32))


@pytest.mark.parametrize("enc", [b"", bytes(32), b"\x01" * 32, b"x" * 33])
def test_segment_when_encapsulation_is_broken_then_malformed(enc: bytes) -> None:
    with pytest.raises(MalformedFrame, match=ENTRY):
        Opener(HUB, PLACE, enc=enc, header=sealer().header)


def test_sealer_when_seq_is_skipped_or_repeated_then_refused() -> None:
    segment = sealer()
    segment.seal(10, b"x")
    for seq in (10, 12):
        with pytest.raises(ValueError, match="in seq order"):
            segment.seal(seq, b"y")


def test_sealer_when_full_then_refused() -> None:
    segment = sealer()
    for seq in range(10, 10 + MAX_SEGMENT):
        segment.seal(seq, b"x")
    assert segment.full
    with pytest.raises(ValueError, match="start another"):
        segment.seal(10 + MAX_SEGMENT, b"x")


def test_batch_when_unpacked_then_as_packed() -> None:
    made = batch()
    assert unpack(pack(made, KEY), KEY.public_key(), PLACE.handset) == made


def test_batch_when_opened_then_its_verdicts() -> None:
    assert open_verdicts(batch(), HUB) == tuple(typical(seq) for seq in (10, 11, 12))


def test_batch_when_topic_is_another_handsets_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        unpack(pack(batch(), KEY), KEY.public_key(), HandsetId("f" * 16))


def test_batch_when_it_names_another_handset_than_its_context_then_malformed() -> None:
    members: list[Value] = [bytes(8), bytes(8), 1, bytes(32), b"h", 1, [bytes(20)], bytes(32)]
    frame = sign(encode(members), KEY, context=b"compline/1 up " + PLACE.handset.encode())
    with pytest.raises(MalformedFrame, match=BATCH):
        unpack(frame, KEY.public_key(), PLACE.handset)


def test_batch_when_entries_are_swapped_then_malformed() -> None:
    made = batch()
    with pytest.raises(MalformedFrame, match=ENTRY):
        open_verdicts(replace(made, entries=made.entries[::-1]), HUB)


def test_batch_when_a_verdict_claims_another_seq_then_malformed() -> None:
    segment = sealer()
    entry = segment.seal(10, encode_verdict(typical(11), BASE))
    with pytest.raises(MalformedFrame, match=BATCH):
        open_verdicts(Batch(PLACE, segment.enc, segment.header, 10, (entry,), bytes(32)), HUB)


@pytest.mark.parametrize(
    "change",
    [
        {1: bytes(7)},
        {2: -1},
        {2: 2**32},
        {3: bytes(31)},
        {4: bytes(65)},
        {5: 0},
        {5: 2**53},
        {6: []},
        {6: [bytes(20)] * (MAX_ENTRIES + 1)},
        {6: [bytes(16)]},
        {6: [bytes(785)]},
        {6: [1]},
        {6: b"entries"},
        {7: bytes(33)},
        {8: 1},
    ],
    ids=lambda change: str(change)[:30],
)
def test_batch_when_a_member_is_out_of_bounds_then_malformed(change: dict[int, Value]) -> None:
    members: list[Value] = [
        bytes.fromhex(PLACE.handset),
        bytes(8),
        1,
        bytes(32),
        b"h",
        1,
        [bytes(20)],
        bytes(32),
    ]
    members = [change.get(at, member) for at, member in enumerate(members)]
    members += [member for at, member in change.items() if at == 8]
    frame = sign(encode(members), KEY, context=b"compline/1 up " + PLACE.handset.encode())
    with pytest.raises(MalformedFrame, match=BATCH):
        unpack(frame, KEY.public_key(), PLACE.handset)


@pytest.mark.parametrize("count", [0, MAX_ENTRIES + 1])
def test_batch_when_it_holds_none_or_too_many_then_not_packed(count: int) -> None:
    with pytest.raises(OutOfBounds, match="split it"):
        pack(replace(batch(1), entries=(bytes(20),) * count), KEY)


def test_batch_when_larger_than_a_frame_then_not_packed() -> None:
    with pytest.raises(OutOfBounds, match=f"limit of {MAX_FRAME}"):
        pack(replace(batch(1), entries=(bytes(784),) * MAX_ENTRIES), KEY)


RECEIPT = Receipt(PLACE.handset, PLACE.binding, up_to=12, head=b"h" * 32, outcome=Outcome.GAP)


def test_receipt_when_unpacked_then_as_packed() -> None:
    assert unpack_receipt(pack_receipt(RECEIPT, KEY), KEY.public_key(), PLACE.handset) == RECEIPT


def test_receipt_when_for_another_handset_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        unpack_receipt(pack_receipt(RECEIPT, KEY), KEY.public_key(), HandsetId("f" * 16))


def test_receipt_when_a_batch_is_passed_off_as_one_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        unpack_receipt(pack(batch(), KEY), KEY.public_key(), PLACE.handset)


@pytest.mark.parametrize("outcome", [0, 4, True])
def test_receipt_when_outcome_is_unknown_then_malformed(outcome: int) -> None:
    members: list[Value] = [bytes.fromhex(PLACE.handset), bytes(8), 1, bytes(32), outcome]
    frame = sign(encode(members), KEY, context=b"compline/1 receipt " + PLACE.handset.encode())
    with pytest.raises(MalformedFrame, match=BATCH):
        unpack_receipt(frame, KEY.public_key(), PLACE.handset)


@pytest.mark.parametrize(
    "members", [[], [bytes(8)] * 5, [bytes(8), bytes(8), 1, bytes(31), 1], {1: 2}], ids=repr
)
def test_receipt_when_members_are_others_then_malformed(members: list[Value]) -> None:
    frame = sign(encode(members), KEY, context=b"compline/1 receipt " + PLACE.handset.encode())
    with pytest.raises(MalformedFrame, match=BATCH):
        unpack_receipt(frame, KEY.public_key(), PLACE.handset)


def test_batch_when_members_are_missing_then_malformed() -> None:
    frame = sign(encode([1, 2]), KEY, context=b"compline/1 up " + PLACE.handset.encode())
    with pytest.raises(MalformedFrame, match=BATCH):
        unpack(frame, KEY.public_key(), PLACE.handset)
