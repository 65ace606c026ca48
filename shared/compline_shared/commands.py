"""What the hub orders of a handset, signed by the hub's command key.

Restrictive commands (freeze, wipe) need no clock and no nonce and never expire. Permissive ones (rebind, lease, policy,
rekey) answer a nonce that the handset gave in a report, so that an old one does nothing. Handset, binding, epoch and
counter are inside what is signed; the id stays the same when a command is signed anew under a higher counter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from msgspec import Meta

from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import BindingId, HandsetId
from compline_shared.lease import LeaseTimes
from compline_shared.message_frame import (
    Counter,
    Epoch,
    Id8,
    Id16,
    Key32,
    Seconds,
    Signature64,
    decode_message,
    encode_message,
    sign_message,
    verify_message,
)
from compline_shared.place import Place
from compline_shared.sealed import seal, unseal
from compline_shared.strictness import Strictness, require_ascending

USE: Final = "command"
APPROVERS: Final = 2
"""Different operators who must approve a wipe, or a change of the operators themselves."""
MAX_OPERATORS: Final = 16
MAX_SEALED: Final = 256
"""Bytes of a rebind's sealed part."""


class Operator(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Somebody who may approve; known to the handset by key alone."""

    id: Id8
    key: Key32  # Ed25519 public


class Approval(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An operator's signature under one command to one binding, good for no other."""

    operator: Id8
    signature: Signature64


Approvals = Annotated[tuple[Approval, ...], Meta(max_length=4)]
Roster = Annotated[tuple[Operator, ...], Meta(max_length=MAX_OPERATORS)]


class Freeze(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=1):
    """Unbind: the vault closes and nothing on the handset can open it."""


class Rebind(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=2):
    """Thaw the frozen vault for the same collector; the epoch rises by one."""

    nonce: Id16
    sealed: Annotated[bytes, Meta(max_length=MAX_SEALED)]  # `RebindSecrets`, by `seal_secrets`


class Wipe(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=3):
    """Destroy the vault for good; two operators' approvals are checked on the handset."""

    approvals: Approvals


class Lease(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=4):
    """Renew the lease, as of the moment the nonce was given."""

    nonce: Id16
    hub_time: Seconds  # Unix s


class Policy(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=5):
    """Set lease times, who may approve, how strict judging is; another roster needs the present one's approvals."""

    nonce: Id16
    version: Counter
    times: LeaseTimes
    operators: Roster
    approvals: Approvals = ()
    strictness: Strictness = ()

    def __post_init__(self) -> None:
        """Hold operators and categories apart; ValueError otherwise, which msgspec turns into a validation error."""
        require_different(self.operators)
        require_ascending(self.strictness)


class Rekey(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=6):
    """From now on these are the hub's keys; signed, as ever, by the command key of before."""

    nonce: Id16
    keys: HubPublicKeys


Body: TypeAlias = Freeze | Rebind | Wipe | Lease | Policy | Rekey


class Command(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One command at its place among those to one binding."""

    handset: Id8
    binding: Id8
    epoch: Epoch
    counter: Counter
    id: Id16
    body: Body

    @property
    def place(self) -> Place:
        """Handset, binding and epoch."""
        return Place(HandsetId(self.handset.hex()), BindingId(self.binding.hex()), self.epoch)


class RebindSecrets(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What thaws a vault and binds it anew; travels sealed to the answer key of the report that it answers."""

    freeze_key: Key32  # X25519 private key of the epoch that ends: opens the frozen wrap
    binding_secret: Key32  # of the epoch that begins
    next_freeze_key: Key32  # X25519 public key of the epoch that begins

    def __repr__(self) -> str:
        return "RebindSecrets(********)"


def seal_secrets(secrets: RebindSecrets, answer_key: bytes, *, begins: Place, nonce: bytes) -> bytes:
    """Return what thaws, sealed to the key and for the nonce of one report; ``begins`` has the epoch that begins."""
    key = X25519PublicKey.from_public_bytes(answer_key)
    return seal(encode_message(secrets), key, use="rebind", place=(*begins.members(), nonce))


def unseal_secrets(sealed: bytes, key: X25519PrivateKey, *, begins: Place, nonce: bytes) -> RebindSecrets:
    """Return what `seal_secrets` sealed to this key for this place and nonce; raises MalformedFrame."""
    plain = unseal(sealed, key, use="rebind", place=(*begins.members(), nonce), limit=MAX_SEALED)
    return decode_message(plain, RebindSecrets)


def require_different(operators: Roster) -> None:
    """Raise ValueError where two operators share an id or a key: one person could approve as two."""
    if not len({o.id for o in operators}) == len({o.key for o in operators}) == len(operators):
        raise ValueError("each operator has an id and a key of their own")


def sign_command(command: Command, key: Ed25519PrivateKey) -> bytes:
    """Return the frame that the hub sends."""
    return sign_message(command, key, use=USE, handset=command.place.handset)


def verify_command(frame: bytes, key: Ed25519PublicKey, handset: HandsetId) -> Command:
    """Return the command that the hub signed for ``handset``; raises MalformedFrame."""
    return verify_message(frame, key, Command, use=USE, handset=handset)


def approve(command: Command, operator: bytes, key: Ed25519PrivateKey) -> Approval:
    """Return an operator's approval of a command's id, binding and meaning, whatever its counter and epoch."""
    return Approval(operator=operator, signature=key.sign(_approved(command)))


def approvers(command: Command, roster: Mapping[bytes, bytes]) -> frozenset[bytes]:
    """Return the different operators of ``roster`` (id to public key) whose approvals in the command hold."""
    given = command.body.approvals if isinstance(command.body, Wipe | Policy) else ()
    text = _approved(command)
    return frozenset(
        a.operator for a in given if a.operator in roster and _signed(roster[a.operator], a, text)
    )


def _approved(command: Command) -> bytes:
    body: Body = command.body
    if isinstance(body, Wipe):
        body = msgspec.structs.replace(body, approvals=())
    elif isinstance(body, Policy):
        body = msgspec.structs.replace(body, approvals=(), nonce=bytes(16))
    meaning = hashlib.sha256(encode_message(body)).digest()
    return b"compline/1 approval" + command.handset + command.binding + command.id + meaning


def _signed(key: bytes, approval: Approval, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(approval.signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True
