"""Sealed evidence on the hub's disk: ciphertext that only the compliance officer opens, taken in pieces and kept whole.

evidence/<binding>/<id>.part   what has come so far
evidence/<binding>/<id>.cev    the whole sealed file, its digest compared
evidence/<binding>/<id>.cek    the offer: digest, size, and the key sealed to the officer
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from compline_hub.store.durable import sync_folder, write_durably
from compline_shared.message_frame import encode_message
from compline_shared.transfer import Offer

_BLOCK = 1 << 20


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

    def _path(self, offer: Offer, suffix: str) -> Path:
        return self._folder / offer.binding.hex() / (offer.evidence.hex() + suffix)


def _digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.digest()
