"""One line of a WeCom message archive, read into one typed message or one refusal (FIELD section 3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from compline_edge.core.personal import Account, ConversationKey
from compline_shared.taxonomy import Abstention

LINE_LIMIT: Final = 5_000_000
"""Bytes of one line beyond which it is refused unread."""

TEXT_LIMIT: Final = 200_000
"""Characters of text judged of one message, whatever file it comes from; WeCom itself stops far below."""

EXTERNAL_SUFFIX: Final = "_external"
"""End of a msgid that marks a chat with somebody outside the company."""

_DEPTH: Final = 8  # chat records within chat records
_ITEMS: Final = 2_000  # items of one message looked at
_SHOWN: Final = 64  # characters of an id or type kept
_LATEST_MS: Final = 2**43  # the year 2248

_BODIES: Final = {
    "docmsg": ("doc", "docmsg"),
    "news": ("info", "news"),
    "markdown": ("info", "markdown"),
    "voiptext": ("info", "voiptext"),
    "qydiskfile": ("info", "qydiskfile"),
    "external_redpacket": ("redpacket", "external_redpacket"),
}
"""Where the body stands if not under the type's own name."""

_WORDS: Final = {
    "text": ("content",),
    "markdown": ("content",),
    "link": ("title", "description"),
    "weapp": ("title", "description", "displayname"),
    "docmsg": ("title",),
    "todo": ("title", "content"),
    "vote": ("votetitle", "voteitem"),
    "collect": ("title", "details"),
    "redpacket": ("wish",),
    "external_redpacket": ("wish",),
    "meeting": ("topic", "address", "remarks"),
    "calendar": ("title", "place", "remarks"),
    "card": ("corpname",),
    "location": ("title", "address"),
    "sphfeed": ("sph_name", "feed_desc"),
    "file": ("filename",),
    "qydiskfile": ("filename",),
}
"""Fields of a body that people read."""

_WORDLESS: Final = frozenset(
    [
        "image",
        "voice",
        "video",
        "emotion",
        "file",
        "meeting_voice_call",
        "voip_doc_share",
        "qydiskfile",
        "voiptext",
        "card",
    ]
)
"""Types whose content is something else than text: the words beside it, if any, are not all of it."""

_CONTROL: Final = frozenset(("agree", "disagree"))
"""Types without content: the contact agrees or declines to be archived."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that somebody sent."""

    line: int
    msgid: str
    external: bool  # somebody outside the company takes part
    sender: Account
    recipients: tuple[Account, ...]
    room: ConversationKey | None
    sent_at: float | None  # Unix s
    type: str
    text: str = field(repr=False)  # "" where it carries none
    abstention: (
        Abstention | None
    )  # UNSUPPORTED: it, or a part of it, is a picture, file, sound or of unknown type


@dataclass(frozen=True, slots=True)
class Recalled:
    """A message taken back; the text that was taken back came under `recalled_msgid`."""

    line: int
    msgid: str
    external: bool
    sender: Account
    recipients: tuple[Account, ...]
    room: ConversationKey | None
    sent_at: float | None  # Unix s
    recalled_msgid: str


@dataclass(frozen=True, slots=True)
class Switched:
    """A member of staff changed companies in the app; no message."""

    line: int
    msgid: str
    at: float | None  # Unix s
    user: Account


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is no message; the sentence holds none of its content."""

    line: int
    sentence: str
    abstention: Abstention  # UNREADABLE or TOO_LARGE


Archived = Sent | Recalled | Switched | Refused


def parse_line(raw: bytes, *, number: int, limit: int = LINE_LIMIT) -> Archived:
    """Read one line of a decrypted archive (UTF-8 JSON object); `number` is its 1-based number.

    Never raises: what cannot be read comes back as `Refused`. Unknown types and odd shapes are tolerated.
    """
    if len(raw) > limit:
        size = f"{len(raw) / 1e6:.1f} MB"
        return Refused(number, too_large(number, size=size, limit=limit), Abstention.TOO_LARGE)
    try:
        record = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return _refused(number, "is not valid JSON: export the archive again")
    if not isinstance(record, dict):
        return _refused(number, "is not a JSON object: a message archive has one object a line")
    if "encrypt_chat_msg" in record:
        return Refused(
            number, f"line {number} is still encrypted: decrypt the archive first.", Abstention.ENCRYPTED
        )
    action = record.get("action", "send")
    msgid = _short(record.get("msgid"))
    if action == "switch":
        return Switched(number, msgid, _seconds(record.get("time")), Account(_short(record.get("user"))))
    sender = record.get("from")
    if not isinstance(sender, str) or not sender:
        return _refused(number, "names no sender: export the archive again")
    kind = _short(record.get("msgtype"))
    if not kind and action != "recall":
        return _refused(number, "names no message type: export the archive again")
    return _message(number, record, msgid, kind, recalled=action == "recall" or kind == "revoke")


def within(text: str) -> tuple[str, Abstention | None]:
    """Return what of a message's text is judged, and that the rest is not, where there is one."""
    return _sound(text[:TEXT_LIMIT]), Abstention.TOO_LARGE if len(text) > TEXT_LIMIT else None


