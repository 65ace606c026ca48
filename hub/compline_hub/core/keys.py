"""The hub's keys as values; where they rest is a port's business."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from compline_shared.ids import BindingId
from compline_shared.masking import BranchKey


@dataclass(frozen=True, slots=True, repr=False)
class HubKeys:
    """All private keys of one hub; the repr shows none of them."""

    sealing: X25519PrivateKey  # opens what handsets seal
    signing: Ed25519PrivateKey  # signs receipts
    branch: BranchKey  # keys the pseudonyms of the branch
    broker: bytes  # 32 bytes; passwords of the broker's users come from it
    escrow: bytes  # 32 bytes; seals the binding secrets in the store

    @property
    def sealing_public(self) -> bytes:
        """X25519 public key, 32 bytes."""
        return self.sealing.public_key().public_bytes_raw()

    @property
    def signing_public(self) -> bytes:
        """Ed25519 public key, 32 bytes."""
        return self.signing.public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """First 8 hex digits of SHA-256 over both public keys; names this hub to people."""
        return hashlib.sha256(self.sealing_public + self.signing_public).hexdigest()[:8]

    def password(self, user: str) -> str:
        """Password of a broker user: 256 bits, the same each time, stored nowhere but with the broker."""
        return hmac.new(self.broker, b"mqtt-password\x00" + user.encode(), hashlib.sha256).hexdigest()

    def seal_secret(self, secret: bytes, *, binding: BindingId, nonce: bytes) -> bytes:
        """Return a binding secret as the store may hold it; `nonce` is 12 random bytes."""
        return nonce + ChaCha20Poly1305(self.escrow).encrypt(nonce, secret, binding.encode())

    def open_secret(self, escrow: bytes, *, binding: BindingId) -> bytes:
        """Return what `seal_secret` sealed for this binding.

        Raises:
            InvalidTag: another binding's, or another hub's.
        """
        return ChaCha20Poly1305(self.escrow).decrypt(escrow[:12], escrow[12:], binding.encode())

    def __repr__(self) -> str:
        return f"HubKeys({self.fingerprint})"
