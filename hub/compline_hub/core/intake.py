"""Decides on one frame from a handset: what to keep, what to answer, why it is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum, unique
from functools import lru_cache
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_hub.core.enrolled import FIRST_EPOCH, Binding, Handset
from compline_hub.core.keys import HubKeys
from compline_hub.core.record import Link
from compline_shared.batch import MAX_FRAME, Batch, Outcome, Receipt, unpack
from compline_shared.chain import Chain
from compline_shared.delivery import Accepted, Arrived, Inbox, outcome_of, take
from compline_shared.errors import MalformedFrame
from compline_shared.messages import Verdict
from compline_shared.reports import Report, verify_report
from compline_shared.segment import Opener
from compline_shared.wire import canonical, decode_verdict

Frame: TypeAlias = tuple[str, bytes]
"""Topic and payload as they came."""


@unique
class Refusal(Enum):
    """Why a frame was dropped; the value is the name in logs and counts."""

    FOREIGN_TOPIC = "foreign_topic"  # not a topic of this protocol
    TOO_LARGE = "too_large"  # above 64 KiB
    UNKNOWN_HANDSET = "unknown_handset"  # not enrolled here
    BAD_FRAME = "bad_frame"  # not signed by the handset that its topic names, or neither batch nor report
    WRONG_BINDING = "wrong_binding"  # not a binding of that handset, or an epoch that has not begun
    BAD_SEAL = "bad_seal"  # not sealed to this hub's key for this place
    BAD_VERDICT = "bad_verdict"  # outside the closed schema, or not at the seq that it claims
    OVERLOADED = "overloaded"  # intake could not keep up; the handset sends it again
    STORE_FAILED = "store_failed"  # the database refused; the handset sends it again


@dataclass(frozen=True, slots=True)
class Opened:
    """A batch whose signature, place and seals hold."""

    batch: Batch
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do about an opened batch: keep `links` under `binding`'s new state, then send `receipt`."""

    binding: Binding
    links: tuple[Link, ...]
    receipt: Receipt


def check_signature(frame: bytes, handset: Handset) -> Batch | Report | Refusal:
    """Return the batch or the report that the handset signed; the signed context tells which it is."""
    if len(frame) > MAX_FRAME:
        return Refusal.TOO_LARGE
    key = _public_key(handset.signing_key)
    with suppress(MalformedFrame):
        return unpack(frame, key, handset.id)
    try:
        return verify_report(frame, key, handset.id)
    except MalformedFrame:
        return Refusal.BAD_FRAME


@lru_cache(maxsize=4_096)
def _public_key(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def open_batch(
    batch: Batch, binding: Binding, find: Callable[[Batch], Opener | None], *, newest_epoch: int
) -> Opened | Refusal:
    """Return the batch with its verdicts; `binding` is what the store has under the id that the batch names.

    Every epoch from the first to the newest is taken, in whatever state the binding is: the outbox may hold entries
    that were sealed before a freeze or a rebind, and no verdict may be lost by either. Seal and chain still hold them
    to their place. ``find`` gives what opens the batch's segment: `opener_of`, or what remembers its answers.
    """
    place = batch.place
    if binding.handset != place.handset or not FIRST_EPOCH <= place.epoch <= newest_epoch:
        return Refusal.WRONG_BINDING
    opener = find(batch)
    if opener is None:
        return Refusal.BAD_SEAL
    try:
        plaintexts = [opener.open(batch.first_seq + i, entry) for i, entry in enumerate(batch.entries)]
    except MalformedFrame:
        return Refusal.BAD_SEAL
    try:
        verdicts = tuple(decode_verdict(plaintext, opener.base) for plaintext in plaintexts)
    except MalformedFrame:
        return Refusal.BAD_VERDICT
    if any(verdict.seq != batch.first_seq + i for i, verdict in enumerate(verdicts)):
        return Refusal.BAD_VERDICT
    return Opened(batch, verdicts)


def opener_of(batch: Batch, keys: Sequence[X25519PrivateKey]) -> Opener | None:
    """Return what opens a batch's segment; ``keys`` are tried in order: it does not say to which it was sealed."""
    for key in keys:
        with suppress(MalformedFrame):
            return Opener(key, batch.place, enc=batch.enc, header=batch.header)
    return None


def answer(opened: Opened, binding: Binding, keys: HubKeys, *, head_at_last: bytes | None) -> Answer:
    """Decide by the rules of delivery; `head_at_last` is the stored head at the batch's last seq, or None."""
    batch = opened.batch
    taking = take(
        Inbox(binding.up_to, binding.head),
        Arrived(batch.first_seq, [canonical(verdict) for verdict in opened.verdicts], batch.head),
        Chain(keys.branch, binding.id),
        head_at_last=head_at_last,
    )
    links: tuple[Link, ...] = ()
    if isinstance(taking, Accepted):  # of Duplicate, Gap and Fork nothing is kept
        new = opened.verdicts[taking.first_new :]
        links = tuple(Link(verdict, head) for verdict, head in zip(new, taking.heads, strict=True))
        binding = replace(binding, up_to=taking.inbox.up_to, head=taking.inbox.head)
    return Answer(binding, links, _receipt(binding, outcome_of(taking)))


def asked_again(binding: Binding, *, settled: int) -> Receipt | None:
    """Return what asks for what this hub lost: the handset says that up to ``settled`` it was here.

    So it is after a hub came back from a backup. A handset that has nothing new to send would never learn of it
    otherwise. The receipt says *gap*, and the courier goes back to where the hub is.
    """
    return _receipt(binding, Outcome.GAP) if settled > binding.up_to else None


def _receipt(binding: Binding, outcome: Outcome) -> Receipt:
    return Receipt(
        handset=binding.handset, binding=binding.id, up_to=binding.up_to, head=binding.head, outcome=outcome
    )
