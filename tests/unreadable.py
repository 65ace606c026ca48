"""A database that is open and cannot be read or written: every call on its file and its log fails, until the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol


class Connection(Protocol):
    def execute(self, sql: str, /) -> object: ...


@contextmanager
def unreadable(database: Path, connection: Connection) -> Iterator[None]:
    """Let nothing be read by this process's descriptors of the database; what ``connection`` cached is dropped."""
    names = {str(database), f"{database}-wal"}
    found = [int(each.name) for each in Path("/proc/self/fd").iterdir() if _target(each) in names]
    broken = {number: os.dup(number) for number in found}
    assert broken, "the database is not open"
    nothing = os.open(database, os.O_PATH)
    for number in broken:
        os.dup2(nothing, number, inheritable=False)
    os.close(nothing)
    try:
        connection.execute("PRAGMA shrink_memory")
        yield
    finally:
        for number, sound in broken.items():
            os.dup2(sound, number, inheritable=False)
            os.close(sound)


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:  # that of the listing is closed by now
        return ""
