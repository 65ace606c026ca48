"""What the hub remembers of a handset that may send to it."""

from __future__ import annotations

from dataclasses import dataclass

from compline_shared.ids import BindingId, HandsetId

FIRST_EPOCH = 1
"""Of every binding."""


@dataclass(frozen=True, slots=True)
class Handset:
    """An enrolled handset; `heard` is None until its first good frame."""

    id: HandsetId
    name: str
    signing_key: bytes  # Ed25519 public key, 32 bytes
    receiving_key: bytes  # X25519 public key, 32 bytes
    enrolled: int  # Unix s
    heard: int | None = None  # Unix s of the last good frame


@dataclass(frozen=True, slots=True)
class Binding:
    """One handset and one collector, and how far its verdicts have been taken."""

    id: BindingId
    handset: HandsetId
    epoch: int  # rises when the same binding starts anew
    up_to: int  # seq of the last verdict taken, 0 = none
    head: bytes  # of the chain after it, 32 bytes
    escrow: bytes  # the epoch's secrets, sealed under the hub's escrow key; empty once the binding was wiped
    next_escrow: bytes | None = (
        None  # of the epoch that a rebind begins, from its order until the report shows it
    )
