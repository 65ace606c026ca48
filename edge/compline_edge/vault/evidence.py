"""Keeps sealed recordings and chats as files, and beside each, where the branch wants it, the officer's key to it.

    <id>.cev = the sealed file (`compline_shared.sealed_file`)
    <id>.cek = "CEK1" + SHA-256 of the sealed file (32) + its key, sealed to the compliance officer (80)

The digest is of ciphertext under a random key. A .cek stays until the hub's receipt says that it has the file; it opens
for the officer alone, so it outlives freezing and wiping.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from compline_edge.vault.durable import named, private_file, sync_folder, write_file
from compline_shared import sealed_file
from compline_shared.masking import CiphertextDigest
from compline_shared.place import Place
from compline_shared.sealed import OVERHEAD, seal
from compline_shared.sealed_file import ID_BYTES, KEY_BYTES, EvidenceDamaged

SUFFIX: Final = ".cev"
KEY_SUFFIX: Final = ".cek"
_KEY_MAGIC = b"CEK1"
_DIGEST = 32
_KEY_FILE = len(_KEY_MAGIC) + _DIGEST + KEY_BYTES + OVERHEAD


@dataclass(frozen=True, slots=True)
class SealedEvidence:
    """A sealed file, durable, and the key that opens it."""

    id: bytes  # [16]
    key: bytes = field(repr=False)  # [32]
    length: int  # bytes of plaintext
    digest: CiphertextDigest


@dataclass(frozen=True, slots=True)
class Officer:
    """The compliance officer, to whom the evidence of a binding is sealed as well."""

    key: X25519PublicKey
    place: Place

    def wrap(self, key: bytes, name: bytes) -> bytes:
        """Return a piece's key so that the officer alone opens it, at this handset and binding."""
        handset, binding, _ = self.place.members()
        return seal(key, self.key, use="evidence", place=(handset, binding, name))


@dataclass(frozen=True, slots=True)
class OwedEvidence:
    """A piece that the hub has not said it has."""

    id: bytes  # [16]
    digest: bytes  # [32]
    sealed_key: bytes  # [80]
    size: int  # bytes of the sealed file


class _Unread(Exception):
    """The source cannot be read, which says nothing of the disk that is written to."""

    def __init__(self, error: OSError) -> None:
        self.error = error


def seal_evidence(source: BinaryIO, folder: Path, officer: Officer | None = None) -> SealedEvidence:
    """Read ``source`` to its end in chunks and seal it into ``folder``; nothing of the plaintext touches the disk.

    Raises:
        StorageFull: no room; no file is left behind.
        StorageFailing: the disk fails.
        OSError: the source cannot be read.
    """

    def read(size: int) -> bytes:
        try:
            return source.read(size)
        except OSError as error:
            raise _Unread(error) from error

    name, key = os.urandom(ID_BYTES), os.urandom(KEY_BYTES)
    path = place_of(folder, name)
    digest, length = hashlib.sha256(), 0
    try:
        with private_file(path) as file:
            for part, plain in sealed_file.sealed(read, name=name, key=key):
                digest.update(part)
                length += plain
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if officer is not None:
            _write_key(path, digest.digest(), officer.wrap(key, name))
        sync_folder(folder)
    except BaseException as error:
        remove_evidence(folder, name)
        match error:
            case _Unread():
                raise error.error from error
            case OSError():
                raise named(error) from error
            case _:
                raise
    return SealedEvidence(id=name, key=key, length=length, digest=CiphertextDigest(digest.digest()))


def remove_evidence(folder: Path, name: bytes) -> None:
    """Remove a piece that no row names, and the officer's key to it; what a failing disk keeps is swept later."""
    path = place_of(folder, name)
    for each in (path, path.with_suffix(KEY_SUFFIX)):
        with suppress(OSError):
            each.unlink(missing_ok=True)


def sweep_evidence(folder: Path, known: Container[str]) -> int:
    """Remove the files of all pieces but those whose id, in hex, is known; return how many. Raises StorageFailing."""
    try:
        orphans = [path for path in folder.iterdir() if path.stem not in known]
        for path in orphans:
            path.unlink()
    except OSError as error:
        raise named(error) from error
    return len(orphans)


def unseal_evidence(folder: Path, name: bytes, key: bytes) -> Iterator[bytes]:
    """Yield the plaintext in chunks of up to 65,536 bytes; every chunk was checked before it is yielded.

    Raises:
        EvidenceDamaged: missing, cut short or altered; what was yielded before was sound.
    """
    try:
        with place_of(folder, name).open("rb") as file:
            yield from sealed_file.opened(file.read, name=name, key=key)
    except FileNotFoundError:
        raise EvidenceDamaged(EvidenceDamaged.__doc__) from None


def place_of(folder: Path, name: bytes) -> Path:
    """Where a piece of evidence lies; its name is random and says nothing."""
    return folder / (name.hex() + SUFFIX)


def owed_evidence(folder: Path) -> list[OwedEvidence]:
    """Return what is still to be sent for the officer, in order of id; pieces without a sound key file are left out."""
    found = (_owed(path) for path in sorted(folder.glob("*" + KEY_SUFFIX)))
    return [piece for piece in found if piece is not None]


def settle_evidence(folder: Path, name: bytes, *, keep_file: bool) -> None:
    """Take the hub's word that it has a piece: the officer's key goes, and of a wiped vault the file as well."""
    path = place_of(folder, name)
    path.with_suffix(KEY_SUFFIX).unlink(missing_ok=True)
    if not keep_file:
        path.unlink(missing_ok=True)
    sync_folder(folder)


def forget_evidence(folder: Path) -> None:
    """Remove what nobody will ever open: the pieces of a wiped vault that are not owed to the officer."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.suffix != KEY_SUFFIX and not path.with_suffix(KEY_SUFFIX).exists():
            path.unlink(missing_ok=True)
    if any(folder.iterdir()):
        sync_folder(folder)
    else:
        folder.rmdir()


def _write_key(path: Path, digest: bytes, sealed_key: bytes) -> None:
    write_file(path.with_suffix(KEY_SUFFIX), _KEY_MAGIC + digest + sealed_key)


def _owed(path: Path) -> OwedEvidence | None:
    try:
        name, size = bytes.fromhex(path.stem), path.with_suffix(SUFFIX).stat().st_size
        with path.open("rb") as file:
            content = file.read(_KEY_FILE + 1)
    except (OSError, ValueError):
        return None
    if len(content) != _KEY_FILE or len(name) != ID_BYTES or not content.startswith(_KEY_MAGIC):
        return None
    digest, sealed_key = content[4 : 4 + _DIGEST], content[4 + _DIGEST :]
    return OwedEvidence(id=name, digest=digest, sealed_key=sealed_key, size=size)
