"""What a handset tells its hub of a binding's life and signs: state, results of commands, a fresh nonce and key.

A report is also the receipt of commands: the hub sends a command again until a report brings its result. Where a report
brings none and its counter is not below the command's, the hub signs the command anew above that counter.
"""

from __future__ import annotations

from enum import unique
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from compline_shared.ids import MAX_SEQ, BindingId, HandsetId
from compline_shared.message_frame import (
    Counter,
    Epoch,
    Id8,
    Id16,
    Key32,
    Seconds,
    sign_message,
    verify_message,
)
from compline_shared.place import Place
from compline_shared.sealed import can_seal_to
from compline_shared.taxonomy import Coded

USE: Final = "report"
MAX_RESULTS: Final = 8
"""Newest results that a handset remembers and tells."""


@unique
class BindingState(Coded):
    """Where a binding stands in its life."""

    BOUND = 1
    FROZEN = 2
    WIPING = 3  # the keys are gone, the files are going
    WIPED = 4


@unique
class Cause(Coded):
    """What brought a binding into its state."""

    COMMAND = 1
    LEASE = 2


@unique
class CommandOutcome(Coded):
    """What became of a command."""

    DONE = 1
    WIPE_STARTED = 2  # the keys are gone; `DONE` follows
    OLD_POLICY = 3  # a newer policy is in force
    WRONG_EPOCH = 4  # signed for another epoch of the binding
    OLD_NONCE = 5  # it answers no nonce that is still good
    NOT_APPROVED = 6  # fewer than two operators of the handset's roster approved it
    TOO_OFTEN = 7  # too many wipes without approval within the hour
    WRONG_STATE = 8  # nothing to do it to: thaw what is not frozen, anything to what is wiped
    UNOPENED = 9  # its sealed part is not for this handset at this place
    NO_ROOM = 10  # the disk is full; the old state stands


class Result(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A command and what became of it."""

    command: Id16
    outcome: CommandOutcome


class Report(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, kw_only=True):
    """A binding as its handset sees it."""

    handset: Id8
    binding: Id8
    epoch: Epoch
    counter: Counter  # the highest that was used
    state: BindingState
    cause: Cause
    policy: Counter  # version in force
    hub_keys: Id8  # name of the set of keys by which it knows its hub (`HubPublicKeys.name`)
    rollback_resistant: bool  # what its vault slot is
    lease_used: Seconds  # of the time towards freezing
    owed: Annotated[int, Meta(ge=0, le=2**53)]  # verdicts not yet settled
    last_seq: Annotated[
        int, Meta(ge=0, le=MAX_SEQ)
    ]  # of what it may still send, 0 = nothing: sealed up to here
    nonce: Id16  # what a permissive command answers
    answer_key: Key32  # X25519, fresh as the nonce: what answers in secret is sealed to it
    results: Annotated[tuple[Result, ...], Meta(max_length=MAX_RESULTS)] = ()

    def __post_init__(self) -> None:
        """Let no key in that cannot be sealed to; raises ValueError, which msgspec turns into a validation error."""
        if not can_seal_to(self.answer_key):
            raise ValueError("an answer key is a point of small order")

    @property
    def place(self) -> Place:
        """Handset, binding and epoch."""
        return Place(HandsetId(self.handset.hex()), BindingId(self.binding.hex()), self.epoch)


def sign_report(report: Report, key: Ed25519PrivateKey) -> bytes:
    """Return the frame that the handset sends."""
    return sign_message(report, key, use=USE, handset=report.place.handset)


def verify_report(frame: bytes, key: Ed25519PublicKey, handset: HandsetId) -> Report:
    """Return the report that ``handset`` signed; raises MalformedFrame."""
    return verify_message(frame, key, Report, use=USE, handset=handset)
