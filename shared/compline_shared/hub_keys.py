"""The public keys by which a handset knows its hub: told once at pairing, and again whenever the hub replaces one."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from msgspec import Meta

from compline_shared.certificates import MAX_CERTIFICATE
from compline_shared.message_frame import Key32, encode_message
from compline_shared.sealed import can_seal_to

AuthorityDer = Annotated[bytes, Meta(min_length=1, max_length=MAX_CERTIFICATE)]
"""Certificate of a hub's authority."""
MAX_AUTHORITIES: Final = 2
"""The one that issues, and beside it the one that will."""


class HubPublicKeys(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """All that a handset believes its hub by, as one set: it takes no key of one set with a key of another."""

    command: Key32  # Ed25519, of commands
    signing: Key32  # Ed25519, of receipts
    sealing: Key32  # X25519; verdicts are sealed to it
    authorities: Annotated[
        tuple[AuthorityDer, ...], Meta(min_length=1, max_length=MAX_AUTHORITIES)
    ]  # who may be this hub in TLS; the first issues certificates now

    def __post_init__(self) -> None:
        """Let no key in that cannot be sealed to; raises ValueError, which msgspec turns into a validation error."""
        if not can_seal_to(self.sealing):
            raise ValueError("a sealing key is a point of small order")

    @property
    def name(self) -> bytes:
        """The 8 bytes by which hub and handset call this set."""
        return hashlib.sha256(b"compline/1 hub keys" + encode_message(self)).digest()[:8]

    @property
    def command_key(self) -> Ed25519PublicKey:
        """The key that checks the hub's commands."""
        return Ed25519PublicKey.from_public_bytes(self.command)

    @property
    def receipt_key(self) -> Ed25519PublicKey:
        """The key that checks the hub's receipts."""
        return Ed25519PublicKey.from_public_bytes(self.signing)

    @property
    def sealing_key(self) -> X25519PublicKey:
        """The key that verdicts are sealed to."""
        return X25519PublicKey.from_public_bytes(self.sealing)
