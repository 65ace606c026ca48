"""Chat exports read message by message: WeCom archives (.jsonl) and plain text (.txt)."""

from __future__ import annotations

import codecs
import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from compline_edge.core.conversation import ChatMessage, key_of
from compline_edge.core.personal import Account, ConversationKey
from compline_edge.core.wecom import (
    LINE_LIMIT,
    Archived,
    Recalled,
    Refused,
    Sent,
    Switched,
    parse_line,
    too_large,
    within,
)
from compline_shared.errors import ComplineError
from compline_shared.taxonomy import Abstention, Role

_CHUNK: Final = 65_536
_SAMPLE: Final = 262_144  # bytes looked at to tell a text's encoding
_OUTSIDE: Final = ("wo", "wm")  # how WeCom's ids of people outside the company begin
_ROBOT: Final = "wb"


class ChatFileError(ComplineError):
    """A chat file of which nothing can be read; `abstention` says why it was not judged."""

    abstention = Abstention.UNREADABLE


class EmptyChatFile(ChatFileError):
    """No bytes, or nothing but blanks."""

    abstention = Abstention.EMPTY


class UnreadableChatFile(ChatFileError):
    """Not text, missing or not permitted."""


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that could not be read; the sentence names file and line and holds none of its content."""

    line: int  # 1-based
    sentence: str
    abstention: Abstention


@dataclass(frozen=True, slots=True)
class LinesSoFar:
    """The first lines of a chat file, by which two files are told to begin alike or not."""

    number: int  # of lines
    size: int  # bytes of the last of them, as UTF-8
    ended: bool  # whether that one ends in a line break
    _before: hashlib._Hash  # of the lines before it
    _last: bytes

    def digest(self, size: int | None = None) -> str:
        """Return their SHA-256 in hex; with ``size``, as if the last line were cut off after so many bytes."""
        whole = self._before.copy()
        whole.update(b"%d\n%b" % (self.size if size is None else size, self._last[:size]))
        return whole.hexdigest()


def read_chat(
    path: Path, *, collector: str | None = None, line_limit: int = LINE_LIMIT
) -> Iterator[ChatMessage | BrokenLine]:
    """Yield the messages of a chat file in the order of its lines; a broken line does not stop the rest.

    `.jsonl` is a WeCom archive, anything else plain text with one message of the collector a line (UTF-8,
    UTF-16 with a byte order mark, GB18030). `collector` is the collector's own userid, where it is known;
    without it everybody whose id is not one of an outside person counts as the collector. No line is held
    beyond `line_limit` bytes.

    Raises:
        EmptyChatFile: the file holds nothing.
        UnreadableChatFile: it cannot be opened or read to its end, or is not text.
    """
    with _opened(path) as file, _reading(path.name):
        encoding = _encoding(path.name, file)
        archive = path.suffix.lower() == ".jsonl"
        empty = True
        for number, raw, size, _ in _lines(file, encoding, line_limit):
            empty = empty and not raw.strip()
            if size > line_limit:
                sentence = too_large(number, size=f"{size / 1e6:.1f} MB", limit=line_limit)
                yield BrokenLine(number, f"{path.name}: {sentence}", Abstention.TOO_LARGE)
            elif archive and raw.strip():
                yield from _archived(path.name, parse_line(raw, number=number, limit=line_limit), collector)
            elif raw.strip():
                yield _plain(path.name, number, raw, collector)
        if empty:
            raise EmptyChatFile(f"{path.name} holds no message: export the chat again.")


def lines_so_far(path: Path, *, line_limit: int = LINE_LIMIT) -> Iterator[LinesSoFar]:
    """Yield after each line of a chat file all lines so far.

    Raises:
        EmptyChatFile, UnreadableChatFile: as `read_chat`.
    """
    so_far = hashlib.sha256()
    with _opened(path) as file, _reading(path.name):
        for number, raw, size, ended in _lines(file, _encoding(path.name, file), line_limit):
            yield LinesSoFar(number, size, ended, so_far.copy(), raw)
            so_far.update(b"%d\n%b" % (size, raw))


def _opened(path: Path) -> BinaryIO:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableChatFile(
                f"{path.name} is no plain file: name a chat export, or a folder of them."
            )
        return path.open("rb")
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise UnreadableChatFile(
            f"{path.name} cannot be opened ({reason}): check that it may be read."
        ) from error


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise UnreadableChatFile(
            f"{name} cannot be read to its end ({reason}): check the storage or export the chat again."
        ) from error


def _encoding(name: str, file: BinaryIO) -> str:
    """Tell the encoding by byte order mark, else by what the beginning can be decoded as."""
    sample = file.read(_SAMPLE)
    file.seek(0)
    if not sample:
        raise EmptyChatFile(f"{name} is empty: export the chat again.")
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if sample.startswith(mark):
            return encoding
    if b"\x00" in sample:
        raise UnreadableChatFile(f"{name} is not text: check the file or export the chat again.")
    for encoding in ("utf-8", "gb18030"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeDecodeError:
            continue
        return encoding
    return "utf-8"


def _lines(file: BinaryIO, encoding: str, limit: int) -> Iterator[tuple[int, bytes, int, bool]]:
    """Yield (1-based number, UTF-8 bytes, size in bytes, has ended); of a line above the limit only the beginning."""
    number, kept, size = 1, bytearray(), 0
    for chunk in _utf8(file, encoding):
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            kept += piece[: max(0, limit + 1 - len(kept))]
            yield number, bytes(kept), size + len(piece), True
            number, kept, size = number + 1, bytearray(), 0
        kept += rest[: max(0, limit + 1 - len(kept))]
        size += len(rest)
    if size:
        yield number, bytes(kept), size, False


def _utf8(file: BinaryIO, encoding: str) -> Iterator[bytes]:
    """Yield the file in chunks, turned into UTF-8 where it is something else, without byte order mark."""
    if encoding == "utf-8":
        first = file.read(_CHUNK).removeprefix(codecs.BOM_UTF8)
        while first:
            yield first
            first = file.read(_CHUNK)
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    while chunk := file.read(_CHUNK):
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _plain(name: str, number: int, raw: bytes, collector: str | None) -> ChatMessage | BrokenLine:
    try:
        text, cut = within(raw.decode("utf-8").strip())
    except UnicodeDecodeError:
        sentence = f"{name}: line {number} is not text in UTF-8, UTF-16 or GB18030: save the file as UTF-8."
        return BrokenLine(number, sentence, Abstention.UNREADABLE)
    return ChatMessage(
        line=number,
        msgid="",
        conversation=ConversationKey(""),
        sender=Account(collector) if collector else None,
        contact=None,
        sent_at=None,
        text=text,
        role=Role.COLLECTOR,
        type="text",
        external=False,
        recalls=None,
        abstention=cut,
    )


def _archived(name: str, archived: Archived, collector: str | None) -> Iterator[ChatMessage | BrokenLine]:
    match archived:
        case Refused(line, sentence, abstention):
            yield BrokenLine(line, f"{name}: {sentence}", abstention)
        case Sent():
            yield _message(archived, collector, archived.text, archived.type, None, archived.abstention)
        case Recalled():
            yield _message(archived, collector, "", "revoke", archived.recalled_msgid, None)
        case Switched():
            return


def _message(
    said: Sent | Recalled,
    collector: str | None,
    text: str,
    kind: str,
    recalls: str | None,
    abstention: Abstention | None,
) -> ChatMessage:
    sender = said.sender.reveal()
    others = [recipient.reveal() for recipient in said.recipients]
    outside = {account for account in (sender, *others) if _is_outside(account)}
    return ChatMessage(
        line=said.line,
        msgid=said.msgid,
        conversation=said.room if said.room is not None else key_of(sender, *others),
        sender=said.sender,
        contact=_contact(sender, outside, others, collector),
        sent_at=said.sent_at,
        text=text,
        role=_role(sender, collector),
        type=kind,
        external=said.external or bool(outside),
        recalls=recalls,
        abstention=abstention,
    )


def _role(sender: str, collector: str | None) -> Role:
    if collector is not None and sender == collector:
        return Role.COLLECTOR
    if _is_outside(sender):
        return Role.OTHER
    return Role.COLLECTOR if collector is None and not sender.startswith(_ROBOT) else Role.UNKNOWN


def _contact(sender: str, outside: set[str], others: list[str], collector: str | None) -> Account | None:
    """The outside sender, the one outside person, or the named collector's only partner."""
    if sender in outside:
        return Account(sender)
    if len(outside) == 1:
        return Account(next(iter(outside)))
    partners = {sender, *others} - {collector}
    if not outside and collector is not None and len(partners) == 1:
        return Account(next(iter(partners)))
    return None


def _is_outside(account: str) -> bool:
    return account.startswith(_OUTSIDE)
