"""What handset and hub say to each other on the pairing port, and what each proves.

Pairing, inside TLS 1.3 whose server certificate nobody has checked yet:

    handset                                     hub
    Join      which offer, own public keys  ->
                                            <-  Offered   its public keys
    Prove     HMAC(secret, transcript)      ->  a wrong one costs the offer a try
                                            <-  Taken     HMAC(secret, transcript, what follows), certificate, grant
    Joined    it is kept                    ->

The transcript holds both messages and the server's certificate as each side saw it: whoever sits between has another
certificate, and neither proof holds. Renewal, inside TLS 1.3 under the known authority: Renew, Challenge, ProveRenewal,
Renewed; each side signs over the other's nonce. The hub may answer Refused to anything.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import unique
from typing import Annotated, Final, TypeAlias

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Meta

from compline_shared.certificates import MAX_CERTIFICATE
from compline_shared.enrolment import MAX_FILE, EnrolmentRequest
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.message_frame import (
    Id8,
    Id16,
    Key32,
    Seconds,
    Signature64,
    decode_message,
    encode_message,
)
from compline_shared.p256 import POINT_BYTES
from compline_shared.taxonomy import Coded

TRIES: Final = 3
MAX_UP: Final = 1_024
"""Bytes of a message to the hub."""
MAX_DOWN: Final = 16_384
"""Bytes of a message to the handset."""

_Certificate = Annotated[bytes, Meta(min_length=1, max_length=MAX_CERTIFICATE)]
_Point = Annotated[bytes, Meta(min_length=POINT_BYTES, max_length=POINT_BYTES)]


@unique
class Refusal(Coded):
    """Why the hub does not go on."""

    NO_OFFER = 1  # no code begins so
    EXPIRED = 2
    USED = 3  # another handset took it
    SPENT = 4  # three wrong tries
    WRONG_PROOF = 5
    COLLECTOR_ELSEWHERE = 6
    HANDSET_REFUSED = 7  # removed, or its id has other keys
    UNKNOWN_HANDSET = 8
    WITHDRAWN = 9
    UNABLE = 10  # the hub's own trouble; later it may go


class Join(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=1):
    """A handset takes an offer and shows its public keys."""

    short: Annotated[str, Meta(pattern="^[0-9A-HJKMNP-TV-Z]{2}$")]
    handset: Id8
    signing: Key32  # Ed25519
    tls: _Point  # P-256
    nonce: Id16

    @property
    def request(self) -> EnrolmentRequest:
        """What is enrolled."""
        return EnrolmentRequest(
            handset=self.handset.hex(),
            signing_key_public=self.signing,
            tls_key_public=self.tls,
        )


class Prove(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=2):
    """The handset knows the secret and holds its identity key."""

    proof: Key32
    signature: Signature64


class Joined(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=3):
    """The handset has kept everything."""


class Renew(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=4):
    """A known handset wants a new certificate and the time."""

    handset: Id8
    nonce: Id16


class ProveRenewal(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=5):
    """It is the handset."""

    signature: Signature64


class Offered(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=1):
    """The hub shows its public keys; nothing of it is believed before the hub's proof."""

    nonce: Id16
    hub_time: Seconds
    keys: HubPublicKeys
    officer: Key32 | None  # X25519


class Taken(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=2):
    """The hub knows the secret too and binds the handset."""

    proof: Key32
    certificate: _Certificate
    grant: Annotated[bytes, Meta(min_length=1, max_length=MAX_FILE)]  # as `enrolment.write_grant` writes it

    def __repr__(self) -> str:
        return "Taken(********)"


class Refused(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=3):
    """The hub does not go on."""

    reason: Refusal
    tries_left: Annotated[int, Meta(ge=0, le=TRIES)] = 0


class Challenge(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=4):
    """The hub wants a signature over this."""

    nonce: Id16


class Renewed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=5):
    """The new certificate and the hub's time, signed by the hub over the handset's nonce."""

    certificate: _Certificate
    hub_time: Seconds
    signature: Signature64


Up: TypeAlias = Join | Prove | Joined | Renew | ProveRenewal
Down: TypeAlias = Offered | Taken | Refused | Challenge | Renewed


class _UpFrame(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    body: Up


class _DownFrame(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    body: Down


def write_up(body: Up) -> bytes:
    """Return the one encoding of a message to the hub."""
    return encode_message(_UpFrame(body))


def read_up(payload: bytes) -> Up:
    """Return the message to the hub; raises MalformedFrame."""
    return decode_message(payload, _UpFrame, limit=MAX_UP).body


def write_down(body: Down) -> bytes:
    """Return the one encoding of a message to the handset."""
    return encode_message(_DownFrame(body))


def read_down(payload: bytes) -> Down:
    """Return the message to the handset; raises MalformedFrame."""
    return decode_message(payload, _DownFrame, limit=MAX_DOWN).body


def transcript(join: Join, offered: Offered, server: bytes) -> bytes:
    """Return the hash [32] of what was said before the proofs and of the server's certificate (DER) as it was seen."""
    said = (write_up(join), write_down(offered), server)
    digests = b"".join(hashlib.sha256(part).digest() for part in said)
    return hashlib.sha256(b"compline/1 pairing" + digests).digest()


def handset_proof(secret: str, agreed: bytes) -> bytes:
    """Return what the handset proves with; ``agreed`` is the transcript."""
    return _mac(secret, b"handset" + agreed)


def hub_proof(secret: str, agreed: bytes, *, certificate: bytes, grant: bytes) -> bytes:
    """Return what the hub proves with: that it knows the secret, and that certificate and grant are its own."""
    given = hashlib.sha256(certificate).digest() + hashlib.sha256(grant).digest()
    return _mac(secret, b"hub" + agreed + given)


def same(one: bytes, other: bytes) -> bool:
    """Whether two proofs are the same, in constant time."""
    return hmac.compare_digest(one, other)


def join_signed(agreed: bytes) -> bytes:
    """Return what the handset's identity key signs when it joins."""
    return b"compline/1 join" + agreed


def renewal_asked(renew: Renew, challenge: Challenge) -> bytes:
    """Return what the handset's identity key signs when its certificate is renewed."""
    return b"compline/1 renew" + write_up(renew) + write_down(challenge)


def renewal_given(renew: Renew, *, certificate: bytes, hub_time: int) -> bytes:
    """Return what the hub's signing key signs when it renews a certificate or tells the time."""
    digest = hashlib.sha256(certificate).digest()
    return b"compline/1 renewed" + write_up(renew) + digest + hub_time.to_bytes(8, "big")


def _mac(secret: str, text: bytes) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"compline/1 pairing secret")
    return hmac.new(key.derive(secret.encode()), text, hashlib.sha256).digest()
