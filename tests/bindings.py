"""One binding as tests see it: its keys, its operators, commands to it and reports of it."""

from __future__ import annotations

from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_edge.core.binding_life import Bound, Life, Stage, Terms
from compline_edge.core.lease import Account, Reading
from compline_shared.commands import Body, Command, Operator, Policy, Wipe, approve
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import BindingId, HandsetId
from compline_shared.lease import LeaseTimes
from compline_shared.place import Place
from compline_shared.reports import BindingState, Cause, CommandOutcome, Report, Result

HUB: Final = Ed25519PrivateKey.from_private_bytes(b"\x40" * 32)
HANDSET: Final = Ed25519PrivateKey.from_private_bytes(b"\x41" * 32)
STRANGER: Final = Ed25519PrivateKey.from_private_bytes(b"\x42" * 32)
ANSWERING: Final = X25519PrivateKey.from_private_bytes(b"\x43" * 32)
PLACE: Final = Place(HandsetId("00112233445566ff"), BindingId("8899aabbccddeeff"), 3)
WHO: Final = bytes.fromhex(PLACE.handset)
BINDING: Final = bytes.fromhex(PLACE.binding)
ELSEWHERE: Final = b"\xee" * 8
"""A handset or binding that is another."""
NONCE: Final = b"n" * 16
OLD_NONCE: Final = b"o" * 16
ASKED: Final = {NONCE: Account(3_600.0, 1_800.0, Reading(bytes(4), 9_000.0, 1_795_000_000.0))}
"""The nonces that are still good."""

ANNE: Final = b"operatrA"
BERT: Final = b"operatrB"
CARA: Final = b"operatrC"
OPERATOR_KEYS: Final = {
    who: Ed25519PrivateKey.from_private_bytes(who * 4) for who in (ANNE, BERT, CARA, b"operatrD")
}


def some_keys(mark: bytes) -> HubPublicKeys:
    """The public keys of a hub; ``mark`` is the byte that they are made of."""
    return HubPublicKeys(
        command=mark * 32, signing=mark * 32, sealing=mark * 32, authorities=(b"an authority",)
    )


def operator(who: bytes) -> Operator:
    return Operator(who, OPERATOR_KEYS[who].public_key().public_bytes_raw())


ROSTER: Final = (operator(ANNE), operator(BERT), operator(CARA))
TERMS: Final = Terms(version=4, operators=ROSTER)


def life(stage: Stage | None = None, *, counter: int = 10, terms: Terms = TERMS) -> Life:
    return Life(WHO, BINDING, PLACE.epoch, stage=stage or Bound(), counter=counter, terms=terms)


def command(
    body: Body, *, counter: int = 11, name: int = 1, epoch: int = PLACE.epoch, binding: bytes = BINDING
) -> Command:
    """``name`` gives the command's id."""
    return Command(WHO, binding, epoch, counter, name.to_bytes(16, "big"), body)


def approved(of: Command, *by: bytes) -> Command:
    """The command with the approvals of these operators."""
    assert isinstance(of.body, Wipe | Policy)
    approvals = tuple(approve(of, who, OPERATOR_KEYS[who]) for who in by)
    return msgspec.structs.replace(of, body=msgspec.structs.replace(of.body, approvals=approvals))


def wipe(*by: bytes, counter: int = 11, name: int = 1) -> Command:
    return approved(command(Wipe(approvals=()), counter=counter, name=name), *by)


def policy(
    *by: bytes,
    operators: tuple[Operator, ...] = ROSTER,
    version: int = 5,
    nonce: bytes = NONCE,
    name: int = 1,
) -> Command:
    return approved(command(Policy(nonce, version, LeaseTimes(), operators), name=name), *by)


def report() -> Report:
    return Report(
        handset=WHO,
        binding=BINDING,
        epoch=PLACE.epoch,
        counter=11,
        state=BindingState.FROZEN,
        cause=Cause.LEASE,
        policy=4,
        hub_keys=some_keys(b"h").name,
        rollback_resistant=False,
        lease_used=259_200,
        owed=7,
        last_seq=19,
        nonce=NONCE,
        answer_key=ANSWERING.public_key().public_bytes_raw(),
        results=(Result(bytes(16), CommandOutcome.OLD_NONCE), Result(b"\x01" * 16, CommandOutcome.DONE)),
    )
