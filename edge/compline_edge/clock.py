"""The machine's own clocks behind the ports."""

from __future__ import annotations

import time
from datetime import datetime, tzinfo
from pathlib import Path

from compline_edge.core.lease import Reading

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """Wall time and monotonic time of this machine."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


class BootClock:
    """Counts for leases: running time is CLOCK_BOOTTIME, which goes on in sleep; the boot is Linux' boot id."""

    def reading(self) -> Reading:
        """Both clocks now."""
        boot_id = bytes.fromhex(_BOOT_ID.read_text().replace("-", "").strip())[:4]
        return Reading(boot_id=boot_id, boot=time.clock_gettime(time.CLOCK_BOOTTIME), wall=time.time())


def local_zone() -> tzinfo:
    """Where this machine's days begin and end."""
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    return zone
