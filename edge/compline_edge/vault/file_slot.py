"""A slot in a file, for handsets without a hardware one."""

from __future__ import annotations

from pathlib import Path

from compline_edge.ports import SLOT_LEAST, SLOT_MOST
from compline_edge.vault.durable import sync_folder, write_file
from compline_edge.vault.errors import VaultLocked


class FileSlot:
    """Keeps one content in a file of mode 0600.

    Not rollback resistant: whoever copied the file before its content was replaced or destroyed still has the old one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def rollback_resistant(self) -> bool:
        """False: a file can be copied."""
        return False

    @property
    def holds(self) -> bool:
        """Whether anything is there."""
        return self._path.exists()

    def put(self, content: bytes) -> None:
        """Replace the content, durably and at once; raises StorageFull."""
        if not SLOT_LEAST <= len(content) <= SLOT_MOST:
            raise ValueError(f"a slot keeps {SLOT_LEAST} to {SLOT_MOST} bytes")
        write_file(self._path, content)

    def get(self) -> bytes:
        """Return the content; raises VaultLocked where there is none."""
        try:
            with self._path.open("rb") as file:
                content = file.read(SLOT_MOST + 1)
        except FileNotFoundError:
            raise VaultLocked(
                f"The key file {self._path.name} is missing; restore it or pair this handset anew."
            ) from None
        if not SLOT_LEAST <= len(content) <= SLOT_MOST:
            raise VaultLocked(
                f"The key file {self._path.name} is damaged; restore it or pair this handset anew."
            )
        return content

    def destroy(self) -> None:
        """Remove the content, durably; what it wrapped cannot be opened from this file again."""
        self._path.unlink(missing_ok=True)
        sync_folder(self._path.parent)

    def __repr__(self) -> str:
        return "FileSlot(********)"
