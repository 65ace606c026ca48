"""The few small files of a binding's life, and the one way to change them together.

    1. each new file is written and synced beside the old one, as NAME.next; `life.next` is always among them
    2. slot.put(key, account, SHA-256 of life.next)        from here on the new files are true
    3. NAME.next takes its NAME, and what is no longer needed is removed

A start finds the slot's digest in `life` (step 2 never happened: the .next files go) or in `life.next` (it did: step 3
is done again). Where it finds neither, somebody put files back. No two commits share a revision.

    life    = "CLF2" + revision (8 bytes, big-endian) + the record (`core.binding_life`)
    reserve = room that is given up when the disk is full, so that a full disk does not keep a vault from freezing
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from compline_edge.core.binding_life import MAX_RECORD, Life, Wiped, Wiping, read_life, write_life
from compline_edge.core.earlier_life import read_earlier_life
from compline_edge.core.lease import Account
from compline_edge.ports import KeySlot
from compline_edge.vault.durable import sync_folder, write_file
from compline_edge.vault.errors import FilesPutBack, NotEnrolled, StorageFull
from compline_edge.vault.slot_record import SlotRecord, digest_of, read_record, write_record
from compline_shared.errors import MalformedFrame

SECRET: Final = "secret"  # noqa: S105 (a file name)
WRAP: Final = "vault.wrap"
FROZEN: Final = "vault.frozen"
RESERVE_BYTES: Final = 65_536
_LIFE: Final = "life"
_RESERVE: Final = "reserve"
_NEXT: Final = ".next"
_MAGIC: Final = b"CLF2"
_EARLIER: Final = b"CLF1"
"""How a file began before policy named categories; the next commit writes it as now."""
_REVISION: Final = 8
_LONGEST: Final = len(_MAGIC) + _REVISION + MAX_RECORD


def true_file(folder: Path, slot: KeySlot) -> tuple[bytes, SlotRecord | None]:
    """Return the record's file that is true, and what the slot holds, None once it was destroyed; touches nothing.

    Raises:
        FilesPutBack: the files are not those that the slot knows.
        NotEnrolled: there is no record.
    """
    now, following = _bounded(folder / _LIFE), _bounded(folder / (_LIFE + _NEXT))
    if not slot.holds:
        if now is None:
            raise NotEnrolled("This binding was never finished; pair this handset anew.")
        return now, None
    record = read_record(slot.get())
    for file in (following, now):
        if file is not None and record.fits(file):
            return file, record
    raise FilesPutBack(FilesPutBack.__doc__)


def life_in(file: bytes) -> Life:
    """Return the record that a file holds; raises FilesPutBack where it holds none."""
    magic, record = file[: len(_MAGIC)], file[len(_MAGIC) + _REVISION :]
    if magic not in (_MAGIC, _EARLIER):
        raise FilesPutBack(FilesPutBack.__doc__)
    try:
        return read_life(record) if magic == _MAGIC else read_earlier_life(record)
    except MalformedFrame:
        raise FilesPutBack(FilesPutBack.__doc__) from None


class LifeFiles:
    """A binding's record with its slot; the files of one folder."""

    def __init__(self, folder: Path, slot: KeySlot) -> None:
        """Read what is true and finish the commit that a crash cut off.

        Raises:
            FilesPutBack: the files are not those that the slot knows.
            NotEnrolled: there is no record.
        """
        self._folder = folder
        self.slot = slot
        self._record: SlotRecord | None = None
        self._file = self._settle()
        self.life = life_in(self._file)
        if self._record is None and not isinstance(self.life.stage, Wiping | Wiped):
            raise FilesPutBack("The key slot (vault.slot) of this binding is empty: pair this handset anew.")

    @classmethod
    def begin(
        cls,
        folder: Path,
        slot: KeySlot,
        life: Life,
        *,
        key: bytes,
        account: Account,
        files: Mapping[str, bytes],
    ) -> LifeFiles:
        """Make the first record of a binding; one that a crash cut off before is made anew."""
        file = _written(life, revision=1)
        for name, content in {**files, _RESERVE: bytes(RESERVE_BYTES), _LIFE: file}.items():
            write_file(folder / name, content)
        slot.put(write_record(SlotRecord(key, account, digest_of(file))))
        return cls(folder, slot)

    @property
    def slot_record(self) -> SlotRecord:
        """What the slot holds; raises FilesPutBack once it was destroyed."""
        if self._record is None:
            raise FilesPutBack(FilesPutBack.__doc__)
        return self._record

    def read(self, name: str) -> bytes:
        """Return a small file's bytes; raises FilesPutBack where it is missing."""
        content = _bounded(self._folder / name)
        if content is None:
            raise FilesPutBack(
                f"The file {name} of this binding is missing: put it back, or pair this handset anew."
            )
        return content

    def commit(
        self,
        life: Life,
        *,
        account: Account | None = None,
        key: bytes | None = None,
        files: Mapping[str, bytes] | None = None,
        gone: Iterable[str] = (),
    ) -> None:
        """Make a record true together with its files, account and slot key; ``gone`` names files that end with it.

        Raises:
            StorageFull: no room; what was true is true.
        """
        before = self.slot_record
        file = _written(life, revision=self._revision + 1)
        staged = {**(files or {}), _LIFE: file}
        after = SlotRecord(key or before.key, account or before.account, digest_of(file))
        try:
            for name, content in staged.items():
                self._write(name + _NEXT, content)
            self._put(after)
        except BaseException:  # whether the slot took it or not: what it holds says what is true
            self._file = self._settle()
            self.life = life_in(self._file)
            raise
        self._record, self._file, self.life = after, file, life
        self._name_staged()
        self.remove(*gone)

    def count(self, account: Account) -> None:
        """Make an account true, and nothing else; raises StorageFull."""
        after = replace(self.slot_record, account=account)
        self._put(after)
        self._record = after

    def destroy(self) -> None:
        """Destroy the slot's content; only a wiping or wiped record is true from then on."""
        self.slot.destroy()
        self._record = None

    def end(self, life: Life) -> None:
        """Write the record of a wiped binding, which no slot guards any more."""
        file = _written(life, revision=self._revision + 1)
        self._write(_LIFE, file)
        self._file, self.life = file, life

    def give_up_reserve(self) -> None:
        """Make room on a full disk for what must be written now; `keep_reserve` takes it back."""
        self.remove(_RESERVE)

    def keep_reserve(self) -> None:
        """Keep room for the next full disk, where there is any."""
        path = self._folder / _RESERVE
        if not path.exists() or path.stat().st_size < RESERVE_BYTES:
            with suppress(StorageFull):
                write_file(path, bytes(RESERVE_BYTES))

    def remove(self, *names: str) -> None:
        """Remove files durably; those that are not there do not matter."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)
        sync_folder(self._folder)

    def _write(self, name: str, content: bytes) -> None:
        self._with_room(lambda: write_file(self._folder / name, content))

    def _put(self, record: SlotRecord) -> None:
        self._with_room(lambda: self.slot.put(write_record(record)))

    def _with_room(self, write: Callable[[], None]) -> None:
        """Write, on a full disk into the room of the reserve."""
        try:
            write()
        except StorageFull:
            if not (self._folder / _RESERVE).exists():
                raise
            self.give_up_reserve()
            write()

    @property
    def _revision(self) -> int:
        return int.from_bytes(self._file[len(_MAGIC) : len(_MAGIC) + _REVISION], "big")

    def _settle(self) -> bytes:
        file, self._record = true_file(self._folder, self.slot)
        if self._record is not None and file == _bounded(self._folder / (_LIFE + _NEXT)):
            self._name_staged()
        else:
            self._drop_staged()
        return file

    def _name_staged(self) -> None:
        """Let the staged files take their names, the record last: it is what a start looks at.

        The others' names are durable before it gets its own, for no rule says that a disk keeps two renames in order.
        """
        following = self._folder / (_LIFE + _NEXT)
        others = [path for path in self._staged() if path != following]
        for staged in (others, [following]):
            for path in staged:
                path.replace(path.with_name(path.name.removesuffix(_NEXT)))
            if staged:
                sync_folder(self._folder)

    def _drop_staged(self) -> None:
        for path in self._staged():
            path.unlink(missing_ok=True)

    def _staged(self) -> list[Path]:
        return sorted(self._folder.glob("*" + _NEXT))


def _bounded(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST + 1)
    except FileNotFoundError:
        return None


def _written(life: Life, *, revision: int) -> bytes:
    return _MAGIC + revision.to_bytes(_REVISION, "big") + write_life(life)
