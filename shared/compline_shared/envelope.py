"""Signs frames (COSE_Sign1, Ed25519) so that they cannot be altered or moved.

A frame is the untagged array [protected, {}, payload, signature] of RFC 9052 section 4.2, with protected = {1: -8}
and nothing else. `context` goes in as external_aad: a frame made for one use, or for one handset, does not verify as
another.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from compline_shared.codec import decode, encode
from compline_shared.errors import MalformedFrame

_PROTECTED = bytes.fromhex("a10127")  # {1: -8}, EdDSA


def sign(payload: bytes, key: Ed25519PrivateKey, *, context: bytes) -> bytes:
    """Return the signed frame around ``payload``."""
    return encode([_PROTECTED, {}, payload, key.sign(_signed(payload, context))])


def verify(frame: bytes, public_key: Ed25519PublicKey, *, context: bytes, limit: int) -> bytes:
    """Return the payload of a frame that the key's holder signed for this context.

    Raises:
        MalformedFrame: above ``limit`` bytes, not such a frame, or not signed so.
    """
    match decode(frame, limit=limit):
        case [protected, unprotected, bytes() as payload, bytes() as signature] if (
            protected == _PROTECTED and unprotected == {}
        ):
            pass
        case _:
            raise MalformedFrame("A frame is not one that this protocol signs; it was dropped.")
    try:
        public_key.verify(signature, _signed(payload, context))
    except InvalidSignature:
        raise MalformedFrame("A frame's signature does not fit its sender; it was dropped.") from None
    return payload


def _signed(payload: bytes, context: bytes) -> bytes:
    return encode(["Signature1", _PROTECTED, context, payload])
