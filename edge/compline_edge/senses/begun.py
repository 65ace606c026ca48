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
_RECENT_S: Final = 5.0  # a recording written to within this time is still running
_OPEN_ENDED: Final = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # sizes by which a recorder says "not known yet"


def begun(folder: Path, *, stop: threading.Event) -> Iterator[Path]:
    """Yield each WAV of `folder` and below whose recorder has opened it and not yet closed it, until `stop` is set.

    Only WAV can be read while it grows; other containers are judged when they are complete. Blocks; meant for a thread
    of its own. A finished file that is copied in states its size and is passed over. A call that has just begun when
    the watching does counts too, and so does the first one in a new folder: the system may report the folder alone, and
    before anything is in it, so a new folder is looked into for some seconds.
    """
    given: set[tuple[Path, int]] = set()
    new_folders: dict[Path, float] = {folder: time.monotonic()}
    changes = watchfiles.watch(
        folder,
        stop_event=stop,
        rust_timeout=_TICK_MS,
        yield_on_timeout=True,
        debounce=_TICK_MS,
        step=20,
        raise_interrupt=False,
        ignore_permission_denied=True,
        watch_filter=None,  # a filter that leaves nothing would let a recorder's constant writing starve this loop
    )
    for changed in changes:
        now = time.monotonic()
        added = [Path(name) for change, name in changed if change is watchfiles.Change.added]
        new_folders |= {path: now for path in added if path.is_dir()}
        new_folders = {path: since for path, since in new_folders.items() if now - since < _RECENT_S}
        found = {wav for place in (*added, *new_folders) for wav in _wavs(place) if _recent(wav)}
        for path in sorted(found):
            mark = (path, _inode(path))
            if mark not in given and _open_ended(path):
                given.add(mark)
                yield path


def _wavs(path: Path) -> list[Path]:
    """The WAV itself, or those in a folder and below."""
    inside = path.rglob("*") if path.is_dir() else iter((path,))
    return [file for file in inside if file.suffix.lower() == ".wav" and not file.name.startswith(".")]


def _recent(path: Path) -> bool:
    try:
        return abs(time.time() - path.stat().st_mtime) < _RECENT_S
    except OSError:
        return False


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


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
