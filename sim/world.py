"""Virtual time, chance and the trace: everything that happens in a simulation happens through here, in one order."""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Callable
from typing import Final

EPOCH: Final = 1_794_960_000.0
"""Unix s at which a simulation begins, midnight."""
MINUTE: Final = 60.0
HOUR: Final = 3_600.0
DAY: Final = 86_400.0


class World:
    """A seed's time and chance; the same seed gives the same trace, event for event."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0  # s since the beginning, also what a monotonic clock shows
        self.chance = random.Random(seed)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0  # of two events at one time the one that was planned first comes first
        self._trace = hashlib.blake2b(digest_size=16)

    @property
    def wall(self) -> float:
        """What a wall clock shows, Unix s."""
        return EPOCH + self.now

    @property
    def trace(self) -> str:
        """A digest of all that was noted so far."""
        return self._trace.hexdigest()

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call something later."""
        self._number += 1
        heapq.heappush(self._due, (self.now + seconds, self._number, call))

    def sometimes(self, mean: float, call: Callable[[], None], *, until: float) -> None:
        """Call something again and again until a time, with pauses of this mean in s."""

        def again() -> None:
            if self.now < until:
                call()
                self.after(self.chance.expovariate(1 / mean), again)

        self.after(self.chance.expovariate(1 / mean), again)

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._due and self._due[0][0] <= until:
            self.now, _, call = heapq.heappop(self._due)
            call()
        self.now = until

    def note(self, *what: object) -> None:
        """Put something into the trace."""
        self._trace.update(f"{self.now!r} {what!r}\n".encode())
