"""The machine's own clocks behind the Clock port."""

from __future__ import annotations

import time


class SystemClock:
    """Wall time and monotonic time of this machine."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()
