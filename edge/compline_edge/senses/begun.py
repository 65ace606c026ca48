"""Notices a recording that the phone has just begun to write, so that the call can be judged while it runs."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import watchfiles

_TICK_MS: Final = 100
_HEADER_S: Final = 1.0  # within which a recorder writes its header
_HEADER_BYTES: Final = 4_096
_OPEN_ENDED: Final = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # sizes by which a recorder says "not known yet"


def begun(folder: Path, *, stop: threading.Event) -> Iterator[Path]:
    """Yield each WAV of `folder` and below whose recorder has opened it and not yet closed it, until `stop` is set.

    Only WAV can be read while it grows; other containers are judged when they are complete. A finished file that is
    copied in states its size and is passed over. Blocks; meant for a thread of its own.
    """
    changes = watchfiles.watch(
        folder,
        stop_event=stop,
        rust_timeout=_TICK_MS,
        debounce=_TICK_MS,
        step=20,
        raise_interrupt=False,
        ignore_permission_denied=True,
        watch_filter=lambda change, name: change is watchfiles.Change.added and name.lower().endswith(".wav"),
    )
    for changed in changes:
        for name in sorted(name for _, name in changed):
            path = Path(name)
            if not path.name.startswith(".") and _open_ended(path):
                yield path


def _open_ended(path: Path) -> bool:
    """Whether the header of a WAV leaves the size of its sound open; waits a moment for the header."""
    deadline = time.monotonic() + _HEADER_S
    while time.monotonic() < deadline:
        try:
            with path.open("rb") as file:
                head = file.read(_HEADER_BYTES)
        except OSError:
            return False
        at = head.find(b"data", 12)
        if head[:4] == b"RIFF" and 0 < at <= len(head) - 8:
            return struct.unpack("<I", head[at + 4 : at + 8])[0] in _OPEN_ENDED
        time.sleep(_TICK_MS / 1000)
    return False
