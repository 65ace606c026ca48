"""Signed frames: untagged COSE_Sign1 under Ed25519, with a context that says what the payload is and whose."""

from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.stranger.cbor import Malformed, decode, encode

Kind = Literal["up", "receipt", "command", "report"]

PROTECTED = b"\xa1\x01\x27"
MEMBERS: dict[Kind, int] = {"up": 8, "receipt": 5, "command": 6, "report": 15}


def _signed(kind: Kind, handset: bytes, payload: bytes) -> bytes:
    context = f"compline/1 {kind} {handset.hex()}".encode()
    return encode(["Signature1", PROTECTED, context, payload])


def signed_by(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature holds."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign(key: Ed25519PrivateKey, kind: Kind, payload: list[Any]) -> bytes:
    """A frame of a payload whose first member is the handset."""
    body = encode(payload)
    return encode([PROTECTED, {}, body, key.sign(_signed(kind, payload[0], body))])


def read(frame: bytes, kind: Kind, handset: bytes, key: bytes) -> list[Any] | None:
    """The payload, if the frame is of this kind, for this handset and signed by this key."""
    try:
        protected, unprotected, body, signature = decode(frame)
        if protected != PROTECTED or unprotected != {}:
            return None
        payload = decode(body)
    except (Malformed, ValueError, TypeError):
        return None
    if not isinstance(payload, list) or len(payload) != MEMBERS[kind] or payload[0] != handset:
        return None
    return payload if signed_by(key, signature, _signed(kind, handset, body)) else None
