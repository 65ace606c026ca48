"""The watched folder: recordings and chat files, each once, when the phone has finished writing it."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Final

import watchfiles

from compline_edge.ports import Clock
from compline_edge.senses.containers import SUFFIXES
from compline_shared.errors import ComplineError

CHAT_SUFFIXES: Final = frozenset({".jsonl", ".txt"})
"""Lower-case extensions of chat files."""

MAX_FILES: Final = 200_000
"""Files looked at in one folder tree; those beyond are left alone."""

_UNFINISHED: Final = (
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".pending",
    ".swp",
    ".bak",
)
_TICK_MS: Final = 200
_LOOK_ANYWAY_S: Final = 10.0  # some phones' storage reports no changes


class MissingFolder(ComplineError):
    """The folder to watch does not exist."""


@unique
class Sort(Enum):
    """What an arrival is to be read as."""

    RECORDING = "recording"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One finished file."""

    path: Path
    sort: Sort
    key: str  # names the file's content and no person: device, inode, size, time of change

    @property
    def file(self) -> str:
        """Device and inode: the same while the file grows; given away again once it is deleted."""
        return self.key.rsplit("-", 2)[0]

    @property
    def size(self) -> int:
        """Bytes when it arrived."""
        return int(self.key.rsplit("-", 2)[1], 16)

    @property
    def changed(self) -> float:
        """Unix s of the last change when it arrived."""
        return changed_of(self.key)

    @property
    def unchanged(self) -> bool:
        """Whether the file is there now with the very content that arrived."""
        return key_of(self.path) == self.key


@dataclass(frozen=True, slots=True)
class _State:
    key: str
    since: float  # monotonic s at which the file was first seen in this state


def sort_of(path: Path) -> Sort | None:
    """What a file of this name is read as; None for hidden, unfinished and foreign ones."""
    name = path.name.lower()
    if name.startswith((".", "~", "#")) or name.endswith((*_UNFINISHED, "~")):
        return None
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return Sort.RECORDING
    return Sort.CHAT if suffix in CHAT_SUFFIXES else None


def file_of(status: os.stat_result) -> str:
    """Name the file by device and inode, as `Arrival.file` does."""
    return f"{status.st_dev:x}-{status.st_ino:x}"


def key_of(path: Path) -> str | None:
    """Name the file's present content; None where it has gone or is no plain file."""
    try:
        return _key_of(path)
    except OSError:
        return None


def content_of(key: str) -> str:
    """Name the content of a key by size and time of change, wherever the file lies."""
    return "-".join(key.rsplit("-", 2)[1:])


def changed_of(key: str) -> float:
    """Return the time of change that a key holds, Unix s."""
    return int(key.rsplit("-", 1)[1], 16) / 1e9


def existing(
    folder: Path,
    *,
    crowded: Callable[[], object] = lambda: None,
    unlisted: Callable[[Path], object] = lambda _folder: None,
) -> Iterator[Arrival]:
    """Yield what lies in `folder` and below now, in sorted order, finished or not; links are not followed.

    `crowded` is called where there are more than `MAX_FILES`, and `unlisted` with each folder of which something may
    not have been seen: it is missing, may not be read, or a file went or could not be looked at after it was listed.
    """

    def failed(error: OSError) -> None:
        unlisted(Path(error.filename or folder))

    looked_at = 0
    for parent, folders, names in os.walk(folder, onerror=failed):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            looked_at += 1
            if looked_at > MAX_FILES:
                crowded()
                return
            path = Path(parent, name)
            sort = sort_of(path)
            try:
                key = None if sort is None else _key_of(path)
            except OSError:
                unlisted(Path(parent))
                continue
            if sort is not None and key is not None:
                yield Arrival(path, sort, key)


def watch(
    folder: Path,
    *,
    seen: Container[str],
    stop: threading.Event,
    clock: Clock,
    settle_s: float = 2.0,
    crowded: Callable[[], object] = lambda: None,
) -> Iterator[Arrival]:
    """Yield each file of `folder` and below once it has kept still for `settle_s` s, until `stop` is set.

    Files whose key is in `seen` are passed over: the caller remembers keys durably, after it has kept what
    came of them. A file that changes after it was yielded has a new key and is yielded again. Blocks; meant
    for a thread of its own. `crowded` is called at each look that leaves files alone for their number.

    Raises:
        MissingFolder: there is no such folder.
    """
    if not folder.is_dir():
        raise MissingFolder(f"{folder} is not a folder: create it or name another one to watch.")
    waiting: dict[Path, _State] = {}
    given: set[str] = set()
    changes = watchfiles.watch(
        folder,
        stop_event=stop,
        yield_on_timeout=True,
        rust_timeout=_TICK_MS,
        debounce=_TICK_MS,
        step=50,
        raise_interrupt=False,
        ignore_permission_denied=True,
        watch_filter=None,
    )
    looked: float | None = None
    for changed in changes:
        now = clock.monotonic()
        if changed or looked is None or now - looked >= _LOOK_ANYWAY_S:
            _look(existing(folder, crowded=crowded), waiting, given, seen, now)
            looked = now
        for arrival in _settled(waiting, clock.monotonic(), settle_s):
            given.add(arrival.key)
            if arrival.key not in seen:
                yield arrival
            if stop.is_set():
                return


def _key_of(path: Path) -> str | None:
    status = path.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        return None
    return f"{file_of(status)}-{status.st_size:x}-{max(0, status.st_mtime_ns):x}"


def _look(
    arrivals: Iterator[Arrival],
    waiting: dict[Path, _State],
    given: set[str],
    seen: Container[str],
    now: float,
) -> None:
    for arrival in arrivals:
        if arrival.key in given:
            continue
        if arrival.key in seen:  # asked once: the answer costs the caller a query
            given.add(arrival.key)
            continue
        state = waiting.get(arrival.path)
        if state is None or state.key != arrival.key:
            waiting[arrival.path] = _State(arrival.key, now)


def _settled(waiting: dict[Path, _State], now: float, settle_s: float) -> list[Arrival]:
    """Take the files out of `waiting` that have kept still, in sorted order; those that changed wait anew."""
    still = []
    for path in sorted(waiting):
        state = waiting[path]
        key = key_of(path)
        sort = sort_of(path)
        if key is None or sort is None:
            del waiting[path]
        elif key != state.key:
            waiting[path] = _State(key, now)
        elif now - state.since >= settle_s:
            del waiting[path]
            still.append(Arrival(path, sort, key))
    return still
