"""Who may approve wipes and changes of those who may approve."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from compline_shared.commands import Operator


@dataclass(frozen=True, slots=True)
class OperatorRecord:
    """An operator as the hub remembers; the private key is theirs alone."""

    id: bytes  # [8], from the key
    name: str
    key: bytes  # [32], Ed25519 public
    added: int  # Unix s
    removed: int | None = None  # Unix s

    @property
    def operator(self) -> Operator:
        """What handsets know of them."""
        return Operator(id=self.id, key=self.key)


def operator_id(key: bytes) -> bytes:
    """The id of a public key: the first 8 bytes of its SHA-256."""
    return hashlib.sha256(key).digest()[:8]
