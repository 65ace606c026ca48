"""Asks the kernel to treat a connection as one with a little to say over a link that loses much; Linux alone knows how.

Each option is a wish: a kernel that lacks it, or keeps it for root, leaves the connection as it was.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from typing import Final

UNANSWERED: Final = 20_000
"""Milliseconds after which a connection ends on which nothing that was sent was acknowledged (TCP_USER_TIMEOUT).

By itself the kernel would go on for a quarter of an hour. The sign of life of MQTT notices a dead link too, but not one
that is dead in one direction only, upwards, while something comes down now and then.
"""

_TCP_THIN_LINEAR_TIMEOUTS: Final = 16
"""From linux/tcp.h; the socket module has no name for it."""

_OPTIONS: Final[tuple[tuple[int | None, int | bytes], ...]] = (
    # a verdict that is due does not wait until an earlier one was acknowledged
    (getattr(socket, "TCP_NODELAY", None), 1),
    # takes a lost packet for a lost packet, not for a full queue: sends no slower
    (getattr(socket, "TCP_CONGESTION", None), b"bbr"),
    # with under four packets under way the waits are not doubled, six times
    (_TCP_THIN_LINEAR_TIMEOUTS, 1),
    (getattr(socket, "TCP_USER_TIMEOUT", None), UNANSWERED),
)


def tune(connection: socket.socket) -> None:
    """Set what the kernel has of it."""
    if sys.platform != "linux":
        return
    for number, value in _OPTIONS:
        if number is not None:
            with suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, number, value)
