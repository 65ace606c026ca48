"""Wraps the vault's key so that it takes both the handset's slot and the hub's binding secret to open it.

wrap = nonce (12 random bytes) + ChaCha20-Poly1305(k, vault key, aad = "compline/1 vault" + binding), 60 bytes,
k = HKDF-SHA256(slot key + binding secret, info = "compline/1 vault wrap" + binding).
"""

from __future__ import annotations

import os
from typing import Final, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from compline_edge.ports import KeySlot
from compline_edge.vault.errors import VaultLocked
from compline_shared.enrolment import Secret
from compline_shared.ids import BindingId

KEY_BYTES: Final = 32
_NONCE = 12


@final
class VaultKey:
    """32 random bytes that open one vault; others are derived from it by purpose."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes, /) -> None:
        if len(raw) != KEY_BYTES:
            raise ValueError(f"a vault key has {KEY_BYTES} bytes")
        self._raw = bytes(raw)

    @classmethod
    def generate(cls) -> VaultKey:
        """Return a new random key."""
        return cls(os.urandom(KEY_BYTES))

    def __bytes__(self) -> bytes:
        return self._raw

    def derive(self, purpose: bytes) -> bytes:
        """Return 32 bytes for one purpose."""
        return _hkdf(self._raw, b"compline/1 " + purpose)

    def __repr__(self) -> str:
        return "VaultKey(********)"


def wrap(key: VaultKey, slot: KeySlot, secret: Secret, binding: BindingId) -> bytes:
    """Return the 60 bytes that `unwrap` opens with the same slot, secret and binding."""
    nonce = os.urandom(_NONCE)
    return nonce + _aead(slot, secret, binding).encrypt(nonce, bytes(key), _aad(binding))


def unwrap(wrapped: bytes, slot: KeySlot, secret: Secret, binding: BindingId) -> VaultKey:
    """Return the vault's key; raises VaultLocked."""
    aead = _aead(slot, secret, binding)
    try:
        return VaultKey(aead.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _aad(binding)))
    except (InvalidTag, ValueError):
        raise VaultLocked(
            "The vault does not open with this handset's key; restore the key slot that belongs to it."
        ) from None


def _aead(slot: KeySlot, secret: Secret, binding: BindingId) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(
        _hkdf(slot.get() + bytes(secret), b"compline/1 vault wrap" + bytes.fromhex(binding))
    )


def _aad(binding: BindingId) -> bytes:
    return b"compline/1 vault" + bytes.fromhex(binding)


def _hkdf(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)
