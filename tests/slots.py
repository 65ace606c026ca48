"""Key slots for tests: one whose content no copy of any file brings back."""

from __future__ import annotations

from pathlib import Path

from compline_edge.ports import SLOT_LEAST, SLOT_MOST, KeySlot
from compline_edge.vault.errors import VaultLocked


class Chip:
    """The memory of a made-up secure element: it lives beside the storage that an attacker copies."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def slot_at(self, path: Path) -> KeySlot:
        """The slot that stands for a path; the path itself is never written."""
        return ChipSlot(self, "/".join(path.parts[-2:]))


class ChipSlot:
    """A slot in a chip: rollback resistant."""

    def __init__(self, chip: Chip, name: str) -> None:
        self._chip = chip
        self._name = name

    @property
    def rollback_resistant(self) -> bool:
        return True

    @property
    def holds(self) -> bool:
        return self._name in self._chip.contents

    def put(self, content: bytes) -> None:
        if not SLOT_LEAST <= len(content) <= SLOT_MOST:
            raise ValueError(f"a slot keeps {SLOT_LEAST} to {SLOT_MOST} bytes")
        self._chip.contents[self._name] = content

    def get(self) -> bytes:
        try:
            return self._chip.contents[self._name]
        except KeyError:
            raise VaultLocked("The chip holds nothing here.") from None

    def destroy(self) -> None:
        self._chip.contents.pop(self._name, None)
