"""What travels: signed batches of sealed verdicts up, signed receipts down."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_shared import envelope
from compline_shared.chain import HEAD_BYTES
from compline_shared.codec import Value, decode, encode
from compline_shared.errors import MalformedFrame, OutOfBounds
from compline_shared.ids import MAX_SEQ, BindingId, HandsetId
from compline_shared.messages import Verdict
from compline_shared.place import MAX_EPOCH, Place
from compline_shared.segment import ENC_BYTES, TAG_BYTES, Opener
from compline_shared.wire import MAX_VERDICT, decode_verdict

MAX_FRAME: Final = 65_536
"""Bytes of one MQTT payload, either way."""

MAX_ENTRIES: Final = 100
"""Entries of one batch."""

FRAME_BYTES: Final = 240
"""More than a batch adds to its entries and their heads, whatever it holds."""

ENTRY_BYTES: Final = 3
"""What a batch adds to one entry, at most."""

_MAX_HEADER = 64


@unique
class Outcome(IntEnum):
    """What became of the batch that a receipt answers."""

    TAKEN = 1  # everything up to `up_to` is kept, whether this batch brought it or an earlier one
    GAP = 2  # nothing of it was taken: send again from `up_to` + 1
    FORK = 3  # its chain is not the one that the hub knows; nothing was taken, a person must look


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive verdicts of one segment, sealed, and the chain's head after the last of them."""

    place: Place
    enc: bytes  # [32] HPKE encapsulation of the segment
    header: bytes  # the segment's sealed header
    first_seq: int
    entries: tuple[bytes, ...]  # 1..100 ciphertexts, seqs first_seq, first_seq + 1, ...
    head: bytes  # [32]

    @property
    def last_seq(self) -> int:
        """Seq of the last entry."""
        return self.first_seq + len(self.entries) - 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the hub has durably taken of one binding; 0 and the genesis head when it has nothing."""

    handset: HandsetId
    binding: BindingId
    up_to: int
    head: bytes  # [32]
    outcome: Outcome


def pack(batch: Batch, key: Ed25519PrivateKey) -> bytes:
    """Return the signed frame; raises OutOfBounds if it would be above 64 KiB or 100 entries."""
    if not 1 <= len(batch.entries) <= MAX_ENTRIES:
        raise OutOfBounds(f"A batch holds 1 to {MAX_ENTRIES} entries; split it.")
    payload = encode(
        [*batch.place.members(), batch.enc, batch.header, batch.first_seq, list(batch.entries), batch.head]
    )
    frame = envelope.sign(payload, key, context=_context(b"up", batch.place.handset))
    if len(frame) > MAX_FRAME:
        raise OutOfBounds(f"A batch of {len(frame)} bytes is above the limit of {MAX_FRAME}; split it.")
    return frame


def unpack(frame: bytes, public_key: Ed25519PublicKey, handset: HandsetId) -> Batch:
    """Return the batch that ``handset`` signed.

    The caller takes ``handset`` from the topic and the key from that handset's enrolment.

    Raises:
        MalformedFrame: nothing of it may be used.
    """
    payload = envelope.verify(frame, public_key, context=_context(b"up", handset), limit=MAX_FRAME)
    match decode(payload, limit=MAX_FRAME):
        case [
            bytes() as who,
            bytes() as binding,
            int() as epoch,
            bytes() as enc,
            bytes() as header,
            int() as first_seq,
            list() as members,
            bytes() as head,
        ]:
            pass
        case _:
            raise _malformed()
    entries = tuple(_entry(member) for member in members)
    if not (
        who.hex() == handset
        and len(binding) == 8
        and type(epoch) is type(first_seq) is int  # a boolean is not a number here
        and 0 <= epoch <= MAX_EPOCH
        and len(enc) == ENC_BYTES
        and len(header) <= _MAX_HEADER
        and 1 <= len(entries) <= MAX_ENTRIES
        and 1 <= first_seq <= MAX_SEQ - MAX_ENTRIES
        and len(head) == HEAD_BYTES
    ):
        raise _malformed()
    place = Place(handset=handset, binding=BindingId(binding.hex()), epoch=epoch)
    return Batch(place=place, enc=enc, header=header, first_seq=first_seq, entries=entries, head=head)


def open_verdicts(batch: Batch, key: X25519PrivateKey) -> tuple[Verdict, ...]:
    """Return a batch's verdicts in seq order, opened with the hub's key; raises MalformedFrame unless all are sound."""
    opener = Opener(key, batch.place, enc=batch.enc, header=batch.header)
    seqs = range(batch.first_seq, batch.last_seq + 1)
    plaintexts = [opener.open(seq, entry) for seq, entry in zip(seqs, batch.entries, strict=True)]
    verdicts = tuple(decode_verdict(plaintext, opener.base) for plaintext in plaintexts)
    if any(verdict.seq != seq for verdict, seq in zip(verdicts, seqs, strict=True)):
        raise _malformed()
    return verdicts


def pack_receipt(receipt: Receipt, key: Ed25519PrivateKey) -> bytes:
    """Return the frame that the hub signs for one handset."""
    members: list[Value] = [
        bytes.fromhex(receipt.handset),
        bytes.fromhex(receipt.binding),
        receipt.up_to,
        receipt.head,
        int(receipt.outcome),
    ]
    return envelope.sign(encode(members), key, context=_context(b"receipt", receipt.handset))


def unpack_receipt(frame: bytes, public_key: Ed25519PublicKey, handset: HandsetId) -> Receipt:
    """Return the receipt that the hub signed for ``handset``; raises MalformedFrame."""
    payload = envelope.verify(frame, public_key, context=_context(b"receipt", handset), limit=MAX_FRAME)
    match decode(payload, limit=256):
        case [bytes() as who, bytes() as binding, int() as up_to, bytes() as head, int() as outcome]:
            pass
        case _:
            raise _malformed()
    if not (
        who.hex() == handset
        and len(binding) == 8
        and type(up_to) is type(outcome) is int
        and 0 <= up_to <= MAX_SEQ
        and len(head) == HEAD_BYTES
        and outcome in set(Outcome)
    ):
        raise _malformed()
    bound = BindingId(binding.hex())
    return Receipt(handset=handset, binding=bound, up_to=up_to, head=head, outcome=Outcome(outcome))


def _context(use: bytes, handset: HandsetId) -> bytes:
    return b"compline/1 " + use + b" " + handset.encode()


def _entry(member: Value) -> bytes:
    if type(member) is not bytes or not TAG_BYTES < len(member) <= MAX_VERDICT + TAG_BYTES:
        raise _malformed()
    return member


def _malformed() -> MalformedFrame:
    return MalformedFrame("A signed frame does not hold what its topic carries; it was dropped.")
