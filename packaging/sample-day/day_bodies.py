"""Bodies of WeCom archive messages by type, with made-up but stable digests, sizes and file ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from day_script import ScriptError


@dataclass(frozen=True, slots=True)
class _Given:
    """What a body is made from: the script's parts and the message's circumstances."""

    parts: tuple[str, ...]
    sender: str
    time: int  # ms
    key: str
    taken_back: str

    def part(self, index: int, default: str = "") -> str:
        return self.parts[index] if index < len(self.parts) and self.parts[index] else default

    def stored(self) -> dict[str, Any]:
        return {"md5sum": fingerprint(self.key)[:32], "sdkfileid": "CtYB" + fingerprint("file:" + self.key)}


def body_of(kind: str, words: str, *, sender: str, time: int, key: str, taken_back: str) -> dict[str, Any]:
    """The one field that holds the body of a message of type `kind`; its name differs from the type for some.

    Raises:
        ScriptError: the type is not one that the sample day writes.
    """
    if kind == "text":
        return {"text": {"content": words}}
    given = _Given(tuple(words.split("|")), sender, time, key, taken_back)
    if kind not in _BODIES:
        raise ScriptError(
            f"a chat script names the message type '{kind}'; known are {', '.join(sorted(_BODIES))}"
        )
    field, make = _BODIES[kind]
    return {field: make(given)}


def fingerprint(text: str) -> str:
    """64 hexadecimal digits that depend on `text` alone."""
    return hashlib.sha256(text.encode()).hexdigest()


def _image(given: _Given) -> dict[str, Any]:
    return {**given.stored(), "filesize": int(given.part(0, "65536"))}


def _voice(given: _Given) -> dict[str, Any]:
    seconds = int(given.part(0, "5"))
    return {**given.stored(), "voice_size": seconds * 1600, "play_length": seconds}


def _file(given: _Given) -> dict[str, Any]:
    return {
        **given.stored(),
        "filename": given.part(0),
        "fileext": given.part(1),
        "filesize": int(given.part(2, "1024")),
    }


def _emotion(given: _Given) -> dict[str, Any]:
    return {**given.stored(), "type": 1, "width": 240, "height": 240, "imagesize": 20_480}


def _link(given: _Given) -> dict[str, Any]:
    return {
        "title": given.part(0),
        "description": given.part(1),
        "link_url": given.part(2),
        "image_url": "https://img.example/cover.png",
    }


def _weapp(given: _Given) -> dict[str, Any]:
    return {
        "title": given.part(0),
        "description": given.part(1),
        "username": given.part(2),
        "displayname": given.part(3),
    }


def _chat_record(given: _Given) -> dict[str, Any]:
    items = [
        {
            "type": "ChatRecordText",
            "msgtime": given.time // 1000 - 3600 + 60 * index,
            "content": json.dumps({"content": words}, ensure_ascii=False),
            "from_chatroom": True,
        }
        for index, words in enumerate(given.parts[1:])
    ]
    return {"title": given.part(0), "item": items}


def _mixed(given: _Given) -> dict[str, Any]:
    text = {"type": "text", "content": json.dumps({"content": given.part(0)}, ensure_ascii=False)}
    image = {"type": "image", "content": json.dumps({**given.stored(), "filesize": 40_960})}
    return {"item": [text, image]}


def _meeting(given: _Given) -> dict[str, Any]:
    start = given.time // 1000 + 1800
    return {
        "topic": given.part(0),
        "starttime": start,
        "endtime": start + 1800,
        "address": "线上",
        "remarks": given.part(1),
        "meetingtype": 101,
        "meetingid": int(fingerprint(given.key)[:12], 16),
    }


_BODIES: dict[str, tuple[str, Callable[[_Given], dict[str, Any]]]] = {
    "image": ("image", _image),
    "voice": ("voice", _voice),
    "file": ("file", _file),
    "emotion": ("emotion", _emotion),
    "link": ("link", _link),
    "weapp": ("weapp", _weapp),
    "chatrecord": ("chatrecord", _chat_record),
    "mixed": ("mixed", _mixed),
    "meeting": ("meeting", _meeting),
    "docmsg": (
        "doc",
        lambda given: {"title": given.part(0), "link_url": given.part(1), "doc_creator": given.sender},
    ),
    "markdown": ("info", lambda given: {"content": given.part(0)}),
    "todo": ("todo", lambda given: {"title": given.part(0), "content": given.part(1)}),
    "agree": ("agree", lambda given: {"userid": given.sender, "agree_time": given.time}),
    "revoke": ("revoke", lambda given: {"pre_msgid": given.taken_back}),
}
