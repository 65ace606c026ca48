"""The hash chain, the seal of a segment, and what the hub seals to a handset."""

import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey, PyHPKEError

from tests.stranger.cbor import Malformed, encode
from tests.stranger.verdict import Verdict, Versions

SEGMENT = 256
_KEM, _KDF = KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256
_EXPORT = CipherSuite.new(_KEM, _KDF, AEADId.EXPORT_ONLY)
_ONE_SHOT = CipherSuite.new(_KEM, _KDF, AEADId.CHACHA20_POLY1305)


def mac(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA-256 over the parts, one behind the other."""
    return hmac.digest(key, b"".join(parts), "sha256")


def chain_key(branch_key: bytes, binding: bytes) -> bytes:
    """The key of one binding's chain."""
    return mac(branch_key, b"compline/1 chain\0", binding)


def genesis(key: bytes) -> bytes:
    """The head before the first verdict."""
    return mac(key, b"genesis")


def pseudonym(branch_key: bytes, what: str, number: str) -> bytes:
    """What a contact or a case is called outside the vault."""
    if what == "contact":
        number = number.translate({ord(each): None for each in " -()"}).lower()
        number = number.removeprefix("+86") if number[:3] == "+86" else number.removeprefix("0086")
    return mac(branch_key, what.encode() + b"\0", number.strip(" ").encode())[:8]


def associated(handset: bytes, binding: bytes, epoch: int, seq: int) -> bytes:
    """What ties an entry to its place; the header's seq is 0."""
    return encode([handset, binding, epoch, seq])


@dataclass
class Segment:
    """Consecutive verdicts sealed under one key, which only this run knows."""

    handset: bytes
    binding: bytes
    epoch: int
    hub_key: bytes
    first_seq: int
    started: int
    versions: Versions
    enc: bytes = field(init=False)
    header: bytes = field(init=False)
    next_seq: int = field(init=False)
    _key: ChaCha20Poly1305 = field(init=False, repr=False)

    def __post_init__(self) -> None:
        info = encode([b"compline/1 verdicts", self.handset, self.binding, self.epoch])
        to = KEMKey.from_pyca_cryptography_key(X25519PublicKey.from_public_bytes(self.hub_key))
        self.enc, context = _EXPORT.create_sender_context(to, info)
        self._key = ChaCha20Poly1305(context.export(b"segment", 32))
        self.header = self._sealed(0, 0, encode([self.first_seq, self.started, *self.versions]))
        self.next_seq = self.first_seq

    def _sealed(self, nonce: int, seq: int, plaintext: bytes) -> bytes:
        aad = associated(self.handset, self.binding, self.epoch, seq)
        return self._key.encrypt(nonce.to_bytes(12, "big"), plaintext, aad)

    @property
    def full(self) -> bool:
        return self.next_seq - self.first_seq == SEGMENT

    def seal(self, verdict: Verdict) -> bytes:
        """The next verdict's entry; each seq is sealed once."""
        if verdict.seq != self.next_seq or self.full:
            raise ValueError("a segment takes each seq once and in order")
        self.next_seq += 1
        plaintext = verdict.encoded(self.first_seq, self.started, self.versions)
        return self._sealed(1 + verdict.seq - self.first_seq, verdict.seq, plaintext)


def opened(key: X25519PrivateKey, sealed: bytes, info: bytes) -> bytes:
    """What was sealed to this key in one shot."""
    try:
        own = KEMKey.from_pyca_cryptography_key(key)
        return _ONE_SHOT.create_recipient_context(sealed[:32], own, info).open(sealed[32:])
    except PyHPKEError as error:
        raise Malformed("not sealed to this key for this") from error


def sealed_to(key: bytes, info: bytes, plaintext: bytes) -> bytes:
    """Seal in one shot to a public key."""
    to = KEMKey.from_pyca_cryptography_key(X25519PublicKey.from_public_bytes(key))
    enc, context = _ONE_SHOT.create_sender_context(to, info)
    return enc + context.seal(plaintext)
