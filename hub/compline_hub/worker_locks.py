"""Says which workers run: each holds the lock file of its number in the data folder."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from compline_hub.core.shares import FIRST, MOST
from compline_hub.errors import HubBusy
from compline_hub.settings import HubSettings

_TRIES, _PAUSE_SECONDS = 5, 0.1


@contextmanager
def only_worker(settings: HubSettings, number: int) -> Iterator[None]:
    """Be the worker of a number; raises HubBusy while another process is."""
    with _worker_file(settings, number).open("w") as lock:
        for left in reversed(range(_TRIES)):  # a hub that looks who runs holds it for a moment
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if not left:
                    raise HubBusy(f"Worker {number} runs already; choose another number.") from error
                time.sleep(_PAUSE_SECONDS)
            else:
                break
        yield


def absent_workers(settings: HubSettings) -> set[int]:
    """Return the numbers of the workers that the settings ask for and that do not run now."""
    return {n for n in range(FIRST + 1, settings.workers + 1) if _is_free(settings, n)}


def gone_workers(settings: HubSettings) -> set[int]:
    """Return the numbers that a worker ever had, or was to have, in this data folder and that none has now.

    The settings need not ask for them any more.
    """
    known = (n for n in range(FIRST + 1, MOST + 1) if _worker_file(settings, n).exists())
    return {n for n in known if _is_free(settings, n)}


def _is_free(settings: HubSettings, number: int) -> bool:
    with suppress(OSError), _worker_file(settings, number).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return True
    return False


def _worker_file(settings: HubSettings, number: int) -> Path:
    return settings.data / f"worker-{number}.lock"
