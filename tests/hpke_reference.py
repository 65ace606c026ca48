"""HPKE of RFC 9180, base mode over X25519 and HKDF-SHA256, written from the text of the standard alone."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

CHACHA20_POLY1305, EXPORT_ONLY = 0x0003, 0xFFFF
_KEM = b"KEM" + (0x0020).to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class Schedule:
    """What section 5.1 derives from one shared secret."""

    suite: bytes
    key: bytes  # [32], empty where export-only
    base_nonce: bytes  # [12], empty where export-only
    exporter_secret: bytes  # [32]

    def export(self, context: bytes, length: int) -> bytes:
        """Section 5.3."""
        return _expand(self.suite, self.exporter_secret, b"sec", context, length)


def decapsulated(enc: bytes, key: X25519PrivateKey) -> bytes:
    """Return the shared secret of section 4.1, at the receiver."""
    exchanged = key.exchange(X25519PublicKey.from_public_bytes(enc))
    return _shared(exchanged, enc + key.public_key().public_bytes_raw())


def encapsulated(ephemeral: X25519PrivateKey, to: X25519PublicKey) -> bytes:
    """Return the shared secret of section 4.1, at the sender."""
    context = ephemeral.public_key().public_bytes_raw() + to.public_bytes_raw()
    return _shared(ephemeral.exchange(to), context)


def scheduled(shared: bytes, info: bytes, aead: int) -> Schedule:
    """Return the key schedule of section 5.1 for mode_base."""
    suite = b"HPKE" + (0x0020).to_bytes(2, "big") + (0x0001).to_bytes(2, "big") + aead.to_bytes(2, "big")
    hashes = _extract(suite, b"", b"psk_id_hash", b"") + _extract(suite, b"", b"info_hash", info)
    context = b"\x00" + hashes
    secret = _extract(suite, shared, b"secret", b"")
    sealing = aead != EXPORT_ONLY
    return Schedule(
        suite=suite,
        key=_expand(suite, secret, b"key", context, 32) if sealing else b"",
        base_nonce=_expand(suite, secret, b"base_nonce", context, 12) if sealing else b"",
        exporter_secret=_expand(suite, secret, b"exp", context, 32),
    )


def _shared(exchanged: bytes, context: bytes) -> bytes:
    return _expand(_KEM, _extract(_KEM, b"", b"eae_prk", exchanged), b"shared_secret", context, 32)


def _extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")


def _expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 for at most one block."""
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(secret, labelled + b"\x01", "sha256")[:length]
