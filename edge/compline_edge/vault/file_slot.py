"""A key slot in a file, for handsets without a hardware one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from compline_edge.vault.durable import sync_folder, write_file
from compline_edge.vault.errors import VaultLocked

KEY_BYTES: Final = 32


class FileSlot:
    """Keeps one 32-byte key in a file of mode 0600.

    Not rollback resistant: whoever copied the file before a key was replaced or destroyed still has the old key.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def rollback_resistant(self) -> bool:
        """False: a file can be copied."""
        return False

    @property
    def holds(self) -> bool:
        """Whether a key is there."""
        return self._path.exists()

    def put(self, key: bytes) -> None:
        """Replace the key, durably and at once; raises StorageFull."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        write_file(self._path, key)

    def get(self) -> bytes:
        """Return the key; raises VaultLocked where there is none."""
        try:
            with self._path.open("rb") as file:
                key = file.read(KEY_BYTES + 1)
        except FileNotFoundError:
            raise VaultLocked(
                f"The key file {self._path.name} is missing; restore it or enrol this handset anew."
            ) from None
        if len(key) != KEY_BYTES:
            raise VaultLocked(
                f"The key file {self._path.name} is damaged; restore it or enrol this handset anew."
            )
        return key

    def destroy(self) -> None:
        """Remove the key, durably; what it wrapped cannot be opened from this file again."""
        self._path.unlink(missing_ok=True)
        sync_folder(self._path.parent)

    def __repr__(self) -> str:
        return "FileSlot(********)"
