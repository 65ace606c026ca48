"""What a branch can prove later: who did what, when, to which handset, and with what result, in one chain.

    head(0) = 32 zero bytes
    head(n) = SHA-256(head(n-1) + canonical entry n)

The canonical form is the strict CBOR array of the entry's fields with its number first, so a changed, removed or
reordered entry breaks the chain from there on. Entries cut off at the end are found by the count and head that are kept
beside; somebody who can rewrite the whole database can rewrite the chain too: note the head down, outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import unique
from typing import Final

from compline_shared.codec import encode
from compline_shared.ids import BindingId, HandsetId
from compline_shared.taxonomy import Coded

GENESIS: Final = bytes(32)
MAX_WHO: Final = 80


@unique
class Act(Coded):
    """What was done."""

    ORDERED = 1
    NOT_TAKEN = 2  # an order or approval that the hub refused
    APPROVED = 3
    SEEN = 4
    DONE = 5
    REFUSED = 6  # by the handset
    SUPERSEDED = 7
    EPOCH_BEGAN = 8
    ESCROW_DESTROYED = 9
    ALARMED = 10
    OPERATOR_ADDED = 11
    OPERATOR_REMOVED = 12
    BACKED_UP = 13
    RESTORED = 14
    ROTATED = 15
    KEY_DESTROYED = 16  # the one before, after a rotation
    REMOVED = 17
    CODE_GIVEN = 18
    CODE_WITHDRAWN = 19
    CODE_SPENT = 20  # three wrong tries
    BOUND = 21
    STRICTNESS_SET = 23  # points of a category
    SILENCED = 24  # a category of which nothing is told any more
    STRICTNESS_RESET = 25  # a category that is judged as calibrated again
    CODE_EXPIRED = 22  # its five minutes were over before a handset said that it had joined


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done; `detail` is a code or a public id, never a person's words."""

    at: int  # Unix s
    who: str
    act: Act
    detail: str = ""
    handset: HandsetId | None = None
    binding: BindingId | None = None
    command: str | None = None  # 32 hex digits


@dataclass(frozen=True, slots=True)
class Chained:
    """An entry in its place."""

    number: int  # 1, 2, ...
    entry: Entry
    head: bytes  # [32]


@dataclass(frozen=True, slots=True)
class End:
    """Where the chain ends, kept beside it."""

    number: int = 0
    head: bytes = GENESIS


def chained(end: End, entry: Entry) -> Chained:
    """Return the entry at the place after ``end``."""
    number = end.number + 1
    canonical = encode(
        [
            number,
            entry.at,
            entry.who,
            int(entry.act),
            entry.detail,
            entry.handset,
            entry.binding,
            entry.command,
        ]
    )
    return Chained(number, entry, hashlib.sha256(end.head + canonical).digest())


def first_break(entries: Iterable[Chained], end: End) -> int | None:
    """Return the number of the first entry that is not as it was written, None where all are."""
    at = End()
    for kept in entries:
        if chained(at, kept.entry) != kept:
            return at.number + 1
        at = End(kept.number, kept.head)
    return None if at == end else at.number + 1
