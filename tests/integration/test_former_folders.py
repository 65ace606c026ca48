"""Folders that could not be looked through at first when another collector got the handset: a card was out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from compline_edge.core.beginning import Beginning
from compline_edge.former_files import FormerFiles
from compline_edge.senses.watch import existing
from compline_edge.vault.former import keep_beginning
from compline_edge.vault.home import Home, open_home
from tests.branch import until
from tests.homes import SystemClock
from tests.successor import SUCCESSOR, ShiftedTime, first_bound, put, succeed, unbind, working

ABUSE = "你就是个老赖\n"
CALM = "您好，请问是张先生吗\n"
DAY = 86_400


@dataclass(slots=True)
class Storage:
    """The system's view of folders, some of which cannot be listed now (root may list all that are there)."""

    scan: Callable[[str], Any]
    shut: set[Path] = field(default_factory=set)

    def __call__(self, folder: str) -> Any:
        if Path(folder) in self.shut:
            raise PermissionError(13, "Permission denied", folder)
        return self.scan(folder)


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Storage:
    storage = Storage(os.scandir)
    monkeypatch.setattr("os.scandir", storage)
    return storage


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    """A folder with what the first collector left in it, and in one below it."""
    was_there(tmp_path / "phone" / "a.txt")
    was_there(tmp_path / "phone" / "card" / "b.txt", ABUSE * 2)
    return tmp_path / "phone"


@pytest.fixture
def home(tmp_path: Path, phone: Path) -> Path:
    assert phone.is_dir()
    home = first_bound(tmp_path)
    unbind(home)
    succeed(home)
    return home


@pytest.fixture
def here(home: Path) -> Iterator[Home]:
    with open_home(home, clock=SystemClock()) as here:
        yield here


def was_there(path: Path, content: str = ABUSE) -> Path:
    return put(path, content, at=time.time() - DAY)


def settle(here: Home, *folders: Path, go_on: Callable[[], object] = lambda: None) -> int:
    return FormerFiles(here).settle(folders, clock=SystemClock(), go_on=go_on)


def set_aside(here: Home, folder: Path) -> list[str]:
    former = FormerFiles(here)
    return [arrival.path.name for arrival in existing(folder) if former.holds(arrival.key)]


def held_back(here: Home, folder: Path) -> list[str]:
    former, clock = FormerFiles(here), SystemClock()
    return [
        arrival.path.name
        for arrival in existing(folder)
        if former.holds_back(arrival.path, arrival.key, clock=clock)
    ]


def test_folder_when_it_is_missing_at_the_first_look_then_its_files_are_left_alone_when_it_is_back(
    here: Home, phone: Path
) -> None:
    away = phone.rename(phone.with_name("ejected"))
    assert settle(here, phone) == 0
    away.rename(phone)
    put(phone / "c.txt", CALM)
    assert held_back(here, phone) == ["a.txt", "b.txt"]
    assert settle(here, phone) == 2
    assert (set_aside(here, phone), held_back(here, phone)) == (["a.txt", "b.txt"], [])


def test_folder_when_one_below_it_cannot_be_listed_then_that_one_alone_is_looked_at_later(
    here: Home, phone: Path, storage: Storage
) -> None:
    storage.shut.add(phone / "card")
    assert settle(here, phone) == 1
    storage.shut.clear()
    was_there(phone / "late.txt")  # came into a folder that was looked through
    was_there(phone / "new" / "late.txt")
    assert (set_aside(here, phone), held_back(here, phone)) == (["a.txt"], ["b.txt"])
    assert settle(here, phone) == 1
    was_there(phone / "card" / "late.txt")
    assert settle(here, phone) == 0
    assert (set_aside(here, phone), held_back(here, phone)) == (["a.txt", "b.txt"], [])


def test_folder_when_the_one_below_stays_closed_then_what_comes_beside_it_is_not_set_aside(
    here: Home, phone: Path, storage: Storage
) -> None:
    storage.shut.add(phone / "card")
    settle(here, phone)
    was_there(phone / "late.txt")
    assert settle(here, phone) == 0
    storage.shut.clear()
    assert held_back(here, phone) == ["b.txt"]


