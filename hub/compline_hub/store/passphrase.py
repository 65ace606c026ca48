"""Seals a few bytes under a passphrase: scrypt, then ChaCha20-Poly1305.

    "CPP1" + salt (16) + nonce (12) + ciphertext + tag (16)

scrypt (RFC 7914) with N = 2^17, r = 8, p = 1: about 128 MiB and half a second a guess.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from compline_hub.errors import WrongPassphrase

SHORTEST: Final = 8
"""Characters of a passphrase."""
_MAGIC: Final = b"CPP1"
_SALT, _NONCE = 16, 12
_N, _R, _P = 2**17, 8, 1


def seal_under(passphrase: str, plain: bytes, *, use: bytes) -> bytes:
    """Return ``plain`` as only the passphrase opens it, for one use.

    Raises:
        WrongPassphrase: it is too short.
    """
    if len(passphrase) < SHORTEST:
        raise WrongPassphrase(f"A passphrase has at least {SHORTEST} characters; choose a longer one.")
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    return _MAGIC + salt + nonce + _aead(passphrase, salt).encrypt(nonce, plain, _MAGIC + use)


def open_under(passphrase: str, sealed: bytes, *, use: bytes) -> bytes:
    """Return what `seal_under` sealed; raises WrongPassphrase."""
    at = len(_MAGIC) + _SALT
    magic, salt, rest = sealed[: len(_MAGIC)], sealed[len(_MAGIC) : at], sealed[at:]
    try:
        return _aead(passphrase, salt).decrypt(rest[:_NONCE], rest[_NONCE:], magic + use)
    except (InvalidTag, ValueError):
        raise WrongPassphrase(
            "The passphrase does not open the file, or the file was changed; try again."
        ) from None


def _aead(passphrase: str, salt: bytes) -> ChaCha20Poly1305:
    derived = hashlib.scrypt(passphrase.encode(), salt=salt, n=_N, r=_R, p=_P, maxmem=256 * _R * _N, dklen=32)
    return ChaCha20Poly1305(derived)
