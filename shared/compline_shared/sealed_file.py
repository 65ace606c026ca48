"""The format of a sealed file: a header, then chunks under a key of its own.

    file     = header + chunk 0 + chunk 1 + ... + last chunk
    chunk n  = ChaCha20-Poly1305(key, nonce = n (8 bytes, big-endian) + 000000 + (01 if last else 00), aad = header)
    evidence = such a file with header "CEV1" + id (16 random bytes)

Every chunk but the last holds 65,536 bytes of plaintext; each has a tag of 16. The last may be empty, and only it is
marked: cut, swapped, repeated or appended chunks do not open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from compline_shared.errors import ComplineError

CHUNK: Final = 65_536
ID_BYTES: Final = 16
KEY_BYTES: Final = 32
HEADER_BYTES: Final = 20
_MAGIC = b"CEV1"
_TAG = 16

Read = Callable[[int], bytes]
"""Returns at most so many bytes, fewer only at the end or where less is ready, none at the end."""


class EvidenceDamaged(ComplineError):
    """A piece of evidence is missing, cut short or altered; its digest in the verdict shows which."""


def sealed(read: Read, *, name: bytes, key: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the file's parts in order, and how many bytes of plaintext each holds."""
    aead, header = ChaCha20Poly1305(key), _MAGIC + name
    yield header, 0
    number, chunk = 0, _filled(read, CHUNK)
    while True:
        following = _filled(read, CHUNK) if len(chunk) == CHUNK else b""
        last = not following
        yield sealed_chunk(aead, number, chunk, header=header, last=last), len(chunk)
        if last:
            return
        number, chunk = number + 1, following


def opened(read: Read, *, name: bytes, key: bytes) -> Iterator[bytes]:
    """Yield the plaintext in chunks of up to 65,536 bytes; every chunk was checked before it is yielded.

    Raises:
        EvidenceDamaged: another file, cut short or altered; what was yielded before was sound.
    """
    header = _filled(read, HEADER_BYTES)
    if header != _MAGIC + name:
        raise EvidenceDamaged(EvidenceDamaged.__doc__)
    try:
        for chunk, _last in opened_chunks(read, key=key, header=header):
            yield chunk
    except InvalidTag:
        raise EvidenceDamaged(EvidenceDamaged.__doc__) from None


def sealed_chunk(aead: ChaCha20Poly1305, number: int, plain: bytes, *, header: bytes, last: bool) -> bytes:
    """Return chunk ``number`` of a file; ``plain`` has 65,536 bytes, or up to as many in the last."""
    return aead.encrypt(_nonce(number, last=last), plain, header)


def opened_chunks(read: Read, *, key: bytes, header: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield the plaintext of each chunk after the header, checked, and whether it is the last.

    Raises:
        cryptography.exceptions.InvalidTag: another key or header, cut short or altered.
    """
    aead = ChaCha20Poly1305(key)
    number, record = 0, _filled(read, CHUNK + _TAG)
    while True:
        following = _filled(read, CHUNK + _TAG)
        last = not following
        yield aead.decrypt(_nonce(number, last=last), record, header), last
        if last:
            return
        number, record = number + 1, following


def _filled(read: Read, most: int) -> bytes:
    parts, missing = [], most
    while missing and (part := read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(8, "big") + b"\x00\x00\x00" + bytes([last])
