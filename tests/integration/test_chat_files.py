"""Chat files are read line by line; one bad line never stops the rest."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline_edge.core.conversation import ChatMessage
from compline_edge.core.personal import Account
from compline_edge.core.wecom import TEXT_LIMIT
from compline_edge.senses.chat_files import (
    BrokenLine,
    ChatFileError,
    EmptyChatFile,
    UnreadableChatFile,
    read_chat,
)
from compline_shared.taxonomy import Abstention, Role


def line(content: str, *, sender: str = "LiLei", to: list[str] | None = None, **fields: Any) -> str:
    whole = {
        "msgid": "1",
        "action": "send",
        "from": sender,
        "tolist": ["wm1"] if to is None else to,
        "roomid": "",
        "msgtime": 1_763_860_000_000,
        "msgtype": "text",
        "text": {"content": content},
    }
    return json.dumps(whole | fields, ensure_ascii=False)


def archive(folder: Path, *lines: str) -> Path:
    path = folder / "chat.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def messages(path: Path, *, collector: str | None = None) -> list[ChatMessage]:
    return [found for found in read_chat(path, collector=collector) if isinstance(found, ChatMessage)]


def test_archive_when_a_line_is_broken_then_it_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    path = archive(tmp_path, line("一"), '{"msgid": ', "", line("二"))
    first, broken, second = read_chat(path)
    assert isinstance(first, ChatMessage)
    assert isinstance(second, ChatMessage)
    assert [(m.line, m.text) for m in (first, second)] == [(1, "一"), (4, "二")]
    assert broken == BrokenLine(
        2, "chat.jsonl: line 2 is not valid JSON: export the archive again.", Abstention.UNREADABLE
    )


def test_archive_when_a_message_has_5_mb_then_it_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    path = archive(tmp_path, line("x" * 5_000_000), line("二"))
    broken, second = read_chat(path)
    assert isinstance(broken, BrokenLine)
    assert isinstance(second, ChatMessage)
    assert (broken.line, broken.abstention) == (1, Abstention.TOO_LARGE)
    assert broken.sentence.startswith("chat.jsonl: line 1 has 5.0 MB")
    assert (second.line, second.text) == (2, "二")


def test_archive_when_one_line_has_60_mb_then_memory_stays_within_bounds(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    with path.open("wb") as file:
        for _ in range(60):
            file.write(b"x" * 1_000_000)
    tracemalloc.start()
    found = list(read_chat(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(each) for each in found] == [BrokenLine]
    assert peak < 15e6


@pytest.mark.parametrize(
    ("sender", "to", "collector", "role", "contact"),
    [
        ("LiLei", ["wm1"], None, Role.COLLECTOR, "wm1"),
        ("wm1", ["LiLei"], None, Role.OTHER, "wm1"),
        ("wo1", ["LiLei"], None, Role.OTHER, "wo1"),
        ("wbRobot", ["wm1"], None, Role.UNKNOWN, "wm1"),
        ("LiLei", ["wm1"], "LiLei", Role.COLLECTOR, "wm1"),
        ("HanMei", ["wm1"], "LiLei", Role.UNKNOWN, "wm1"),
        ("HanMei", ["LiLei"], "LiLei", Role.UNKNOWN, "HanMei"),
        ("LiLei", ["wm1", "wm2"], None, Role.COLLECTOR, None),
        ("LiLei", ["HanMei"], None, Role.COLLECTOR, None),
    ],
)
def test_archive_when_somebody_writes_then_role_and_contact_are_told(
    sender: str, to: list[str], collector: str | None, role: Role, contact: str | None, tmp_path: Path
) -> None:
    (message,) = messages(archive(tmp_path, line("好", sender=sender, to=to)), collector=collector)
    assert (message.role, message.contact) == (role, None if contact is None else Account(contact))


def test_archive_when_two_people_answer_each_other_then_it_is_one_conversation(tmp_path: Path) -> None:
    asked, answered, other = messages(
        archive(tmp_path, line("a"), line("b", sender="wm1", to=["LiLei"]), line("c", to=["wm2"]))
    )
    assert asked.conversation == answered.conversation != other.conversation


def test_archive_when_a_message_is_taken_back_then_it_names_it(tmp_path: Path) -> None:
    (message,) = messages(
        archive(tmp_path, line("", msgtype="revoke", revoke={"pre_msgid": "77"}, action="recall"))
    )
    assert (message.recalls, message.type, message.text) == ("77", "revoke", "")


def test_archive_when_it_holds_only_a_switch_then_it_yields_nothing(tmp_path: Path) -> None:
    path = archive(tmp_path, '{"msgid": "1", "action": "switch", "time": 1, "user": "LiLei"}')
    assert list(read_chat(path)) == []


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le-bom", "utf-16-be-bom"]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_text_when_in_any_encoding_then_each_line_is_the_collectors(
    encoding: str, newline: str, tmp_path: Path
) -> None:
    path = tmp_path / "chat.txt"
    words = newline.join(["今天必须还款", "", "  好的，谢谢  ", "OK 𠮷"])
    mark = "\ufeff" if encoding.endswith("-bom") else ""
    path.write_bytes((mark + words).encode(encoding.removesuffix("-bom")))
    assert [(m.line, m.text, m.role, m.sent_at) for m in messages(path)] == [
        (1, "今天必须还款", Role.COLLECTOR, None),
        (3, "好的，谢谢", Role.COLLECTOR, None),
        (4, "OK 𠮷", Role.COLLECTOR, None),
    ]


def long_text(folder: Path, text: str) -> Path:
    path = folder / "chat.txt"
    path.write_text(f"{text}\n好\n", encoding="utf-8")
    return path


def long_archive(folder: Path, text: str) -> Path:
    return archive(folder, line(text), line("好"))


@pytest.mark.parametrize("written", [long_text, long_archive])
@pytest.mark.parametrize(("more", "abstention"), [(0, None), (1, Abstention.TOO_LARGE)])
def test_message_when_its_text_is_beyond_the_limit_then_its_beginning_is_read_and_it_says_so(
    tmp_path: Path, written: Callable[[Path, str], Path], more: int, abstention: Abstention | None
) -> None:
    first, second = messages(written(tmp_path, "啊" * (TEXT_LIMIT + more)))
    assert (len(first.text), first.abstention) == (TEXT_LIMIT, abstention)
    assert (second.text, second.abstention) == ("好", None)


def test_text_when_one_line_is_in_another_encoding_then_it_is_reported_and_the_rest_is_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes("好\n".encode() * 100_000 + b"\xc4\xe3\xff\n" + "完".encode())
    broken, last = list(read_chat(path))[-2:]
    assert isinstance(broken, BrokenLine)
    assert isinstance(last, ChatMessage)
    assert broken.sentence == (
        "chat.txt: line 100001 is not text in UTF-8, UTF-16 or GB18030: save the file as UTF-8."
    )
    assert (last.line, last.text) == (100_002, "完")


def test_text_when_a_character_lies_across_chunks_then_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(("a" + "还" * 70_000).encode("gb18030"))
    (message,) = messages(path)
    assert message.text == "a" + "还" * 70_000


@pytest.mark.parametrize("suffix", [".txt", ".jsonl"])
@pytest.mark.parametrize("content", [b"", b"\n \r\n\t\n", b"\xef\xbb\xbf"])
def test_chat_file_when_it_holds_nothing_then_it_is_empty(
    content: bytes, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"chat{suffix}"
    path.write_bytes(content)
    with pytest.raises(EmptyChatFile, match=r"^chat\.\w+ .*: export the chat again\.$") as caught:
        list(read_chat(path))
    assert caught.value.abstention is Abstention.EMPTY


@pytest.mark.parametrize("suffix", [".txt", ".jsonl"])
def test_chat_file_when_it_is_a_picture_then_it_is_unreadable(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"chat{suffix}"
    path.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 9)
    with pytest.raises(UnreadableChatFile, match=r"^chat\.\w+ is not text: .*\.$"):
        list(read_chat(path))


def test_chat_file_when_it_is_missing_then_a_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(ChatFileError, match=r"^chat\.txt cannot be opened .*\.$"):
        list(read_chat(tmp_path / "chat.txt"))


def test_chat_file_when_it_is_a_pipe_then_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "chat.txt")
    with pytest.raises(UnreadableChatFile, match=r"^chat\.txt is no plain file: .*\.$"):
        list(read_chat(tmp_path / "chat.txt"))
