"""Chats that go on from one collector to the next: what the former one wrote is not judged under the present one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compline_edge.former_files import FormerFiles
from compline_edge.judging import Judge
from compline_edge.vault.home import open_home
from compline_shared.lease import HOUR
from compline_shared.taxonomy import Abstention
from tests.homes import SystemClock
from tests.judging_home import arrival_of, judge_over
from tests.successor import first_bound, forget_beginning, put, succeed, unbind

ABUSE = "你就是个老赖\n"
CALM = "您好，请问是张先生吗\n"
BROKEN = '{"msgid": "m2", "action": "send", "from": \n'


def sent(content: str, *, hours: float | None) -> str:
    """A line of an archive, sent so many hours from now; without a time for None."""
    line: dict[str, object] = {
        "msgid": f"m{hours}",
        "action": "send",
        "from": "LiLei",
        "tolist": ["wm1"],
        "roomid": "",
        "msgtype": "text",
        "text": {"content": content.strip()},
    }
    if hours is not None:
        line["msgtime"] = int((time.time() + hours * HOUR) * 1_000)
    return json.dumps(line, ensure_ascii=False) + "\n"


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    """A folder with a plain text and an archive in which the first collector abused somebody."""
    put(tmp_path / "phone" / "a.txt", ABUSE + CALM)
    put(tmp_path / "phone" / "a.jsonl", BROKEN + sent(ABUSE, hours=-2) + sent(ABUSE, hours=None))
    return tmp_path / "phone"


@pytest.fixture
def home(tmp_path: Path, phone: Path) -> Path:
    """A home in its second binding."""
    assert phone.is_dir()
    home = first_bound(tmp_path)
    unbind(home)
    succeed(home, hub_time=int(time.time()))
    return home


@contextmanager
def settled(home: Path, phone: Path) -> Iterator[Judge]:
    """A judge over the second binding, to which the folder's files of before are known."""
    with open_home(home, clock=SystemClock(), outbox_limit=2**24) as here:
        FormerFiles(here).settle([phone], clock=SystemClock())
        yield judge_over(here)


@pytest.fixture
def judge(home: Path, phone: Path) -> Iterator[Judge]:
    with settled(home, phone) as judge:
        yield judge


@pytest.fixture
def careless(home: Path, phone: Path) -> Iterator[Judge]:
    """Broken on purpose: a judge that does not know when the binding began."""
    forget_beginning(home)
    with settled(home, phone) as judge:
        yield judge


def judged(judge: Judge, path: Path) -> list[tuple[int, int]]:
    """Messages and findings of each verdict on a chat file."""
    judge.chat(arrival_of(path))
    assert judge.home.vault.has_seen(arrival_of(path).key)
    return [(verdict.messages, len(verdict.findings)) for verdict in judge.home.vault.verdicts()]


def test_text_when_it_grows_then_only_the_new_lines_are_judged(judge: Judge, phone: Path) -> None:
    assert judged(judge, put(phone / "a.txt", CALM + ABUSE)) == [(2, 1)]


@pytest.mark.parametrize("rest", ["\n", "\r\n", "，还钱\n"], ids=["line feed", "both", "words"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_text_when_its_last_line_was_unfinished_and_it_grows_then_only_the_new_lines_are_judged(
    home: Path, phone: Path, rest: str, encoding: str
) -> None:
    old = CALM + ABUSE.strip()
    put(phone / "c.txt", old.encode(encoding), at=time.time() - HOUR)
    with settled(home, phone) as judge:
        path = put(phone / "b.txt", (old + rest + CALM).encode(encoding))
        assert judged(judge, path) == [(1, 0)]


def test_text_when_its_last_line_was_unfinished_and_is_another_one_then_the_lines_before_are_known(
    home: Path, phone: Path
) -> None:
    put(phone / "c.txt", CALM + ABUSE.strip(), at=time.time() - HOUR)
    with settled(home, phone) as judge:
        assert judged(judge, put(phone / "b.txt", CALM + "还钱\n")) == [(1, 0)]


def test_text_when_its_only_line_was_unfinished_and_has_more_then_it_is_judged(
    home: Path, phone: Path
) -> None:
    put(phone / "c.txt", "您好", at=time.time() - HOUR)
    with settled(home, phone) as judge:
        assert judged(judge, put(phone / "b.txt", "您好，" + ABUSE)) == [(1, 1)]


def test_text_control_when_the_beginning_is_not_known_then_all_lines_would_be_judged(
    careless: Judge, phone: Path
) -> None:
    assert judged(careless, put(phone / "a.txt", CALM)) == [(3, 1)]


def test_text_when_it_is_exported_anew_into_another_file_then_only_the_new_lines_are_judged(
    judge: Judge, phone: Path
) -> None:
    assert judged(judge, put(phone / "b.txt", ABUSE + CALM + CALM)) == [(1, 0)]


def test_text_when_it_is_copied_then_nothing_of_it_is_judged(judge: Judge, phone: Path) -> None:
    assert judged(judge, put(phone / "b.txt", ABUSE + CALM)) == []


def test_text_when_it_begins_otherwise_then_all_lines_are_judged(judge: Judge, phone: Path) -> None:
    assert judged(judge, put(phone / "b.txt", CALM + ABUSE)) == [(2, 1)]


def test_archive_when_it_comes_anew_then_only_messages_sent_since_are_judged(
    judge: Judge, phone: Path
) -> None:
    export = sent(ABUSE, hours=-3) + sent(ABUSE, hours=-1) + sent(CALM, hours=1)
    assert judged(judge, put(phone / "b.jsonl", export)) == [(1, 0)]


def test_archive_control_when_the_beginning_is_not_known_then_older_messages_would_be_judged(
    careless: Judge, phone: Path
) -> None:
    export = sent(ABUSE, hours=-3) + sent(ABUSE, hours=-1) + sent(CALM, hours=1)
    findings = sum(found for _, found in judged(careless, put(phone / "b.jsonl", export)))
    assert findings == 2


def test_archive_when_a_line_tells_no_time_then_it_goes_with_the_one_before(
    judge: Judge, phone: Path
) -> None:
    export = sent(ABUSE, hours=-3) + sent(ABUSE, hours=None) + BROKEN + sent(CALM, hours=1)
    assert judged(judge, put(phone / "b.jsonl", export)) == [(1, 0)]


def test_archive_when_it_grows_then_broken_lines_of_before_are_not_spoken_of_and_new_ones_are(
    judge: Judge, phone: Path
) -> None:
    assert judged(judge, put(phone / "a.jsonl", sent(CALM, hours=1))) == [(1, 0)]
    put(phone / "a.jsonl", BROKEN)
    judge.chat(arrival_of(phone / "a.jsonl"))
    _, unread = judge.home.vault.verdicts()
    assert (unread.abstained, unread.coverage) == (Abstention.UNREADABLE, 50)


@pytest.mark.parametrize("ahead", [-60 * HOUR, 9_000 * HOUR])
def test_message_when_the_clock_was_wrong_at_joining_then_it_is_judged_by_the_hubs(
    tmp_path: Path, phone: Path, ahead: float
) -> None:
    home = first_bound(tmp_path)
    unbind(home)
    succeed(home, ahead=ahead, hub_time=int(time.time()))
    with settled(home, phone) as judge:
        export = sent(ABUSE, hours=-1) + sent(CALM, hours=1)
        assert judged(judge, put(phone / "b.jsonl", export)) == [(1, 0)]
