"""Seals one message to one key, for one use and one place (HPKE single shot).

HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305; the sealed message is
enc (32 bytes) + ciphertext + tag (16). `info` is CBOR of [use, handset, binding, ...]: what was sealed for one use or
place does not open for another. Batches of verdicts have a cheaper form of their own (`segment`).
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from compline_shared.codec import Value, encode
from compline_shared.errors import MalformedFrame

OVERHEAD: Final = 48
"""Bytes that sealing adds."""

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_PROBE: Final = X25519PrivateKey.from_private_bytes(b"compline/1 probe of a public key")


def can_seal_to(key: bytes) -> bool:
    """Whether an X25519 public key [32] can be sealed to: a point of small order cannot (RFC 7748, section 6.1)."""
    try:
        _PROBE.exchange(X25519PublicKey.from_public_bytes(key))
    except ValueError:
        return False
    return True


def seal(plaintext: bytes, to: X25519PublicKey, *, use: str, place: tuple[Value, ...]) -> bytes:
    """Return ``plaintext`` sealed so that only the key's holder opens it, for this use and place."""
    return _SUITE.encrypt(plaintext, to, _info(use, place))


def unseal(sealed: bytes, key: X25519PrivateKey, *, use: str, place: tuple[Value, ...], limit: int) -> bytes:
    """Return what `seal` sealed to this key for this use and place, at most ``limit`` bytes of it.

    Raises:
        MalformedFrame: sealed to another key, for another use or place, altered, or too large.
    """
    if len(sealed) > limit + OVERHEAD:
        raise MalformedFrame(f"A sealed message of {len(sealed)} bytes is too large; it was dropped.")
    try:
        return _SUITE.decrypt(sealed, key, _info(use, place))
    except (InvalidTag, ValueError):
        raise MalformedFrame(
            "A sealed message does not open with this key at its place; it was dropped."
        ) from None


def _info(use: str, place: tuple[Value, ...]) -> bytes:
    return encode([b"compline/1 " + use.encode(), *place])
