"""Decides at what time certificates are judged, so that no clock locks a handset out and a stolen old key gains little.

The time is the latest of the handset's clock, the build of this program, and what the hub said last: a clock that was
set back gains nothing. A clock that is years ahead makes good certificates look ended; then the handset asks the hub
for its word, signed over a fresh nonce, and goes by that for a day. A certificate of the hub's authority that begins
later than the handset's time proves that the handset's clock is behind, and is believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from compline_shared.certificates import Certificate

BUILT: Final = 1_795_500_000
"""Unix s before which this program cannot run; each release raises it."""
FRESH: Final = 86_400.0
"""Seconds of running time for which the hub's word on the time is gone by."""


@dataclass(frozen=True, slots=True)
class HubTime:
    """What the hub said of the time."""

    said: float  # Unix s
    heard: float | None  # monotonic s, None where it was in an earlier run

    def fresh(self, monotonic: float) -> bool:
        """Whether it is gone by."""
        return self.heard is not None and 0 <= monotonic - self.heard <= FRESH


@unique
class Standing(Enum):
    """What becomes of the handset's own certificate."""

    GOOD = "good"
    DUE = "due"
    ENDED = "ended"


def present(*, clock: float, monotonic: float, hub: HubTime | None) -> float:
    """Return the time at which certificates are judged, Unix s."""
    if hub is None:
        return max(clock, BUILT)
    if hub.heard is not None and hub.fresh(monotonic):
        return hub.said + monotonic - hub.heard
    return max(clock, BUILT, hub.said)


def standing(own: Certificate, *, at: float) -> Standing:
    """Return whether the handset's own certificate serves, is due for renewal, or has ended."""
    if at > own.not_after:
        return Standing.ENDED
    return Standing.DUE if at >= own.due else Standing.GOOD


def serves(peer: Certificate, *, at: float) -> bool:
    """Return whether a certificate of the hub's authority has not ended."""
    return max(at, peer.not_before) <= peer.not_after


def clock_error(*, clock: float, hub: float) -> int:
    """Return how many whole days the handset's clock is ahead of the hub's (negative: behind)."""
    return int((clock - hub) / 86_400)
