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
from itertools import takewhile
from pathlib import Path, PurePath
from typing import Generic, TypeAlias, TypeVar

SECTORS = (512, 4096)
FILLINGS = (0x00, 0xA5)
"""What a gap may hold that was allocated and never written."""
PLAIN = ("nothing", "everything", "names", "data", "newest")
"""What of all that was not synced is there."""


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
class FailedSync:
    """A file's sync gave an error: what was written before may be gone, and no later sync tells of it."""

    file: int


@dataclass(frozen=True, slots=True)
class Mark:
    """The program told somebody of something."""

    text: str


Data: TypeAlias = Write | Truncate
Name: TypeAlias = Link | Rename | Unlink | MakeFolder | RemoveFolder
Event: TypeAlias = Data | Name | SyncFile | SyncFolder | FailedSync | Mark
Loose = TypeVar("Loose", bound=Data | Name)


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
    contents: Mapping[int, bytes | bytearray]
    disk: bytes = b""  # another one for each state that differs in folders, names or bytes

    def write_to(self, root: Path) -> None:
        """Lay the files out below a folder."""
        for folder in sorted(self.folders, key=lambda path: len(path.parts)):
            if folder.parent in self.folders or folder.parent == PurePath():
                (root / folder).mkdir(mode=0o700)
        for path, file in self.names.items():
            if (root / path).parent.is_dir():
                (root / path).write_bytes(self.contents.get(file, b""))


@dataclass(slots=True)
class _Change(Generic[Loose]):
    """One call, and what is known of it."""

    at: int  # its place among all
    event: Loose
    firm: bool = False  # surely on the disk
    doomed: bool = False  # a sync of it failed: a later one does not make it firm


@dataclass(slots=True)
class _File:
    """What surely is in a file, and what came since."""

    content: bytes
    digest: bytes = b""
    since: list[_Change[Data]] = field(default_factory=list)

    def synced(self) -> None:
        for change in self.since:
            change.firm = change.firm or not change.doomed
        firm = list(takewhile(lambda change: change.firm, self.since))
        if firm:
            content = bytearray(self.content)
            for change in firm:
                _write(content, change.event)
            self.content, self.digest = bytes(content), b""
            del self.since[: len(firm)]

    def failed(self) -> None:
        for change in self.since:
            change.doomed = change.doomed or not change.firm


