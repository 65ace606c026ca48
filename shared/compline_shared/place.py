"""The place that every seal and signature is bound to: which handset, which binding, which epoch of it."""

from __future__ import annotations

from dataclasses import dataclass

from compline_shared.codec import Value
from compline_shared.ids import BindingId, HandsetId

MAX_EPOCH = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Place:
    """Handset, binding, and how many times the binding was renewed (0..2**32 - 1)."""

    handset: HandsetId
    binding: BindingId
    epoch: int

    def members(self) -> tuple[Value, Value, Value]:
        """What goes on the wire: the two ids as 8 bytes each, and the epoch."""
        return bytes.fromhex(self.handset), bytes.fromhex(self.binding), self.epoch
