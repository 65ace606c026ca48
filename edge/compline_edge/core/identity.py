"""The handset's own keys, all from the one seed that the identity slot keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEED_BYTES: Final = 32
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (FIPS 186-5)


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """Signs, receives, and proves itself in TLS; the repr shows nothing."""

    signing: Ed25519PrivateKey  # the seed itself
    receiving: X25519PrivateKey
    tls: ec.EllipticCurvePrivateKey  # P-256

    def __repr__(self) -> str:
        return "Identity(********)"


def identity_of(seed: bytes) -> Identity:
    """Return the keys of a seed; ValueError unless it has 32 bytes."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes")
    scalar = (
        int.from_bytes(_derived(seed, b"tls", 48), "big") % (_ORDER - 1) + 1
    )  # 128 bits to spare: no bias
    return Identity(
        signing=Ed25519PrivateKey.from_private_bytes(seed),
        receiving=X25519PrivateKey.from_private_bytes(_derived(seed, b"receiving", 32)),
        tls=ec.derive_private_key(scalar, ec.SECP256R1()),
    )


def _derived(seed: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=b"compline/1 identity " + purpose).derive(
        seed
    )
