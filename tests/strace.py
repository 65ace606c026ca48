"""Runs work in a child under strace, and reads what it did to one folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePath

from tests.disk import (
    Event,
    FailedSync,
    Link,
    MakeFolder,
    Mark,
    RemoveFolder,
    Rename,
    Start,
    SyncFile,
    SyncFolder,
    Truncate,
    Unlink,
    Write,
)

ATTACH_S = 10.0
CHANGES = (
    "openat,open,creat,write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,fsync,fdatasync,rename,renameat,"
    "renameat2,link,linkat,symlink,unlink,unlinkat,mkdir,mkdirat,rmdir,copy_file_range,sendfile"
)
READ = "pread64"
"""How SQLite reads a page."""
LONGEST_WRITE = 1_000_000
"""Bytes of one write that are recorded."""
MARK_TRIES = 5
MARKED = "/dev/null"
"""What is written there is a mark."""
_CALL = re.compile(r"(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)(?:<.*>)?(?: .*)?$")
_SIGNAL = re.compile(r"(?:\d+ +)?(?:---|\+\+\+) ")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FILE = re.compile(r"^(-?\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>")


def traced(work: Callable[[], None], *options: str) -> int:
    """Do ``work`` in a child that strace watches with these options; returns the status that `os.waitpid` gives."""
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 (the parent must not go on as if nothing had been)
            sys.stderr.write(f"the operation itself failed: {failure!r}\n")
            os._exit(2)
        os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    tracer = subprocess.Popen(["strace", "-qq", *options, "-p", str(child)], stderr=subprocess.DEVNULL)
    until = time.monotonic() + ATTACH_S
    while f"TracerPid:\t{tracer.pid}" not in Path(f"/proc/{child}/status").read_text():
        if time.monotonic() > until or tracer.poll() is not None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            sys.exit("strace cannot attach here")
        time.sleep(0.002)
    os.kill(child, signal.SIGCONT)
    _, status = os.waitpid(child, 0)
    tracer.wait()
    return status


def recorded(
    root: Path, work: Callable[[], None], trace: Path, *, inject: Sequence[str] = (), reads: bool = False
) -> tuple[Start, list[Event]]:
    """Do ``work`` in a child; returns what lay below ``root`` before, and everything that was done to it, in order.

    The work may open nothing below ``root`` before, and may start no thread that writes there; children of its own one
    after another. ``inject`` are faults, as strace takes them; ``reads`` has the reading of pages in the trace too.
    """
    start = Start.of(root)
    faults = [option for fault in inject for option in ("-e", f"inject={fault}")]
    calls = f"{CHANGES},{READ}" if reads else CHANGES
    options = ("-f", "-y", "-xx", "-s", str(LONGEST_WRITE), "-e", f"trace={calls}", "-o", str(trace))
    if traced(work, *options, *faults):
        sys.exit("the operation failed while it was recorded")
    lines = trace.read_text(encoding="ascii").splitlines()
    return start, list(Reader(root, start).events(lines))


def in_a_child(work: Callable[[], None]) -> None:
    """Do ``work`` in a process that then ends as a killed one does: what it has open is not closed first."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 (the parent must not go on as if nothing had been)
            sys.stderr.write(f"the operation itself failed: {failure!r}\n")
            os._exit(2)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError("a child of the operation failed")


def mark(text: str) -> None:
    """Note in the trace that somebody was told of something; a fault that was meant for the disk does not matter."""
    for _ in range(MARK_TRIES):
        with suppress(OSError):
            place = os.open(MARKED, os.O_WRONLY)
            try:
                os.write(place, text.encode())
                return
            finally:
                os.close(place)
    raise RuntimeError("nobody can be told")


