"""Files and folders that only the agent's user can read and that survive a power cut once written."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

from compline_edge.vault.errors import StorageFull

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def make_folder(path: Path) -> None:
    """Create a folder with mode 0700, parents too, and make its name durable; an existing one gets the mode."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700)
        sync_folder(folder.parent)
    path.chmod(0o700)


def write_file(path: Path, data: bytes) -> None:
    """Replace a file at once and durably, mode 0600: either the old bytes or the new ones, never a part.

    Raises:
        StorageFull: no room; the old file stands.
    """
    part = path.with_name(path.name + ".part")
    try:
        with private_file(part) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise named(error) from error
    sync_folder(path.parent)


def private_file(path: Path) -> BinaryIO:
    """Open an empty file for writing, mode 0600, whatever was there before."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def named(error: OSError) -> Exception:
    """Return StorageFull for an error that says so, else the error itself."""
    if error.errno in _FULL:
        return StorageFull(
            "The disk has no room left for the vault; free some and start again, nothing kept is lost."
        )
    return error
