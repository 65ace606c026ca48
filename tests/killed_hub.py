"""Does what changes a hub's files, and dies before the n-th change; a process for each, which costs no imports.

    python -m tests.killed_hub

Reads lines of four parts divided by tabs: action, data folder, backup, number of the change. Answers each with the exit
status of the process that did it: 0, or -9 where it was killed.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from compline_hub.core.key_sets import KnownKey
from compline_hub.office import open_hub
from compline_hub.rotation import retire, rotate, rotate_tls, state
from compline_hub.safekeeping import back_up, restore, rotate_escrow
from compline_hub.settings import HubSettings
from compline_hub.store.key_files import KeyFiles

PASSPHRASE = "correct horse battery"


def main() -> None:
    for line in sys.stdin:
        action, data, backup, at = line.rstrip("\n").split("\t")
        child = os.fork() or work(action, Path(data), Path(backup), int(at))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def work(action: str, data: Path, backup: Path, at: int) -> NoReturn:
    os.dup2(2, 1)
    try:
        sys.addaudithook(dying_before(at))
        ACTIONS[action](HubSettings(data_dir=str(data)), backup)
    except BaseException:  # noqa: BLE001 (it may not live on as its parent)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def dying_before(at: int) -> Callable[[str, tuple[object, ...]], None]:
    """Count changes of files and syncs; 0 dies before none."""
    seen = 0

    def count() -> None:
        nonlocal seen
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

    sync = os.fsync

    def counted_sync(handle: int) -> None:
        count()
        sync(handle)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        flags = arguments[2] if event == "open" else 0
        changes = event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir")
        if changes or (isinstance(flags, int) and flags & os.O_CREAT):
            count()

    setattr(os, "fsync", counted_sync)  # noqa: B010 (mypy would have it as it is)
    return hook


def just_open(settings: HubSettings, _backup: Path) -> None:
    with open_hub(settings):
        pass


def end_rotation(settings: HubSettings, _backup: Path) -> None:
    with open_hub(settings) as hub:
        retire(hub, even_so=state(hub).name)


def replace_at_once(name: str) -> Callable[[HubSettings, Path], None]:
    """The control: a key is replaced before anything else knows, and the program dies there."""

    def replace(settings: HubSettings, _backup: Path) -> None:
        keys = KeyFiles(settings.data / "keys")
        keys.stage(name)
        keys.end_rotation(name, staged_is_true=True)
        os.kill(os.getpid(), signal.SIGKILL)

    return replace


ACTIONS: dict[str, Callable[[HubSettings, Path], object]] = {
    "backup": lambda settings, backup: back_up(settings, backup, passphrase=PASSPHRASE, by="ada"),
    "restore": lambda settings, backup: restore(settings, backup, passphrase=PASSPHRASE, by="ada"),
    "rotate": lambda settings, _: rotate_escrow(settings, by="ada"),
    "rotate-tls": lambda settings, _: rotate_tls(settings, by="ada"),
    "open": just_open,
    "retire": end_rotation,
    "broken escrow": replace_at_once("escrow"),
    "broken command": replace_at_once("command"),
    **{
        key.value: lambda settings, _, key=key: rotate(settings, key, by="ada")  # type: ignore[misc]
        for key in KnownKey
    },
}

if __name__ == "__main__":
    main()
