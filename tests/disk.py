"""A disk that loses power: what files may hold afterwards, given the calls that a program made.

Until a file is synced, each sector of each write to it may be there or not, in any order; until a folder is synced, the
same holds of each name that was made, moved or removed in it, whether or not the file behind the name was synced. What
was synced stays. docs/power-cuts.md says where real disks and file systems are kinder than that.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TypeAlias

SECTORS = (512, 4096)
FILLINGS = (0x00, 0xA5)
"""What a gap may hold that was allocated and never written."""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes written into a file."""

    file: int
    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file got another length."""

    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Link:
    """A name was given to a new file."""

    path: PurePath
    file: int


@dataclass(frozen=True, slots=True)
class Rename:
    """A file took another name, in the place of what had it."""

    old: PurePath
    path: PurePath
    file: int


@dataclass(frozen=True, slots=True)
class Unlink:
    """A name was removed."""

    path: PurePath
    file: int


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """A folder was made."""

    path: PurePath


@dataclass(frozen=True, slots=True)
class RemoveFolder:
    """An empty folder was removed."""

    path: PurePath


@dataclass(frozen=True, slots=True)
class SyncFile:
    """A file's bytes are on the disk."""

    file: int


@dataclass(frozen=True, slots=True)
class SyncFolder:
    """A folder's names are on the disk."""

    path: PurePath


@dataclass(frozen=True, slots=True)
class Mark:
    """The program told somebody of something."""

    text: str


Data: TypeAlias = Write | Truncate
Name: TypeAlias = Link | Rename | Unlink | MakeFolder | RemoveFolder
Event: TypeAlias = Data | Name | SyncFile | SyncFolder | Mark


@dataclass(frozen=True, slots=True)
class Start:
    """What was on the disk before, all of it synced."""

    folders: frozenset[PurePath]
    files: Mapping[PurePath, int]
    contents: Mapping[int, bytes]

    @classmethod
    def of(cls, root: Path) -> Start:
        """Read a folder; paths are below it."""
        below = [(path.relative_to(root), path) for path in sorted(root.rglob("*"))]
        files: dict[PurePath, int] = {
            name: number for number, (name, path) in enumerate(below) if path.is_file()
        }
        return cls(
            folders=frozenset(name for name, path in below if path.is_dir()),
            files=files,
            contents={number: (root / name).read_bytes() for name, number in files.items()},
        )


@dataclass(slots=True)
class Crash:
    """What is on the disk when the power comes back."""

    cut: int  # events before it
    how: str
    told: tuple[str, ...]  # marks before the cut
    folders: set[PurePath]
    names: dict[PurePath, int]
    contents: dict[int, bytearray] = field(default_factory=dict)

    def write_to(self, root: Path) -> None:
        """Lay the files out below a folder."""
        for folder in sorted(self.folders, key=lambda path: len(path.parts)):
            if folder.parent in self.folders or folder.parent == PurePath():
                (root / folder).mkdir(mode=0o700)
        for path, file in self.names.items():
            if (root / path).parent.is_dir():
                (root / path).write_bytes(self.contents.get(file, b""))

    @property
    def digest(self) -> bytes:
        """Another one for each state that differs in files or in what was told."""
        lines = [f"{path} {self.contents.get(file, b'').hex()}" for path, file in sorted(self.names.items())]
        whole = "\n".join((*self.told, *sorted(map(str, self.folders)), *lines))
        return hashlib.sha256(whole.encode()).digest()


def crashes(
    start: Start, events: Sequence[Event], *, chance: random.Random, step: int, each: int
) -> Iterator[Crash]:
    """Yield different crash states: at the end and at each ``step``-th cut the plain ones and ``each`` random ones."""
    seen: set[bytes] = set()
    for cut in range(len(events), -1, -step):
        before = events[:cut]
        data, names = _unsynced(before)
        for how in ("nothing", "everything", "names", "data", "newest", *["random"] * each):
            crash = _crash(start, before, how, data, names, chance)
            if crash.digest not in seen:
                seen.add(crash.digest)
                yield crash


def without_syncs(events: Iterable[Event], kind: type[SyncFile | SyncFolder]) -> list[Event]:
    """Return the trace of the same program without its syncs of one kind."""
    return [event for event in events if not isinstance(event, kind)]


def _unsynced(events: Sequence[Event]) -> tuple[set[int], set[int]]:
    """Return the places of the data and of the names that may be lost."""
    data, names = set[int](), set[int]()
    for at, event in enumerate(events):
        match event:
            case Write() | Truncate():
                data.add(at)
            case Link() | Rename() | Unlink() | MakeFolder() | RemoveFolder():
                names.add(at)
            case SyncFile(file=file):
                data -= {i for i in data if events[i].file == file}  # type: ignore[union-attr]
            case SyncFolder(path=folder):
                names -= {i for i in names if events[i].path.parent == folder}  # type: ignore[union-attr]
            case Mark():
                pass
    return data, names


def _crash(
    start: Start, events: Sequence[Event], how: str, data: set[int], names: set[int], chance: random.Random
) -> Crash:
    newest = {max(data | names, default=-1)}
    lost = {
        "nothing": data | names,
        "everything": set[int](),
        "names": data,
        "data": names,
        "newest": (data | names) - newest,
        "random": {at for at in sorted(names) if chance.random() < 0.5},
    }[how]
    torn = data if how == "random" else set[int]()
    crash = Crash(
        cut=len(events),
        how=how,
        told=tuple(event.text for event in events if isinstance(event, Mark)),
        folders=set(start.folders),
        names=dict(start.files),
        contents={file: bytearray(content) for file, content in start.contents.items()},
    )
    filling, sector = chance.choice(FILLINGS), chance.choice(SECTORS)
    for at, event in enumerate(events):
        if at in lost:
            continue
        match event:
            case Write(file=file, at=place, data=written):
                content = crash.contents.setdefault(file, bytearray())
                for begin, end in _sectors(place, len(written), sector):
                    if at not in torn or chance.random() < 0.5:
                        _put(content, begin, written[begin - place : end - place], filling)
            case Truncate(file=file, size=size):
                if at not in torn or chance.random() < 0.5:
                    content = crash.contents.setdefault(file, bytearray())
                    del content[size:]
                    content.extend(bytes(size - len(content)))
            case Link() | Rename() | Unlink() | MakeFolder() | RemoveFolder():
                _name(crash, event)
            case SyncFile() | SyncFolder() | Mark():
                pass
    return crash


def _sectors(at: int, length: int, sector: int) -> Iterator[tuple[int, int]]:
    while length > 0:
        part = min(length, sector - at % sector)
        yield at, at + part
        at, length = at + part, length - part


def _put(content: bytearray, at: int, data: bytes, filling: int) -> None:
    content.extend(bytes([filling]) * (at - len(content)))
    content[at : at + len(data)] = data


def _name(crash: Crash, event: Name) -> None:
    match event:
        case Link(path=path, file=file):
            crash.names[path] = file
        case Rename(old=old, path=path, file=file):
            if crash.names.get(old) == file:
                del crash.names[old]
            crash.names[path] = file
        case Unlink(path=path, file=file):
            if crash.names.get(path) == file:
                del crash.names[path]
        case MakeFolder(path=path):
            crash.folders.add(path)
        case RemoveFolder(path=path):
            crash.folders.discard(path)
            crash.names = {name: file for name, file in crash.names.items() if name.parent != path}
