"""Seals verdicts to the hub's key: one HPKE context a segment, 16 bytes of tag an entry.

A segment ends with the process or after 256 entries. HPKE (RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256),
HKDF-SHA256, export-only) gives one ChaCha20-Poly1305 key; its 12-byte nonce is 0 for the header and 1 + (seq - first
seq) for an entry, so a lost batch keeps no later one shut, and entries open in any order and any number of times.
`info` names the place and every entry's AAD names place and seq: ciphertext moved elsewhere does not open.
"""

from __future__ import annotations

from typing import Final, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey, PyHPKEError

from compline_shared.codec import encode
from compline_shared.errors import MalformedFrame
from compline_shared.place import Place
from compline_shared.wire import SegmentBase, decode_base, encode_base

MAX_SEGMENT: Final = 256
"""Entries that one segment may hold."""

TAG_BYTES: Final = 16
ENC_BYTES: Final = 32
_SUITE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.EXPORT_ONLY)


@final
class Sealer:
    """Seals the entries of one segment in seq order; never two plaintexts under one nonce, whatever the caller does."""

    def __init__(self, hub: X25519PublicKey, place: Place, base: SegmentBase) -> None:
        enc, context = _SUITE.create_sender_context(KEMKey.from_pyca_cryptography_key(hub), info=_info(place))
        self._aead = ChaCha20Poly1305(context.export(b"segment", 32))
        self._place = place
        self._sealed = 0
        self.base = base
        self.enc: Final[bytes] = enc
        self.header: Final[bytes] = self._aead.encrypt(_nonce(0), encode_base(base), _aad(place, 0))

    @property
    def full(self) -> bool:
        """Whether the next entry needs another segment."""
        return self._sealed == MAX_SEGMENT

    @property
    def next_seq(self) -> int:
        """The only seq that `seal` takes next."""
        return self.base.first_seq + self._sealed

    def seal(self, seq: int, plaintext: bytes) -> bytes:
        """Return the entry's ciphertext; ValueError unless ``seq`` is the next one and the segment is not full."""
        if self.full or seq != self.next_seq:
            raise ValueError(f"this segment seals {MAX_SEGMENT} entries in seq order; start another")
        self._sealed += 1
        return self._aead.encrypt(_nonce(self._sealed), plaintext, _aad(self._place, seq))


@final
class Opener:
    """Opens the entries of one segment, in any order."""

    def __init__(self, key: X25519PrivateKey, place: Place, *, enc: bytes, header: bytes) -> None:
        """Raises MalformedFrame if the segment was not sealed to this key for this place."""
        try:
            context = _SUITE.create_recipient_context(
                enc, KEMKey.from_pyca_cryptography_key(key), info=_info(place)
            )
        except (PyHPKEError, ValueError):
            raise _unopened() from None
        self._aead = ChaCha20Poly1305(context.export(b"segment", 32))
        self._place = place
        self.base: Final[SegmentBase] = decode_base(self._open(0, 0, header))

    def open(self, seq: int, ciphertext: bytes) -> bytes:
        """Return the plaintext of the entry at ``seq``; raises MalformedFrame."""
        index = seq - self.base.first_seq
        if not 0 <= index < MAX_SEGMENT:
            raise _unopened()
        return self._open(1 + index, seq, ciphertext)

    def _open(self, nonce: int, seq: int, ciphertext: bytes) -> bytes:
        try:
            return self._aead.decrypt(_nonce(nonce), ciphertext, _aad(self._place, seq))
        except InvalidTag:
            raise _unopened() from None


def _info(place: Place) -> bytes:
    return encode([b"compline/1 verdicts", *place.members()])


def _aad(place: Place, seq: int) -> bytes:
    return encode([*place.members(), seq])


def _nonce(index: int) -> bytes:
    return index.to_bytes(12, "big")


def _unopened() -> MalformedFrame:
    return MalformedFrame("A sealed entry does not open with this hub's key at its place; it was dropped.")
