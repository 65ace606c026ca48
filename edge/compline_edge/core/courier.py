"""Decides what the courier sends and when: events in, a new state and commands out.

Go-back-N. Entries go out in seq order in batches of one segment; the hub's receipt alone moves `settled`. When the link breaks, a
batch stays unanswered, or the hub reports a gap, sending starts again after the last receipt. Being offline is a state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from compline_shared.batch import ENTRY_BYTES, FRAME_BYTES, MAX_ENTRIES
from compline_shared.delivery import Dispute, Resend, Settle, Settlement


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """One verdict, sealed for the hub."""

    seq: int
    enc: bytes  # [32] its segment's HPKE encapsulation
    header: bytes  # its segment's sealed header
    ciphertext: bytes
    head: bytes  # [32] of the chain after it
    urgent: bool
    added: float  # Unix s


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to send; the defaults suit a link of 20 kbit/s with much loss."""

    batch_bytes: int = 8_192  # a batch that is this large goes out
    batch_age: float = 5.0  # s; a batch whose oldest entry is this old goes out
    window: int = 16_384  # bytes sent and not yet answered
    answer: float = 20.0  # s to wait for a receipt, doubled on each miss
    reconnect: float = 1.0  # s to wait before connecting again, doubled on each miss
    longest: float = 120.0  # s, the most that either grows to


@dataclass(frozen=True, slots=True)
class Flight:
    """A batch that was sent and not yet answered."""

    last_seq: int
    size: int  # bytes
    sent: float  # monotonic s


@dataclass(frozen=True, slots=True)
class Offline:
    """No connection; try again at `retry`."""

    retry: float  # monotonic s
    misses: int = 0  # attempts in a row that failed


@dataclass(frozen=True, slots=True)
class Connecting:
    """An attempt is under way."""

    misses: int


@dataclass(frozen=True, slots=True)
class Online:
    """Connected; `sent` is how far sending went since."""

    sent: int
    flights: tuple[Flight, ...] = ()
    misses: int = 0  # answers in a row that did not come
    went_back: float = -1e9  # monotonic s when a gap last made us go back
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Disputed:
    """The hub's past is not ours; nothing is sent until a person has looked and the agent was started anew."""


Link: TypeAlias = Offline | Connecting | Online | Disputed


@dataclass(frozen=True, slots=True)
class Courier:
    """The whole state."""

    settled: int
    link: Link = field(default=Offline(retry=0.0))
    pace: Pace = Pace()
