"""The rules of delivery: what the hub does with a batch, what the handset does with a receipt.

Go-back-N: the hub takes only what continues its chain, in seq order, and always tells how far it is. Taking the same
batch twice changes nothing. Only a receipt settles. Pure: state and message in, decision out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from compline_shared.batch import Outcome, Receipt


class Chain(Protocol):
    """What ties a verdict to all before it; `compline_shared.chain` is the true one."""

    def link(self, head: bytes, canonical_verdict: bytes) -> bytes:
        """Return the head after one more verdict."""
        ...


@dataclass(frozen=True, slots=True)
class Inbox:
    """What the hub has of one binding: seqs 1..up_to, and the chain's head there (genesis at 0)."""

    up_to: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """Keep the verdicts from `first_new` on, with `heads` in step; then `inbox` is the state."""

    inbox: Inbox
    first_new: int  # index into the batch of the first verdict not yet taken
    heads: tuple[bytes, ...]  # chain head after each new verdict


@dataclass(frozen=True, slots=True)
class Duplicate:
    """All of it was taken before; only send the receipt again."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something before it is missing; take nothing and say how far the hub is."""


@dataclass(frozen=True, slots=True)
class Fork:
    """The same seq with another content, or another past: take nothing, raise the alarm."""


Taking: TypeAlias = Accepted | Duplicate | Gap | Fork


@dataclass(frozen=True, slots=True)
class Arrived:
    """An opened batch: canonical plaintexts of consecutive seqs, and the head that its sender signed."""

    first_seq: int
    plaintexts: Sequence[bytes]  # `wire.canonical` of each verdict, one or more
    head: bytes


def take(inbox: Inbox, batch: Arrived, chain: Chain, *, head_at_last: bytes | None) -> Taking:
    """Decide on a batch.

    ``head_at_last`` is the head that the hub keeps at the batch's last seq, None where it has not got that far.
    """
    last = batch.first_seq + len(batch.plaintexts) - 1
    if last <= inbox.up_to:
        return Duplicate() if head_at_last == batch.head else Fork()
    first_new = inbox.up_to + 1 - batch.first_seq
    if first_new < 0:
        return Gap()
    heads: list[bytes] = []
    head = inbox.head
    for plaintext in batch.plaintexts[first_new:]:
        head = chain.link(head, plaintext)
        heads.append(head)
    if head != batch.head:
        return Fork()
    return Accepted(inbox=Inbox(up_to=last, head=head), first_new=first_new, heads=tuple(heads))


def outcome_of(taking: Taking) -> Outcome:
    """What the receipt says of a decision."""
    match taking:
        case Accepted() | Duplicate():
            return Outcome.TAKEN
        case Gap():
            return Outcome.GAP
        case Fork():
            return Outcome.FORK


@dataclass(frozen=True, slots=True)
class Settle:
    """The hub has everything up to here; those entries are settled."""

    up_to: int


@dataclass(frozen=True, slots=True)
class Resend:
    """The hub has everything up to here and not what follows; settle to `up_to` and send again from the next."""

    up_to: int


@dataclass(frozen=True, slots=True)
class Dispute:
    """The hub's past is not ours: settle nothing, send nothing more, tell a person."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The hub asks for what is kept no longer: an old question that came again, or it was put back too far."""


Settlement: TypeAlias = Settle | Resend | Gone | Dispute


def settle(receipt: Receipt, *, head_at: bytes | None, settled: int) -> Settlement:
    """Decide on a receipt whose signature, handset and binding hold.

    ``head_at`` is our own head at ``receipt.up_to`` (genesis at 0), None where we no longer keep or never made that
    seq; ``settled`` is how far receipts went before.
    """
    if head_at is None and receipt.up_to < settled and receipt.outcome is not Outcome.FORK:
        return Settle(receipt.up_to) if receipt.outcome is Outcome.TAKEN else Gone()
    if head_at != receipt.head:
        return Dispute()
    match receipt.outcome:
        case Outcome.TAKEN:
            return Settle(receipt.up_to)
        case Outcome.GAP:
            return Resend(receipt.up_to)
        case Outcome.FORK:
            return Dispute()
