"""The hub's keys as values; where they rest is a port's business."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import BindingId
from compline_shared.masking import BranchKey
from compline_shared.p256 import MATERIAL_BYTES, private_key


@dataclass(frozen=True, slots=True, repr=False)
class EpochSecrets:
    """What the hub keeps in escrow of one epoch of a binding; the repr shows none of it."""

    binding_secret: bytes  # [32], half of what opens the vault while it is bound
    freeze_key: (
        bytes  # [32], X25519 private: the frozen vault's key is sealed to it; no handset ever has it before
    )

    @property
    def freeze_public(self) -> bytes:
        """X25519 public key, 32 bytes: what the handset gets when the epoch begins."""
        return X25519PrivateKey.from_private_bytes(self.freeze_key).public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return "EpochSecrets(********)"


@dataclass(frozen=True, slots=True, repr=False)
class HubKeys:
    """All private keys of one hub; the repr shows none of them."""

    sealing: X25519PrivateKey  # opens what handsets seal
    signing: Ed25519PrivateKey  # signs receipts
    command: Ed25519PrivateKey  # signs commands, and nothing else does
    branch: BranchKey  # keys the pseudonyms of the branch
    escrow: bytes  # 32 bytes; seals the binding secrets in the store
    ca: ec.EllipticCurvePrivateKey  # P-256, signs certificates
    tls: ec.EllipticCurvePrivateKey  # P-256, of the server's certificate; the broker has it too
    link: ec.EllipticCurvePrivateKey  # P-256, of the hub's own client certificate
    session: bytes  # 32 bytes; names the hub's processes at the broker, and is never replaced
    former_sealing: X25519PrivateKey | None = (
        None  # these three, of before a rotation, until nobody needs them
    )
    former_signing: Ed25519PrivateKey | None = None
    former_command: Ed25519PrivateKey | None = None

    @property
    def sealing_public(self) -> bytes:
        """X25519 public key, 32 bytes."""
        return self.sealing.public_key().public_bytes_raw()

    @property
    def signing_public(self) -> bytes:
        """Ed25519 public key, 32 bytes."""
        return self.signing.public_key().public_bytes_raw()

    @property
    def command_public(self) -> bytes:
        """Ed25519 public key, 32 bytes."""
        return self.command.public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """First 8 hex digits of SHA-256 over the public keys; names this hub to people."""
        return hashlib.sha256(self.sealing_public + self.signing_public + self.command_public).hexdigest()[:8]

    def public(self, authorities: tuple[bytes, ...]) -> HubPublicKeys:
        """What handsets know this hub by; ``authorities`` are certificates (DER), the first that of `ca`."""
        return HubPublicKeys(
            command=self.command_public,
            signing=self.signing_public,
            sealing=self.sealing_public,
            authorities=authorities,
        )

    def seal_escrow(self, secrets: EpochSecrets, *, binding: BindingId, nonce: bytes) -> bytes:
        """Return an epoch's secrets as the store may hold them; `nonce` is 12 random bytes."""
        plain = secrets.binding_secret + secrets.freeze_key
        return nonce + ChaCha20Poly1305(self.escrow).encrypt(nonce, plain, binding.encode())

    def open_escrow(self, escrow: bytes, *, binding: BindingId) -> EpochSecrets:
        """Return what `seal_escrow` sealed for this binding.

        Raises:
            InvalidTag: another binding's, or another hub's.
        """
        plain = ChaCha20Poly1305(self.escrow).decrypt(escrow[:12], escrow[12:], binding.encode())
        return EpochSecrets(binding_secret=plain[:32], freeze_key=plain[32:])

    def seal_offer(self, secret: str, *, offer: str, nonce: bytes) -> bytes:
        """Return a pairing code's secret as the store may hold it; `nonce` is 12 random bytes."""
        return nonce + ChaCha20Poly1305(self.escrow).encrypt(nonce, secret.encode(), _offer(offer))

    def open_offer(self, sealed: bytes, *, offer: str) -> str:
        """Return what `seal_offer` sealed for this offer; raises InvalidTag for another's."""
        return ChaCha20Poly1305(self.escrow).decrypt(sealed[:12], sealed[12:], _offer(offer)).decode()

    def client_id(self, user: str) -> str:
        """Return what a process of the hub is called at the broker, at most 23 characters, always the same.

        Whoever connects to NATS under somebody's client id ends his connection, whatever his certificate says, so
        nobody may guess it. And it may not change: under the former one a broker would keep frames for nobody.
        """
        return f"{user}-{hmac.digest(self.session, user.encode(), 'sha256')[:8].hex()}"

    def __repr__(self) -> str:
        return f"HubKeys({self.fingerprint})"


def _offer(offer: str) -> bytes:
    return b"offer " + offer.encode()


def certificate_key(seed: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key of a seed of 32 bytes, always the same."""
    derive = HKDF(algorithm=SHA256(), length=MATERIAL_BYTES, salt=None, info=b"compline/1 hub p-256")
    return private_key(derive.derive(seed))
