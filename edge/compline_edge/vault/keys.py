"""Wraps the vault's key: for a bound binding under slot and binding secret, for a frozen one to the hub's freeze key.

    bound:  nonce (12) + ChaCha20-Poly1305(HKDF(slot key + binding secret), vault key + public freeze key)
    frozen: HPKE(freeze key, nonce (12) + ChaCha20-Poly1305(HKDF(slot key), vault key))

HKDF is HKDF-SHA256 with the use and the binding as info; the AEAD's aad is the same. The freeze key lies in the bound
wrap so that nobody but the hub can put another in its place. docs/adr/0005 says why freezing takes a key of its own.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from compline_edge.vault.errors import VaultLocked
from compline_shared.enrolment import Secret
from compline_shared.errors import MalformedFrame
from compline_shared.ids import BindingId
from compline_shared.place import Place
from compline_shared.sealed import seal, unseal

KEY_BYTES: Final = 32
_NONCE = 12
_TAG = 16
_BOUND, _FROZEN = b"bound", b"frozen"


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


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """What a bound wrap holds."""

    key: VaultKey
    freeze_key: bytes = field(repr=False)  # [32] X25519 public, of the epoch


def wrap(unwrapped: Unwrapped, *, slot_key: bytes, secret: Secret, binding: BindingId) -> bytes:
    """Return the bytes that `unwrap` opens with the same slot key, secret and binding."""
    plain = bytes(unwrapped.key) + unwrapped.freeze_key
    return _sealed(plain, slot_key + bytes(secret), _BOUND, binding)


def unwrap(wrapped: bytes, *, slot_key: bytes, secret: Secret, binding: BindingId) -> Unwrapped:
    """Return the vault's key and the freeze key; raises VaultLocked."""
    plain = _opened(wrapped, slot_key + bytes(secret), _BOUND, binding, length=2 * KEY_BYTES)
    return Unwrapped(VaultKey(plain[:KEY_BYTES]), plain[KEY_BYTES:])


def freeze(key: VaultKey, *, slot_key: bytes, freeze_key: bytes, place: Place) -> bytes:
    """Return what `thaw` opens with the private freeze key, which only the hub has, and the same slot key."""
    inner = _sealed(bytes(key), slot_key, _FROZEN, place.binding)
    return seal(inner, X25519PublicKey.from_public_bytes(freeze_key), use="freeze", place=place.members())


def thaw(frozen: bytes, *, slot_key: bytes, freeze_key: bytes, place: Place) -> VaultKey:
    """Return the vault's key; ``freeze_key`` is the private one, ``place`` that of the freezing. Raises VaultLocked."""
    limit = _NONCE + KEY_BYTES + _TAG
    private = X25519PrivateKey.from_private_bytes(freeze_key)
    try:
        inner = unseal(frozen, private, use="freeze", place=place.members(), limit=limit)
    except MalformedFrame:
        raise VaultLocked(
            "The frozen vault does not open with the key that the hub sent; look at the hub's audit."
        ) from None
    return VaultKey(_opened(inner, slot_key, _FROZEN, place.binding, length=KEY_BYTES))


def _sealed(plain: bytes, key: bytes, use: bytes, binding: BindingId) -> bytes:
    nonce, info = os.urandom(_NONCE), _info(use, binding)
    return nonce + ChaCha20Poly1305(_hkdf(key, info)).encrypt(nonce, plain, info)


def _opened(sealed: bytes, key: bytes, use: bytes, binding: BindingId, *, length: int) -> bytes:
    info = _info(use, binding)
    try:
        plain = ChaCha20Poly1305(_hkdf(key, info)).decrypt(sealed[:_NONCE], sealed[_NONCE:], info)
    except (InvalidTag, ValueError):
        raise _locked() from None
    if len(plain) != length:
        raise _locked()
    return plain


def _info(use: bytes, binding: BindingId) -> bytes:
    return b"compline/1 vault " + use + bytes.fromhex(binding)


def _hkdf(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)


def _locked() -> VaultLocked:
    return VaultLocked(
        "The vault does not open with this handset's key: files were put back from a copy, or the slot is another's."
    )
