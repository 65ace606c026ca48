"""Runs a program of ours that works under strace, and skips where strace may not attach."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def traced(module: str, *arguments: object, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    """Run `python -m tests.MODULE` to its end; ``timeout`` in s."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.{module}", *map(str, arguments)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if "strace cannot attach here" in done.stderr:
        pytest.skip("strace may not attach to processes here")
    return done
