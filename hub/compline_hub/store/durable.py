"""Files that only the hub's user can read and that survive a power cut once written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_PART: Final = 2**20


def write_durably(path: Path, raw: bytes) -> None:
    """Replace a file at once, mode 0600: either the old bytes or the new ones, never a part."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def rewrite_log(database: Path) -> None:
    """Write the log that an earlier program left beside an SQLite database again, byte for byte, and sync it.

    A sync may have failed before that program ended. Linux takes what it could not write for written: the log reads
    well, later syncs of it succeed, and after a power cut it ends where the disk failed. Only what is written anew is
    written for true. To be called while nobody has the database open.
    """
    try:
        with database.with_name(database.name + "-wal").open("r+b", buffering=0) as log:
            while part := log.read(_PART):
                log.seek(-len(part), os.SEEK_CUR)
                log.write(part)
            os.fsync(log.fileno())
    except FileNotFoundError:
        return
