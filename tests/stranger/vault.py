"""A vault of one secret: who holds the binding secret reads it; frozen, it takes the hub's key as well."""

import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tests.stranger.cbor import Malformed, decode
from tests.stranger.memory import Memory
from tests.stranger.sealing import opened, sealed_to

INFO = b"stranger's vault"
NONCE = bytes(12)  # each of these keys seals one thing


class Shut(Exception):
    """The vault does not open."""


def _open(key: bytes | None, sealed: bytes | None) -> bytes:
    try:
        return ChaCha20Poly1305(key or b"").decrypt(NONCE, sealed or b"", None)
    except (InvalidTag, ValueError) as error:
        raise Shut from error


def make(memory: Memory, content: bytes) -> None:
    """A new vault under the binding secret."""
    key = secrets.token_bytes(32)
    wrap = ChaCha20Poly1305(memory.get("binding_secret")).encrypt(NONCE, key, None)
    memory.put(vault=ChaCha20Poly1305(key).encrypt(NONCE, content, None), wrap=wrap)


def read(memory: Memory) -> bytes:
    """What the vault holds, while bound."""
    return _open(_open(memory.get("binding_secret"), memory.get("wrap")), memory.get("vault"))


def freeze(memory: Memory) -> None:
    """Seal the vault's key to the hub's freeze key and let go of what opened it here."""
    key = _open(memory.get("binding_secret"), memory.get("wrap"))
    memory.put(frozen=sealed_to(memory.get("freeze_key"), INFO, key), binding_secret=None, wrap=None)


def thaw(memory: Memory, freeze_key: bytes, secret: bytes) -> None:
    """Open what was frozen and wrap it under the new binding secret."""
    key = opened(X25519PrivateKey.from_private_bytes(freeze_key), memory.get("frozen"), INFO)
    wrap = ChaCha20Poly1305(secret).encrypt(NONCE, key, None)
    memory.put(binding_secret=secret, wrap=wrap, frozen=None)


def destroy(memory: Memory) -> None:
    """Nothing is left that opens it, nor it."""
    memory.put(vault=None, wrap=None, frozen=None, binding_secret=None, branch_key=None, chain_key=None)


def rebind_secrets(plaintext: bytes) -> tuple[bytes, bytes, bytes]:
    """Freeze key of the epoch that ends (private), binding secret, freeze key of the one that begins."""
    members: Any = decode(plaintext)
    if not isinstance(members, list) or len(members) != 3:
        raise Malformed("not a rebind's secrets")
    if any(type(each) is not bytes or len(each) != 32 for each in members):
        raise Malformed("not a rebind's secrets")
    return members[0], members[1], members[2]