def test_folder_when_it_goes_while_it_is_looked_through_then_it_is_looked_at_again(
    here: Home, phone: Path
) -> None:
    was_there(phone / "a2.txt")

    def eject() -> None:
        if phone.exists():
            phone.rename(phone.with_name("ejected"))

    with capture_logs() as logs:
        assert settle(here, phone, go_on=eject) == 1
    phone.with_name("ejected").rename(phone)
    warned = {
        "event": "former_folder_not_looked_through",
        "crowded": False,
        "unlisted": 2,
        "log_level": "warning",
    }
    assert warned in logs
    assert settle(here, phone) == 2


def test_folder_when_its_name_is_no_text_then_it_is_looked_at_later_all_the_same(
    here: Home, phone: Path, storage: Storage
) -> None:
    card = phone / os.fsdecode("录音".encode("gb18030"))
    was_there(card / "c.txt")
    storage.shut.add(card)
    assert settle(here, phone) == 2
    storage.shut.clear()
    assert held_back(here, phone) == ["c.txt"]
    assert settle(here, phone) == 1


def test_folder_when_it_is_too_full_then_what_comes_into_sight_before_the_next_look_is_held_back(
    here: Home, phone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline_edge.senses.watch.MAX_FILES", 1)
    assert settle(here, phone) == 1
    (phone / "a.txt").unlink()
    assert held_back(here, phone) == ["b.txt"]


@pytest.mark.parametrize(
    ("joined", "written", "first", "later"),
    [(2 * DAY, DAY, 0.0, 1.5 * DAY), (-2 * DAY, -DAY, -2 * DAY, 0.0)],
    ids=["ahead, set right before the first look", "behind, set right after it"],
)
def test_folder_when_it_is_too_full_and_the_clock_was_wrong_then_times_after_the_first_look_do_not_clear_a_file(
    home: Path,
    phone: Path,
    monkeypatch: pytest.MonkeyPatch,
    joined: float,
    written: float,
    first: float,
    later: float,
) -> None:
    put(phone / "z.txt", ABUSE, at=time.time() + written)  # the former collector's
    keep_beginning(home / "bindings" / SUCCESSOR, Beginning(time.time() + joined, time.time()))
    with open_home(home, clock=SystemClock()) as here:
        with monkeypatch.context() as small:
            small.setattr("compline_edge.senses.watch.MAX_FILES", 1)
            FormerFiles(here).settle([phone], clock=ShiftedTime(first))
        FormerFiles(here).settle([phone], clock=ShiftedTime(later))
        assert "z.txt" in set_aside(here, phone)


def test_file_when_the_home_had_no_binding_before_then_it_is_not_held_back(
    tmp_path: Path, phone: Path
) -> None:
    with open_home(first_bound(tmp_path), clock=SystemClock()) as here:
        assert held_back(here, phone) == []


async def judged_when_the_card_is_back(home: Path, phone: Path, storage: Storage) -> list[int]:
    """Let the agent begin without the card, and put it back when it has judged; findings of each verdict."""
    storage.shut.add(phone / "card")
    async with working(home, phone) as agent:
        put(phone / "c.txt", CALM)
        await until(lambda: agent.home.is_open and len(agent.home.vault.verdicts()) == 1, within=60)
        storage.shut.clear()
        put(phone / "card" / "d.txt", CALM * 3)
        await until(lambda: any(v.messages == 3 for v in agent.home.vault.verdicts()), within=60)
        return [len(verdict.findings) for verdict in agent.home.vault.verdicts()]


async def test_agent_when_a_folder_can_be_listed_only_later_then_what_is_of_before_there_is_not_judged(
    home: Path, phone: Path, storage: Storage
) -> None:
    assert await judged_when_the_card_is_back(home, phone, storage) == [0, 0]


async def test_agent_control_when_nothing_is_held_back_then_it_would_judge_it(
    home: Path, phone: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FormerFiles, "holds_back", lambda *_, **__: False)
    assert await judged_when_the_card_is_back(home, phone, storage) == [0, 1, 0]
