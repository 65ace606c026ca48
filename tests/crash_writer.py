"""Records verdicts in a home until it is killed, or kills itself between two steps; prints each seq once it is kept."""

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


def main(home: Path, mode: str, seconds: float) -> None:
    """``mode`` says between which steps to die; ``steady`` writes on until ``seconds`` after the first verdict."""
    with opened(home) as here:
        kept_here = 0
        if mode == "after-evidence":
            here.vault.keep = die  # type: ignore[method-assign]
        elif mode == "after-vault":
            here.outbox.put = die  # type: ignore[method-assign]
        elif mode == "after-outbox":
            here.vault.clear_owed = die  # type: ignore[method-assign]
        elif mode == "careless":  # the control: nothing remembers what is owed
            Vault.clear_owed(here.vault, 2**53)
            keep = here.vault.keep

            def forget(*arguments: object, **named: object) -> object:
                kept = keep(*arguments, **named)  # type: ignore[arg-type]
                Vault.clear_owed(here.vault, kept.verdict.seq)
                die()

            here.vault.keep = forget  # type: ignore[method-assign, assignment]
        while True:
            kept = here.ledger.record(
                draft(), io.BytesIO(b"evidence" * 500), source=f"call {os.getpid()} {kept_here}"
            ).seq
            sys.stdout.write(f"{kept}\n")
            sys.stdout.flush()
            if kept_here == 0:
                threading.Timer(seconds, die).start()
            kept_here += 1


main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