def too_large(number: int, *, size: str, limit: int) -> str:
    """The sentence for a line beyond the limit."""
    return (
        f"line {number} has {size}, more than the {limit / 1e6:g} MB of a message: it was left out, split it."
    )


def _refused(number: int, why: str) -> Refused:
    return Refused(number, f"line {number} {why}.", Abstention.UNREADABLE)


def _message(
    number: int, record: dict[str, object], msgid: str, kind: str, *, recalled: bool
) -> Sent | Recalled:
    room = _short(record.get("roomid"))
    sender = Account(_short(record.get("from")))
    recipients = tuple(
        Account(_short(one)) for one in _items(record.get("tolist")) if isinstance(one, str) and one
    )
    external = msgid.endswith(EXTERNAL_SUFFIX)
    sent_at = _seconds(record.get("msgtime"))
    where = ConversationKey(room) if room else None
    if recalled:
        taken_back = _short(_body(record, "revoke").get("pre_msgid"))
        return Recalled(number, msgid, external, sender, recipients, where, sent_at, taken_back)
    body = _body(record, kind)
    if kind in _CONTROL and sent_at is None:
        sent_at = _seconds(body.get(f"{kind}_time"))
    parts = list(_words(kind, body, depth=0))
    text, cut = within("\n".join(part for part in parts if part is not None))
    abstention = cut or (Abstention.UNSUPPORTED if None in parts else None)
    return Sent(number, msgid, external, sender, recipients, where, sent_at, kind, text, abstention)


def _body(record: dict[str, object], kind: str) -> dict[str, object]:
    for key in _BODIES.get(kind, (kind,)):
        body = record.get(key)
        if isinstance(body, dict):
            return body
    return {}


def _words(kind: str, body: dict[str, object], *, depth: int) -> Iterator[str | None]:
    """Yield the readable text of one body, None for a part that is no text."""
    if depth > _DEPTH:
        yield None
        return
    if kind in _SHAPED:
        yield from _SHAPED[kind](body, depth + 1)
        return
    known = kind in _WORDS or kind in _CONTROL
    if kind in _WORDLESS or not known:
        yield None
    for name in _WORDS.get(kind, () if kind in _WORDLESS or known else ("title", "content")):
        value = body.get(name)
        for part in _items(value) if isinstance(value, list) else (value,):
            if isinstance(part, str) and part.strip():
                yield part
            elif isinstance(part, dict):
                yield from _strings(part, ("ques", "question", "answer", "title"))


def _mixed(body: dict[str, object], depth: int) -> Iterator[str | None]:
    """A message of several parts: each `content` is the part's body, as an object or as a JSON string."""
    for item in _items(body.get("item")):
        if isinstance(item, dict):
            yield from _words(_short(item.get("type")), _inner(item.get("content")), depth=depth)


def _chatrecord(body: dict[str, object], depth: int) -> Iterator[str | None]:
    """A forwarded chat: the types of its items are written `ChatRecordText` and so on."""
    yield from _strings(body, ("title",))
    for item in _items(body.get("item")):
        if isinstance(item, dict):
            kind = _short(item.get("type")).removeprefix("ChatRecord").lower()
            yield from _words(kind, _inner(item.get("content")), depth=depth)


def _news(body: dict[str, object], depth: int) -> Iterator[str | None]:
    del depth
    for item in _items(body.get("item")):
        if isinstance(item, dict):
            yield from _strings(item, ("title", "description"))


def _inner(content: object) -> dict[str, object]:
    if isinstance(content, str):
        try:
            decoded = json.loads(content)
        except (ValueError, RecursionError):
            return {"content": content}
        content = decoded if isinstance(decoded, dict) else {"content": content}
    return content if isinstance(content, dict) else {}


def _strings(body: dict[str, object], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = body.get(name)
        if isinstance(value, str) and value.strip():
            yield value


def _items(value: object) -> list[object]:
    return value[:_ITEMS] if isinstance(value, list) else []


def _short(value: object) -> str:
    return _sound(value[:_SHOWN]) if isinstance(value, str) else ""


def _sound(text: str) -> str:
    """Replace lone surrogates, which JSON can spell and nothing can encode."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _seconds(value: object) -> float | None:
    """Unix seconds from milliseconds, given as a number or as its digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 14:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST_MS:
        return None
    return value / 1000


_SHAPED: Final[dict[str, Callable[[dict[str, object], int], Iterator[str | None]]]] = {
    "mixed": _mixed,
    "chatrecord": _chatrecord,
    "news": _news,
}
"""Types whose body has a shape of its own."""
