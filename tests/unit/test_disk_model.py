"""The made-up disk loses what real ones may lose, and nothing else; the reader of traces misses nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path, PurePath

import pytest

from tests.disk import (
    Crash,
    Event,
    FailedSync,
    Link,
    Rename,
    Start,
    SyncFile,
    SyncFolder,
    Unlink,
    Write,
    crashes,
)
from tests.strace import Reader

ROOT = PurePath()
EMPTY = Start(folders=frozenset(), files={}, contents={})
A, B = PurePath("a"), PurePath("b")


def contents(crash: Crash) -> dict[str, bytes]:
    return {str(path): bytes(crash.contents.get(file, b"")) for path, file in crash.names.items()}


def after(events: Sequence[Event], start: Start = EMPTY, *, each: int = 40) -> list[dict[str, bytes]]:
    """What the disk may hold once all of it was done."""
    states = crashes(start, events, chance=random.Random(1), step=len(events) + 1, each=each)
    return [contents(crash) for crash in states]


def test_disk_when_file_and_folder_were_synced_then_one_state() -> None:
    assert after([Link(A, 1), Write(1, 0, b"new"), SyncFile(1), SyncFolder(ROOT)]) == [{"a": b"new"}]


def test_disk_when_the_folder_was_not_synced_then_the_name_may_be_lost() -> None:
    assert {} in after([Link(A, 1), Write(1, 0, b"new"), SyncFile(1)])


def test_disk_when_the_file_was_not_synced_then_a_name_may_stand_for_nothing() -> None:
    assert {"a": b""} in after([Link(A, 1), Write(1, 0, b"new"), SyncFolder(ROOT)])


def test_disk_when_a_write_spans_sectors_then_it_may_be_torn() -> None:
    states = after([Link(A, 1), SyncFolder(ROOT), Write(1, 0, b"x" * 1024)])
    assert {"a": b"x" * 512} in states
    assert any(state["a"][512:] == b"x" * 512 and state["a"][:512] != b"x" * 512 for state in states)


def test_disk_when_two_renames_were_not_synced_then_either_may_be_lost() -> None:
    start = Start(folders=frozenset(), files={A: 1, B: 2}, contents={1: b"1", 2: b"2"})
    events = [Rename(A, PurePath("c"), 1), Rename(B, PurePath("d"), 2)]
    states = after(events, start)
    assert {"c": b"1", "b": b"2"} in states
    assert {"a": b"1", "d": b"2"} in states


def test_disk_when_a_removal_was_not_synced_then_the_file_may_be_back() -> None:
    start = Start(folders=frozenset(), files={A: 1}, contents={1: b"1"})
    assert after([Unlink(A, 1)], start) == [{"a": b"1"}, {}]


def test_disk_when_a_sync_failed_then_a_later_one_does_not_bring_back_what_was_written_before() -> None:
    start = Start(folders=frozenset(), files={A: 1}, contents={1: b""})
    events: list[Event] = [Write(1, 0, b"a"), FailedSync(1), Write(1, 1, b"b"), SyncFile(1)]
    states = [state["a"] for state in after(events, start)]
    assert b"ab" in states
    assert any(state[1:] == b"b" and state[:1] != b"a" for state in states)
    assert all(state[1:] == b"b" for state in states)


def test_disk_when_it_is_written_again_after_a_failed_sync_then_a_later_one_counts() -> None:
    start = Start(folders=frozenset(), files={A: 1}, contents={1: b""})
    events: list[Event] = [Write(1, 0, b"a"), FailedSync(1), Write(1, 0, b"a"), SyncFile(1)]
    assert after(events, start) == [{"a": b"a"}]


def test_disk_when_only_what_sqlite_shares_differs_then_it_is_no_other_state() -> None:
    shared = PurePath("a-shm")
    events: list[Event] = [Link(shared, 1), SyncFolder(ROOT), Write(1, 0, b"x")]
    assert len(after(events)) == 1


def line(call: str, *arguments: str, result: str = "0") -> str:
    return f"{call}({', '.join(arguments)}) = {result}"


def text(words: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in words.encode())


FOLDER = Path("/home/某")
OPENED = line(
    "openat",
    "AT_FDCWD<" + text("/") + ">",
    f'"{text("/home/某/a")}"',
    "O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC",
    "0600",
    result=f"7<{text('/home/某/a')}>",
)


def read(*lines: str) -> list[Event]:
    return list(Reader(FOLDER, EMPTY).events(lines))


def test_trace_when_a_file_is_written_synced_and_named_then_these_events() -> None:
    described = f"7<{text('/home/某/a')}>"
    assert read(
        OPENED,
        line("write", described, f'"{text("he")}"', "2", result="2"),
        line("write", described, f'"{text("llo")}"', "3", result="3"),
        line("fsync", described),
        line("rename", f'"{text("/home/某/a")}"', f'"{text("/home/某/b")}"'),
        line("fsync", f"3<{text('/home/某')}>"),
    ) == [
        Link(A, 1),
        Write(1, 0, b"he"),
        Write(1, 2, b"llo"),
        SyncFile(1),
        Rename(A, B, 1),
        SyncFolder(ROOT),
    ]


def test_trace_when_other_folders_are_touched_then_no_event() -> None:
    assert read(line("unlink", f'"{text("/home/other")}"'), line("fsync", f"3<{text('/home')}>")) == []


def test_trace_when_a_call_failed_then_no_event() -> None:
    assert (
        read(line("unlink", f'"{text("/home/某/a")}"', result="-1 ENOENT (No such file or directory)")) == []
    )


def test_trace_when_a_sync_failed_then_it_says_so() -> None:
    described = f"7<{text('/home/某/a')}>"
    failed = line("fdatasync", described, result="-1 EIO (Input/output error) (INJECTED)")
    assert read(OPENED, failed) == [Link(A, 1), FailedSync(1)]


def test_trace_when_a_child_ended_then_no_event() -> None:
    assert (
        read("4711 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---", "4712 +++ exited with 0 +++")
        == []
    )


def test_trace_when_a_call_is_not_modelled_then_it_says_so() -> None:
    with pytest.raises(ValueError, match="sendfile is not modelled"):
        read(line("sendfile", "1", "2", "NULL", "3", result="3"))