class Disk:
    """A disk as the calls come in, one after another; `crash` says what a cut at this moment may leave."""

    def __init__(self, start: Start) -> None:
        self._folders, self._names = set(start.folders), dict(start.files)
        self._since: list[_Change[Name]] = []  # names that were changed since
        self._files = {file: _File(content) for file, content in start.contents.items()}
        self._told: list[str] = []
        self._cut = 0

    def take(self, event: Event) -> None:
        """Do what a call did."""
        match event:
            case Write() | Truncate():
                self._files.setdefault(event.file, _File(b"")).since.append(_Change(self._cut, event))
            case Link() | Rename() | Unlink() | MakeFolder() | RemoveFolder():
                self._since.append(_Change(self._cut, event))
            case SyncFile(file=file):
                if file in self._files:
                    self._files[file].synced()
            case FailedSync(file=file):
                if file in self._files:
                    self._files[file].failed()
            case SyncFolder(path=folder):
                self._sync_names(folder)
            case Mark(text=text):
                self._told.append(text)
        self._cut += 1

    def crash(self, how: str, chance: random.Random) -> Crash:
        """Cut the power: ``how`` is one of `PLAIN`, ``ordered`` or ``random``."""
        loose = [c for file in self._files.values() for c in file.since if not c.firm]
        names = [c for c in self._since if not c.firm]
        newest = max([c.at for c in loose] + [c.at for c in names], default=-1)
        sector, share = chance.choice(SECTORS), chance.choice((0.1, 0.5, 0.9))
        stopped = chance.choice(loose).at if loose else -1  # where the disk was when the power went
        crash = Crash(self._cut, how, tuple(self._told), set(self._folders), dict(self._names), {})

        def kept(change: _Change[Data] | _Change[Name]) -> bool:
            match how:
                case _ if change.firm:
                    return True
                case "nothing":
                    return False
                case "everything":
                    return True
                case "names":
                    return not isinstance(change.event, Write | Truncate)
                case "data":
                    return isinstance(change.event, Write | Truncate)
                case "newest":
                    return change.at == newest
                case "ordered":
                    return change.at <= stopped or not isinstance(change.event, Write | Truncate)
                case _:
                    return isinstance(change.event, Write) or chance.random() < 0.5

        def torn(change: _Change[Data]) -> bool:
            return not change.firm and (how == "random" or (how == "ordered" and change.at == stopped))

        for named in self._since:
            if kept(named):
                _name(crash, named.event)
        filling = chance.choice(FILLINGS)
        contents: dict[int, bytes | bytearray] = {}
        digests: dict[int, bytes] = {}
        for number in set(crash.names.values()) & self._files.keys():
            file = self._files[number]
            contents[number] = file.content
            if not file.since:
                file.digest = file.digest or hashlib.sha256(file.content).digest()
                digests[number] = file.digest
                continue
            content = bytearray(file.content)
            for change in file.since:
                if not kept(change):
                    continue
                if isinstance(change.event, Write) and torn(change):
                    _tear(content, change.event, sector, share, filling, chance)
                else:
                    _write(content, change.event, filling=0 if change.firm else filling)
            contents[number], digests[number] = content, hashlib.sha256(content).digest()
        crash.contents = contents
        crash.disk = _digest(crash, digests)
        return crash

    def _sync_names(self, folder: PurePath) -> None:
        for change in self._since:
            change.firm = change.firm or change.event.path.parent == folder
        firm = list(takewhile(lambda change: change.firm, self._since))
        whole = Crash(0, "", (), self._folders, self._names, {})
        for change in firm:
            _name(whole, change.event)
        self._folders, self._names = whole.folders, whole.names
        del self._since[: len(firm)]


def crashes(
    start: Start, events: Sequence[Event], *, chance: random.Random, step: int, each: int
) -> Iterator[Crash]:
    """Yield different crash states: at the end and at each ``step``-th cut the plain ones and ``each`` random ones."""
    seen: set[tuple[bytes, tuple[str, ...]]] = set()
    disk = Disk(start)
    for cut in range(len(events) + 1):
        if cut:
            disk.take(events[cut - 1])
        if (len(events) - cut) % step:
            continue
        for how in (*PLAIN, *["random"] * each):
            crash = disk.crash(how, chance)
            if (crash.disk, crash.told) not in seen:
                seen.add((crash.disk, crash.told))
                yield crash


def without_syncs(events: Iterable[Event], kind: type[SyncFile | SyncFolder]) -> list[Event]:
    """Return the trace of the same program without its syncs of one kind."""
    return [event for event in events if not isinstance(event, kind)]


def _digest(crash: Crash, digests: Mapping[int, bytes]) -> bytes:
    """The same for two states of which a program that starts sees no difference; what SQLite shares is made anew."""
    digest = hashlib.sha256("\n".join(sorted(map(str, crash.folders))).encode())
    for path, file in sorted(crash.names.items()):
        if not path.name.endswith("-shm"):
            digest.update(f"\n{path} ".encode() + digests.get(file, b""))
    return digest.digest()


def _write(content: bytearray, event: Data, *, filling: int = 0) -> None:
    match event:
        case Write(at=at, data=data):
            _put(content, at, data, filling)
        case Truncate(size=size):
            del content[size:]
            content.extend(bytes(size - len(content)))


def _tear(
    content: bytearray, event: Write, sector: int, share: float, filling: int, chance: random.Random
) -> None:
    for begin, end in _sectors(event.at, len(event.data), sector):
        if chance.random() < share:
            _put(content, begin, event.data[begin - event.at : end - event.at], filling)


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
