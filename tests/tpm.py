"""A TPM 2.0 in a program of its own, its state below the test's folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

VARIABLE = "TPM2TOOLS_TCTI"
START_S = 10.0


def require_tpm() -> None:
    """Skip where a TPM cannot be had."""
    for program in ("swtpm", "tpm2_nvwrite"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


@contextmanager
def running_tpm(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start swtpm on a socket in ``folder``, with its state there, and let tpm2-tools find it."""
    require_tpm()
    socket, state = folder / "tpm", folder / "tpm-state"
    state.mkdir(parents=True, exist_ok=True)
    before = os.environ.get(VARIABLE)
    program = subprocess.Popen(
        [
            "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}",
            "--server", f"type=unixio,path={socket}", "--ctrl", f"type=unixio,path={socket}.ctrl",
            "--flags", "not-need-init,startup-clear",
        ],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.environ[VARIABLE] = f"swtpm:path={socket}"
    try:
        until = time.monotonic() + START_S
        while subprocess.run(
            ["tpm2_getcap", "handles-nv-index"], capture_output=True, check=False
        ).returncode:
            assert time.monotonic() < until, "swtpm does not start"
            time.sleep(0.02)
        yield program
    finally:
        program.kill()
        program.wait()
        for path in (socket, socket.with_name(socket.name + ".ctrl")):
            path.unlink(missing_ok=True)
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before
