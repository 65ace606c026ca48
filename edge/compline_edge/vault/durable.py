"""Files and folders that only the agent's user can read and that survive a power cut once written."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import BinaryIO, Final

from compline_edge.vault.errors import StorageFailing, StorageFull

RESERVE: Final = 16 * 2**20
"""Bytes that are to be free before anything is judged: two write-ahead logs of 4 MiB, as much in the databases."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FAILING = {errno.EIO, errno.EROFS, errno.ENXIO, errno.EREMOTEIO}
_PART = 2**20


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
        StorageFailing: the disk fails; which of both stands shows at the next start.
    """
    part = path.with_name(path.name + ".part")
    try:
        with private_file(part) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        part.unlink(missing_ok=True)
        raise named(error) from error
    move_file(part, path)


def move_file(part: Path, path: Path) -> None:
    """Give a file that is whole and synced its name, durably; raises StorageFull, StorageFailing."""
    try:
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise named(error) from error


def private_file(path: Path) -> BinaryIO:
    """Open an empty file for writing, mode 0600, whatever was there before."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable; raises StorageFull, StorageFailing."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    except OSError as error:
        raise named(error) from error
    finally:
        os.close(folder)


def rewrite_log(database: Path) -> None:
    """Write the log that an earlier program left beside a database again, byte for byte, and sync it.

    A sync may have failed before that program ended. Linux takes what it could not write for written: the log reads
    well, later syncs of it succeed, and after a power cut it ends where the disk failed. Only what is written anew is
    written for true. To be called before the database is opened. Raises StorageFull, StorageFailing.
    """
    try:
        with database.with_name(database.name + "-wal").open("r+b", buffering=0) as log:
            while part := log.read(_PART):
                log.seek(-len(part), os.SEEK_CUR)
                log.write(part)
            os.fsync(log.fileno())
    except FileNotFoundError:
        return
    except OSError as error:
        raise named(error) from error


def is_short(folder: Path, *, more: int = 0) -> bool:
    """Whether less than the reserve would be free in a folder's file system once so many more bytes are written."""
    return shutil.disk_usage(folder).free < RESERVE + more


def named(error: OSError) -> Exception:
    """Return StorageFull or StorageFailing for an error that says so, else the error itself."""
    if error.errno in _FULL:
        return StorageFull(
            "The disk has no room left for the vault; free some and start again, nothing kept is lost."
        )
    if error.errno in _FAILING:
        return StorageFailing(StorageFailing.__doc__)
    return error
