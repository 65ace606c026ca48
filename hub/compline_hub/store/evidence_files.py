"""Sealed evidence on the hub's disk: ciphertext that only the compliance officer opens, taken in pieces and kept whole.

evidence/<binding>/<id>.part   what has come so far
evidence/<binding>/<id>.cev    the whole sealed file, its digest compared
evidence/<binding>/<id>.cek    the offer: digest, size, and the key sealed to the officer
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from compline_hub.core.evidence import Piece
from compline_hub.store.durable import sync_folder, write_durably
from compline_shared.errors import MalformedFrame
from compline_shared.ids import BindingId
from compline_shared.message_frame import decode_message, encode_message
from compline_shared.transfer import Offer

_BLOCK: Final = 1 << 20
_MAX_OFFER: Final = 1_024
"""Bytes of an offer that are read."""
_BINDING: Final = re.compile(r"[0-9a-f]{16}")


class EvidenceFiles:
    """Every piece under its binding; one writer a piece at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kept(self, offer: Offer) -> int:
        """Return how many bytes of the offered file are durable here, all of them where it is whole."""
        whole = self._path(offer, ".cev")
        if whole.exists():
            return offer.size
        part = self._path(offer, ".part")
        return part.stat().st_size if part.exists() else 0

    def append(self, offer: Offer, data: bytes) -> int:
        """Add bytes at the end, durably; return how many there are now."""
        part = self._path(offer, ".part")
        part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = not part.exists()
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        if fresh:
            sync_folder(part.parent)
        return size

    def finish(self, offer: Offer) -> bool:
        """Keep a file that is all there, if it has the offered digest; else forget it. Returns whether it is kept."""
        whole = self._path(offer, ".cev")
        if whole.exists():
            return True
        part = self._path(offer, ".part")
        if _digest(part) != offer.digest:
            part.unlink()
            return False
        write_durably(self._path(offer, ".cek"), encode_message(offer))
        part.replace(whole)
        sync_folder(whole.parent)
        return True

    def free(self) -> int:
        """Return the bytes that are free on the disk."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return shutil.disk_usage(self._folder).free

    def bindings(self) -> Sequence[BindingId]:
        """Return the bindings of which anything was kept."""
        if not self._folder.is_dir():
            return []
        names = sorted(path.name for path in self._folder.iterdir())
        return [BindingId(name) for name in names if _BINDING.fullmatch(name)]

    def pieces(self, binding: BindingId) -> Sequence[Piece]:
        """Return the whole files of a binding, in order of id."""
        return [_piece(path) for path in sorted((self._folder / binding).glob("*.cev"))]

    def _path(self, offer: Offer, suffix: str) -> Path:
        return self._folder / offer.binding.hex() / (offer.evidence.hex() + suffix)


def _piece(path: Path) -> Piece:
    status = path.stat()
    digest = _offered(path, size=status.st_size)
    return Piece(file=str(path), size=status.st_size, kept=int(status.st_mtime), digest=digest)


def _offered(path: Path, *, size: int) -> bytes | None:
    """The digest in the offer beside a file; None where there is none, or it is of another file."""
    try:
        with path.with_suffix(".cek").open("rb") as file:
            offer = decode_message(file.read(_MAX_OFFER), Offer)
    except (OSError, MalformedFrame):
        return None
    told = (offer.binding.hex(), offer.evidence.hex(), offer.size)
    return offer.digest if told == (path.parent.name, path.stem, size) else None


def _digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.digest()
