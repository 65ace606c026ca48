"""Seals a recording or chat in a file of its own, under its own random key, in chunks.

    file    = "CEV1" + id (16 random bytes) + chunk 0 + chunk 1 + ... + last chunk
    chunk n = ChaCha20-Poly1305(key, nonce = n (8 bytes, big-endian) + 000000 + (01 if last else 00), aad = "CEV1" + id)

Every chunk but the last holds 65,536 bytes of plaintext; each has a tag of 16. The last may be empty, and only it is
marked: cut, swapped, repeated or appended chunks do not open. The digest is SHA-256 of the whole file, which is
ciphertext under a random key.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from compline_edge.vault.durable import named, private_file, sync_folder
from compline_edge.vault.errors import EvidenceDamaged
from compline_shared.masking import CiphertextDigest

CHUNK: Final = 65_536
ID_BYTES: Final = 16
SUFFIX: Final = ".cev"
_MAGIC = b"CEV1"
_TAG = 16


@dataclass(frozen=True, slots=True)
class SealedEvidence:
    """A sealed file, durable, and the key that opens it."""

    id: bytes  # [16]
    key: bytes = field(repr=False)  # [32]
    length: int  # bytes of plaintext
    digest: CiphertextDigest


def seal(source: BinaryIO, folder: Path) -> SealedEvidence:
    """Read ``source`` to its end in chunks and seal it into ``folder``; nothing of the plaintext touches the disk.

    Raises:
        StorageFull: no room; no file is left behind.
    """
    name, key = os.urandom(ID_BYTES), os.urandom(32)
    path = place(folder, name)
    digest, length = hashlib.sha256(), 0
    try:
        with private_file(path) as file:
            for record, plain in _records(source, ChaCha20Poly1305(key), _MAGIC + name):
                digest.update(record)
                length += plain
                file.write(record)
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise named(error) from error
        raise
    sync_folder(folder)
    return SealedEvidence(id=name, key=key, length=length, digest=CiphertextDigest(digest.digest()))


def unseal(folder: Path, name: bytes, key: bytes) -> Iterator[bytes]:
    """Yield the plaintext in chunks of up to 65,536 bytes; every chunk was checked before it is yielded.

    Raises:
        EvidenceDamaged: missing, cut short or altered; what was yielded before was sound.
    """
    try:
        with place(folder, name).open("rb") as file:
            header = file.read(len(_MAGIC) + ID_BYTES)
            if header != _MAGIC + name:
                raise _damaged()
            yield from _chunks(file, ChaCha20Poly1305(key), header)
    except (FileNotFoundError, InvalidTag):
        raise _damaged() from None


def place(folder: Path, name: bytes) -> Path:
    """Where a piece of evidence lies; its name is random and says nothing."""
    return folder / (name.hex() + SUFFIX)


def _records(source: BinaryIO, aead: ChaCha20Poly1305, header: bytes) -> Iterator[tuple[bytes, int]]:
    yield header, 0
    number, chunk = 0, _filled(source)
    while True:
        following = _filled(source) if len(chunk) == CHUNK else b""
        last = not following
        yield aead.encrypt(_nonce(number, last=last), chunk, header), len(chunk)
        if last:
            return
        number, chunk = number + 1, following


def _filled(source: BinaryIO) -> bytes:
    parts, missing = [], CHUNK
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _chunks(file: BinaryIO, aead: ChaCha20Poly1305, header: bytes) -> Iterator[bytes]:
    number, record = 0, file.read(CHUNK + _TAG)
    while True:
        following = file.read(CHUNK + _TAG)
        yield aead.decrypt(_nonce(number, last=not following), record, header)
        if not following:
            return
        number, record = number + 1, following


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(8, "big") + b"\x00\x00\x00" + bytes([last])


def _damaged() -> EvidenceDamaged:
    return EvidenceDamaged(
        "A piece of evidence is missing, cut short or altered; its digest in the verdict shows which."
    )
