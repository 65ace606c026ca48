"""The handset's own keys, all from the one seed that the identity slot keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from compline_shared.p256 import MATERIAL_BYTES, private_key

SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """Signs, and proves itself in TLS; the repr shows nothing."""

    signing: Ed25519PrivateKey  # the seed itself
    tls: ec.EllipticCurvePrivateKey  # P-256

    def __repr__(self) -> str:
        return "Identity(********)"


def identity_of(seed: bytes) -> Identity:
    """Return the keys of a seed; ValueError unless it has 32 bytes."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes")
    return Identity(
        signing=Ed25519PrivateKey.from_private_bytes(seed),
        tls=private_key(_derived(seed, b"tls", MATERIAL_BYTES)),
    )


def _derived(seed: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=b"compline/1 identity " + purpose).derive(
        seed
    )
