"""Turns chats.toml into a WeCom archive of decrypted messages and a plain-text file, with their labels."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from day_bodies import body_of, fingerprint
from day_script import COLLECTOR, OTHER, ScriptError

_LINE = re.compile(r"\+(?P<pause>\d+) (?P<who>\w+)(?:\[(?P<type>\w+)\])?:(?: (?P<body>.*))?")
_CORPORATION: Final = "ww5c1e0a7d3b9f2468"
_MEDIA: Final = frozenset({"image", "voice", "video", "file"})


@dataclass(frozen=True, slots=True)
class Message:
    """One archived message with what a reviewer would call it."""

    record: dict[str, Any]
    role: str
    conversation: str
    contact: str
    case: str
    categories: tuple[str, ...]
    behaviour: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the plain-text file, sent by the collector."""

    words: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chats:
    """Messages in the order of the archive, and the notes."""

    messages: tuple[Message, ...]
    notes: tuple[Note, ...]


def read_chats(path: Path) -> Chats:
    """Read the chats at `path`; messages of all conversations come in the order of their times.

    Raises:
        ScriptError: a line does not parse, or a mark is not in exactly one collector's message.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    stamp = table["date"] + "T{}" + table["timezone"]
    messages = [message for entry in table["conversation"] for message in _conversation(entry, stamp)]
    messages.insert(0, _switch(messages[0]))
    messages.sort(key=lambda message: _time_of(message.record))
    notes = tuple(Note(words, tuple(categories)) for words, categories in table["notes"]["lines"])
    return Chats(tuple(messages), notes)


def write_chats(folder: Path, chats: Chats) -> None:
    """Write `wecom-archive.jsonl` and `notes.txt` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps(message.record, ensure_ascii=False, separators=(",", ":")) for message in chats.messages
    ]
    (folder / "wecom-archive.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "notes.txt").write_text("".join(note.words + "\n" for note in chats.notes), encoding="utf-8")


def label_chats(chats: Chats) -> list[dict[str, Any]]:
    """One entry a line of the two files; lines are counted from 1."""
    archive = [
        {
            "path": "chats/wecom-archive.jsonl",
            "line": number,
            "msgid": message.record["msgid"],
            "msgtype": message.record.get("msgtype", message.record["action"]),
            "conversation": message.conversation,
            "contact": message.contact,
            "case": message.case,
            "role": message.role,
            "categories": list(message.categories),
            "behaviour": list(message.behaviour),
        }
        for number, message in enumerate(chats.messages, start=1)
    ]
    notes = [
        {
            "path": "chats/notes.txt",
            "line": number,
            "role": COLLECTOR,
            "categories": list(note.categories),
            "behaviour": [],
        }
        for number, note in enumerate(chats.notes, start=1)
    ]
    return [*archive, *notes]


def _conversation(entry: dict[str, Any], stamp: str) -> list[Message]:
    room = entry.get("room", "")
    people = {"c": entry["collector"], "o": entry["others"][0], **{name: name for name in entry["others"]}}
    members = [entry["collector"], *entry["others"]]
    clock = datetime.fromisoformat(stamp.format(entry["start"]))
    marks = [tuple(mark) for mark in entry.get("marks", [])]
    lines = [line.strip() for line in entry["script"].splitlines() if line.strip()]
    messages: list[Message] = []
    used = []
    for number, line in enumerate(lines):
        match = _LINE.fullmatch(line)
        if match is None or match["who"] not in people:
            raise ScriptError(f"conversation {entry['id']}: '{line}' is no line; write '+seconds who: words'")
        clock += timedelta(seconds=int(match["pause"]))
        sender, kind, words = people[match["who"]], match["type"] or "text", match["body"] or ""
        role = COLLECTOR if sender == entry["collector"] else OTHER
        time = int(clock.timestamp() * 1000) + 137 * number % 1000
        taken_back = messages[number - int(words)].record["msgid"] if kind == "revoke" else ""
        record = {
            "msgid": _message_id(f"{entry['id']}:{number}", external=not room),
            "action": "recall" if kind == "revoke" else "send",
            "from": sender,
            "tolist": [name for name in members if name != sender],
            "roomid": room,
            "msgtime": time,
            "msgtype": kind,
            **body_of(
                kind, words, sender=sender, time=time, key=f"{entry['id']}:{number}", taken_back=taken_back
            ),
        }
        hits = [mark for mark in marks if role == COLLECTOR and mark[1] in words]
        used += hits
        messages.append(
            Message(
                record=record,
                role=role,
                conversation=entry["id"],
                contact=entry.get("contact", ""),
                case=entry.get("case", ""),
                categories=tuple(dict.fromkeys(category for category, _ in hits)),
                behaviour=_behaviour(kind, role),
            )
        )
    if sorted(used) != sorted(marks):
        raise ScriptError(
            f"conversation {entry['id']}: each mark must stand in exactly one collector's message"
        )
    return messages


def _behaviour(kind: str, role: str) -> tuple[str, ...]:
    if role != COLLECTOR:
        return ()
    if kind == "revoke":
        return ("message_recall",)
    return ("media_sending",) if kind in _MEDIA else ()


def _switch(first: Message) -> Message:
    """The record that WeCom writes when an employee changes corporation: it has another shape."""
    user = first.record["tolist"][0] if first.role != COLLECTOR else first.record["from"]
    time = _time_of(first.record) - 60_000
    record = {"msgid": _message_id("switch", external=False), "action": "switch", "time": time, "user": user}
    return Message(record, COLLECTOR, "", "", "", (), ())


def _message_id(key: str, *, external: bool) -> str:
    digits = str(int(fingerprint(f"{_CORPORATION}:{key}")[:15], 16)).zfill(18)
    return digits + ("_external" if external else "")


def _time_of(record: dict[str, Any]) -> int:
    return int(record.get("msgtime", record.get("time", 0)))
