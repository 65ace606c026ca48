"""Records verdicts in a home until it is killed, again and again; prints each seq once it is kept."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

from compline_edge.vault.store import Vault
from tests.homes import opened
from tests.verdicts import draft


def die(*_: object, **__: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def write(home: Path, mode: str, seconds: float) -> None:
    """``mode`` says between which steps to die; ``steady`` writes on until ``seconds`` after the first verdict."""
    with opened(home) as here:
        if mode == "after-evidence":
            here.vault.keep = die  # type: ignore[method-assign]
        elif mode == "after-vault":
            here.outbox.put = die  # type: ignore[method-assign]
        elif mode == "after-outbox":
            here.vault.clear_owed = die  # type: ignore[method-assign]
        elif mode == "careless":  # the control: nothing remembers what is owed
            keep = here.vault.keep

            def forget(*arguments: object, **named: object) -> object:
                kept = keep(*arguments, **named)  # type: ignore[arg-type]
                Vault.clear_owed(here.vault, kept.verdict.seq)
                die()

            here.vault.keep = forget  # type: ignore[method-assign, assignment]
        count = 0
        while True:
            source = f"call {os.getpid()} {count}"
            kept = here.ledger.record(draft(), io.BytesIO(b"evidence" * 500), source=source).seq
            os.write(1, f"{kept}\n".encode())
            if count == 0:
                threading.Timer(seconds, die).start()
            count += 1


def main(home: Path, mode: str, *seconds: str) -> None:
    """One process a round, forked before anything is open, so that only the first start costs imports."""
    for each in seconds:
        writer = os.fork()
        if writer == 0:
            write(home, mode, float(each))
        _, status = os.waitpid(writer, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            sys.exit(f"a writer ended by itself, status {status}")


main(Path(sys.argv[1]), *sys.argv[2:])
