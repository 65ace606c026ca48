"""Leaves alone what lay on the handset before its present binding, for it is what the former collector said.

Only where the home had a binding before. A file is known by its size and time of change, which outlive a reboot, a
move and a copy that keeps times; device and inode may be others then. What is set aside is names in the vault's memory
of inputs (`Vault.has_seen`):

    former:SIZE-TIME-DEVICE-INODE    a file of before
    former-text:SHA-256              the lines of a chat file of before, and those but for the last
    former-begun:LINES-SIZE-SHA-256  the same lines where the last was unfinished and has more than it by now
    former-folder:QUOTED-PATH        a folder whose files were looked at: what comes into it later is judged
    former-unlisted:QUOTED-PATH      but for this one below it, which could not be listed then: it has a look of its own

Until a folder, or an unlisted one below it, was looked at, each session looks again, and what is of before there is
held back meanwhile. A card that is out and leaves an empty folder behind counts as looked at: nothing tells them apart.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import structlog
from msgspec.structs import replace

from compline_edge.core.beginning import Beginning
from compline_edge.core.conversation import ChatMessage
from compline_edge.ports import Clock
from compline_edge.senses.chat_files import BrokenLine, ChatFileError, LinesSoFar, lines_so_far, read_chat
from compline_edge.senses.watch import Arrival, Sort, changed_of, content_of, existing
from compline_edge.vault.former import beginning_in, keep_beginning
from compline_edge.vault.home import Home

_FILE: Final = "former:"
_TEXT: Final = "former-text:"
_BEGUN: Final = "former-begun:"
_FOLDER: Final = "former-folder:"
_UNLISTED: Final = "former-unlisted:"
_log = structlog.get_logger("compline_edge")


class FormerFiles:
    """What is of before the present binding of a home, whose vault is open."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._beginning = beginning_in(home.binding.folder)

    def settle(
        self, folders: Iterable[Path], *, clock: Clock, go_on: Callable[[], object] = lambda: None
    ) -> int:
        """Set aside the files of before the binding, once for each folder; returns how many were added.

        To be called before anything is judged. A file that changes afterwards is another one and is judged: a recording
        whole, of a chat file what `present` yields. ``go_on`` is called for each file and may raise.

        Raises:
            StorageFull: no room; of this folder nothing was set aside.
        """
        beginning = self._beginning
        if beginning is None:
            return 0
        before = self._count()
        for folder in folders:
            for place in (folder, *self._unlisted_in(folder)):
                self._settle(place, beginning, clock, go_on)
        count = self._count()
        if count != beginning.left_alone:
            self._beginning = replace(beginning, left_alone=count)
            keep_beginning(self._home.binding.folder, self._beginning)
        if count > before:
            _log.info("former_files_left_alone", files=count - before)
        return count - before

    def holds(self, key: str) -> bool:
        """Whether the file of this key is one of before."""
        return self._beginning is not None and bool(self._home.vault.seen_under(f"{_FILE}{content_of(key)}-"))

    def holds_back(self, path: Path, key: str, *, clock: Clock) -> bool:
        """Whether a file that is not set aside may be of before: it lies where nobody could look yet, and is older."""
        if self._beginning is None or self._is_settled(path.parent.resolve()):
            return False
        return self._beginning.follows_file(changed_of(key), now=clock.now())

    def present(self, path: Path, *, collector: str | None) -> Iterator[ChatMessage | BrokenLine]:
        """Yield what `read_chat` does, but for what was written before the binding began.

        That is each message sent before it, and the lines that were a chat file when its folder was settled, in
        whatever file they begin now: plain text carries no times. A line without a time goes with the one before it.
        Where the last line was unfinished then, it is left out with what it got since; where it is another one now,
        those before it are left out. Text of before that comes in another order, in a part or in a file of its own
        cannot be told and is judged, and so is the only line of a file when it gets more: many chats begin alike.

        Raises:
            ChatFileError: as `read_chat`.
        """
        said = read_chat(path, collector=collector)
        return said if self._beginning is None else self._since(self._beginning, path, said)

    def _since(
        self, beginning: Beginning, path: Path, said: Iterable[ChatMessage | BrokenLine]
    ) -> Iterator[ChatMessage | BrokenLine]:
        known = self._known_lines(path)
        left_out, before = 0, False
        for message in said:
            if isinstance(message, ChatMessage) and message.sent_at is not None:
                before = beginning.follows_message(message.sent_at)
            if before or message.line <= known:
                left_out += 1
            else:
                yield message
        if left_out:
            _log.info("former_messages_left_out", messages=left_out)

    def _known_lines(self, path: Path) -> int:
        """How many lines the file begins with that were a chat file of before."""
        texts = {*self._home.vault.seen_under(_TEXT), *self._home.vault.seen_under(_BEGUN)}
        sizes: dict[int, set[int]] = {}
        for name in texts:
            if name.startswith(_BEGUN):
                number, size, _ = name.removeprefix(_BEGUN).split("-")
                sizes.setdefault(int(number), set()).add(int(size))
        known = 0
        for lines in _readable(path) if texts else ():
            begun = (_begun(lines, size) for size in sizes.get(lines.number, ()) if size <= lines.size)
            if _TEXT + lines.digest() in texts or not texts.isdisjoint(begun):
                known = lines.number
        return known

    def _settle(self, folder: Path, beginning: Beginning, clock: Clock, go_on: Callable[[], object]) -> None:
        vault, place = self._home.vault, folder.resolve()
        if vault.has_seen(_mark(_FOLDER, place)):
            return
        names: list[str] = []
        unlisted: set[Path] = set()
        crowded = threading.Event()
        for arrival in existing(place, crowded=crowded.set, unlisted=unlisted.add):
            go_on()
            before = beginning.follows_file(arrival.changed, now=clock.now())
            if before and not vault.has_seen(arrival.key):
                names += _names(arrival)
        if crowded.is_set() or unlisted:
            _log.warning("former_folder_not_looked_through", crowded=crowded.is_set(), unlisted=len(unlisted))
        if (
            not crowded.is_set() and place not in unlisted
        ):  # else what was not seen now comes into sight later
            names += [_mark(_UNLISTED, below) for below in sorted(unlisted)]
            names.append(_mark(_FOLDER, place))
        vault.set_aside(names)

    def _unlisted_in(self, folder: Path) -> list[Path]:
        places = map(_place_of, self._home.vault.seen_under(_UNLISTED))
        return [place for place in places if place.is_relative_to(folder.resolve())]

    def _is_settled(self, folder: Path) -> bool:
        """Whether the nearest look from here upwards saw what lay in the folder."""
        for place in (folder, *folder.parents):
            if self._home.vault.has_seen(_mark(_FOLDER, place)):
                return True
            if self._home.vault.has_seen(_mark(_UNLISTED, place)):
                return False
        return False

    def _count(self) -> int:
        return len(self._home.vault.seen_under(_FILE))


def _mark(sort: str, place: Path) -> str:
    return sort + quote(os.fsencode(place))  # a card may hold names that are no UTF-8


def _place_of(mark: str) -> Path:
    return Path(os.fsdecode(unquote_to_bytes(mark.removeprefix(_UNLISTED))))


def _names(arrival: Arrival) -> Iterator[str]:
    yield f"{_FILE}{content_of(arrival.key)}-{arrival.file}"
    if arrival.sort is Sort.CHAT:
        ends = deque(_readable(arrival.path), maxlen=2)
        yield from (_TEXT + lines.digest() for lines in ends)
        if len(ends) == 2 and not ends[-1].ended:
            yield _begun(ends[-1], ends[-1].size)


def _begun(lines: LinesSoFar, size: int) -> str:
    return f"{_BEGUN}{lines.number}-{size}-{lines.digest(size)}"


def _readable(path: Path) -> Iterator[LinesSoFar]:
    try:
        yield from lines_so_far(path)
    except ChatFileError:
        return
