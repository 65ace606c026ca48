"""What the hub remembers of a handset that may send to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from compline_shared.ids import BindingId, HandsetId

CollectorId = NewType("CollectorId", str)
"""16 lower-case hex digits, random; goes nowhere beyond the hub."""
FIRST_EPOCH = 1
"""Of every binding."""


@dataclass(frozen=True, slots=True)
class Handset:
    """An enrolled handset; `heard` is None until its first good frame."""

    id: HandsetId
    name: str
    signing_key: bytes  # Ed25519 public key, 32 bytes
    tls_key: bytes  # P-256 public key, 65 bytes; empty where it was enrolled before certificates
    enrolled: int  # Unix s
    heard: int | None = None  # Unix s of the last good frame
    removed: int | None = None  # Unix s since which neither broker nor renewal lets it in
    certified_by: bytes | None = (
        None  # name of the authority that issued its newest certificate (`authority_name`)
    )


@dataclass(frozen=True, slots=True)
class Collector:
    """A person who works with a handset; the name is the branch's own and is there once."""

    id: CollectorId
    name: str


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
    collector: CollectorId | None = None  # None: bound before there were collectors
    bound: int = 0  # Unix s; rises from one binding of a handset to the next
