"""What a run left on the disk and in the logs, without what is random or a matter of the hour."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RANDOM_NAMES = (
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),  # evidence and drafts of it: 16 random bytes each
    (re.compile(r"(?<=[_.])[A-Za-z0-9]{22,24}\b"), "<nuid>"),  # NATS numbers its consumers anew at each start
)
BROKER_TEXT = (
    (re.compile(r"\[\d+\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+"), "<pid and time>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "<time>"),  # without trailing zeros: even its length varies
    (re.compile(r"\b[A-Z2-7]{56}\b|(?<=Node:     )\w{8}"), "<server>"),  # keys made at start
    (re.compile(r"(?<=127\.0\.0\.1:)\d+"), "<port>"),
    (re.compile(r"(?<= mid:)\d+"), "<connection>"),  # NATS counts clients of its own with them
    (re.compile(r"\$2a\$04\$[./A-Za-z0-9]{53}|sha256:[0-9a-f]{64}"), "<hash>"),  # of passwords, salted
    *RANDOM_NAMES,
    (re.compile(r"\d[\d.]*(?=ms|µs|s\b)(ms|µs|s)"), "<duration>"),  # last: a random name may end as one does
)
BROKER_TEXTS = {".inf", ".log", ".conf"}
ANY_SIZE = {"nats.pid", "index.db"}
"""A process id, and NATS's indexes of its .blk files, which hold as much as the last flush by its timer found."""
CONNECTED = "$MQTT_sess"
"""Where NATS keeps who is connected: 30 bytes more for each that was gone already when it looked."""


def files_under(folder: Path, *parts: str) -> tuple[str, ...]:
    """Name and size of every file in these parts of `folder`; what the broker writes as text, whole."""
    paths = (path for part in parts for path in sorted((folder / part).rglob("*")))
    return tuple(sorted(_shown(path, folder) for path in paths))


def events_in(log: Path, *, without: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Every event of a log but for its time and the fields `without`, sorted: two threads race at the hub's start."""
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    left_out = without | {"timestamp"}
    return tuple(
        sorted(json.dumps({k: v for k, v in event.items() if k not in left_out}) for event in events)
    )


class Written:
    """Names of all files and folders under a folder that the process made or opened for writing, if for a moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._names: set[str] = set()
        self._lock = threading.Lock()

    def names(self) -> tuple[str, ...]:
        """Relative names; random ones replaced."""
        with self._lock:
            return tuple(sorted(self._names))

    def heard(self, event: str, arguments: tuple[object, ...]) -> None:
        """Take in an audit event (PEP 578)."""
        match event, arguments:
            case ("open", (path, _, int(flags))) if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self._keep(path)
            case ("os.mkdir", (path, *_)) | ("sqlite3.connect", (path, *_)):
                self._keep(path)
            case ("os.rename", (_, path, *_)):
                self._keep(path)

    def _keep(self, path: object) -> None:
        name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        if name.startswith(self._folder):
            with self._lock:
                self._names.add(_replaced(name.removeprefix(self._folder), RANDOM_NAMES))


_LISTENING: list[Written] = []


@contextmanager
def watching(folder: Path) -> Iterator[Written]:
    """Keep the names of what this process writes under `folder`."""
    if not _HOOKED.is_set():
        _HOOKED.set()
        sys.addaudithook(_heard)
    written = Written(folder)
    _LISTENING.append(written)
    try:
        yield written
    finally:
        _LISTENING.remove(written)


_HOOKED = threading.Event()
"""Set once the hook is there: it stays for the life of the process."""


def _heard(event: str, arguments: tuple[object, ...]) -> None:
    for written in _LISTENING:
        written.heard(event, arguments)


def _shown(path: Path, folder: Path) -> str:
    name = _replaced(str(path.relative_to(folder)), RANDOM_NAMES)
    if path.is_dir():
        return f"{name}/"
    if path.suffix in BROKER_TEXTS:
        text = path.read_text(encoding="utf-8").replace(str(folder), "<folder>")
        return f"{name} {_replaced(text, BROKER_TEXT)}"
    return name if path.name in ANY_SIZE or CONNECTED in path.parts else f"{name} {path.stat().st_size} bytes"


def _replaced(text: str, replacements: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    for pattern, replacement in replacements:
        text = pattern.sub(replacement, text)
    return text