class Reader:
    """Turns lines of strace into events of one folder."""

    def __init__(self, root: Path, start: Start) -> None:
        self._root = root
        self._names = dict(start.files)
        self._open: dict[int, tuple[int, int]] = {}  # descriptor -> file, place of the next plain write
        self._next = len(start.files) + max(start.files.values(), default=0) + 1

    def events(self, lines: Iterable[str]) -> Iterator[Event]:
        """Yield what the lines say of the folder."""
        for line in lines:
            if _SIGNAL.match(line):
                continue  # the child's own stop, and its way on; the end of a child of it
            found = _CALL.match(line)
            if found is None:
                raise ValueError(f"not understood: {line[:200]}")
            call, arguments, result = found[1], found[2], int(found[3])
            if call == READ:
                continue
            if result >= 0:
                yield from self._event(call, arguments, result)
            elif call in ("fsync", "fdatasync") and (file := self._file(arguments)) is not None:
                yield FailedSync(file)

    def _event(self, call: str, arguments: str, result: int) -> Iterator[Event]:
        strings = [_plain(text) for text in _STRING.findall(arguments)]
        numbers = [int(n) for n in re.findall(r"(?<=, )-?\d+", _STRING.sub("", arguments))]
        match call:
            case "openat" | "open" | "creat":
                yield from self._opened(self._below(strings[0], arguments), arguments, result)
            case "write" | "pwrite64":
                yield from self._written(call, arguments, strings[0], numbers[-1], result)
            case "ftruncate":
                if (file := self._file(arguments)) is not None:
                    yield Truncate(file, numbers[-1])
            case "fsync" | "fdatasync":
                yield from self._synced(arguments)
            case "rename":
                old, new = (self._below(text, arguments) for text in strings)
                if old is not None and new is not None:
                    yield self._renamed(old, new)
            case "unlink" | "unlinkat" | "mkdir" | "rmdir":
                if (path := self._below(strings[0], arguments)) is not None:
                    yield self._named(call, path, arguments)
            case _:
                raise ValueError(f"{call} is not modelled")

    def _opened(self, path: PurePath | None, arguments: str, descriptor: int) -> Iterator[Event]:
        self._open.pop(descriptor, None)
        if path is None or "O_DIRECTORY" in arguments:
            return
        if path not in self._names:
            if "O_CREAT" not in arguments:
                return  # a folder
            self._names[path] = self._next
            self._next += 1
            yield Link(path, self._names[path])
        elif "O_TRUNC" in arguments:
            yield Truncate(self._names[path], 0)
        self._open[descriptor] = (self._names[path], 0)

    def _written(self, call: str, arguments: str, data: bytes, number: int, result: int) -> Iterator[Event]:
        if _described(arguments)[1] == MARKED.encode():
            yield Mark(data.decode())
        descriptor = _described(arguments)[0]
        if descriptor in self._open:
            file, place = self._open[descriptor]
            at = number if call == "pwrite64" else place
            yield Write(file, at, data[:result])
            if call == "write":
                self._open[descriptor] = (file, place + result)

    def _synced(self, arguments: str) -> Iterator[Event]:
        descriptor, name = _described(arguments)
        path = self._inside(name)
        if descriptor in self._open:
            yield SyncFile(self._open[descriptor][0])
        elif path is not None:
            yield SyncFolder(path)

    def _renamed(self, old: PurePath, new: PurePath) -> Event:
        self._names[new] = self._names.pop(old)
        return Rename(old, new, self._names[new])

    def _named(self, call: str, path: PurePath, arguments: str) -> Event:
        if call == "mkdir":
            return MakeFolder(path)
        if call == "rmdir" or "AT_REMOVEDIR" in arguments:
            return RemoveFolder(path)
        return Unlink(path, self._names.pop(path))

    def _file(self, arguments: str) -> int | None:
        opened = self._open.get(_described(arguments)[0])
        return opened[0] if opened else None

    def _below(self, name: bytes, arguments: str) -> PurePath | None:
        """The place below the root; a relative name counts from the folder that the call names first."""
        first = _FILE.match(arguments)
        return self._inside(os.path.join(_plain(first[2]) if first else b"", name))  # noqa: PTH118 (bytes)

    def _inside(self, name: bytes) -> PurePath | None:
        path = PurePath(os.fsdecode(name))
        return path.relative_to(self._root) if path.is_relative_to(self._root) else None


def _described(arguments: str) -> tuple[int, bytes]:
    found = _FILE.match(arguments)
    if found is None or found[1] == "AT_FDCWD":
        return -1, b""
    return int(found[1]), _plain(found[2])


def _plain(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))
