"""A file system of a few mebibytes, and what fills it; for tests of what a full disk does."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHUNK = 4096


@contextmanager
def small_disk(place: Path, *, mebibytes: int) -> Iterator[Path]:
    """Mount one in memory at ``place`` until the end of the block; skips where that is not allowed."""
    place.mkdir()
    options = f"size={mebibytes}m,mode=0700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("file systems may not be mounted here (root may)")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path, *, leaving: int) -> Path:
    """Write a file until only so many bytes are free; returns it."""
    ballast = place / "ballast"
    with ballast.open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, max(CHUNK, shutil.disk_usage(place).free - leaving))
    return ballast
