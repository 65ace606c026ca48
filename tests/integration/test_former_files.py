"""A handset that got another collector: what the former one left in the folders is nobody's any more."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from compline_edge.core.lease import Standing
from compline_edge.former_files import FormerFiles
from compline_edge.senses.watch import existing
from compline_edge.vault.errors import FilesPutBack
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.former import beginning_in, keep_beginning
from compline_edge.vault.glance import look
from compline_edge.vault.home import Home, open_home
from compline_edge.vault.identity import join
from compline_shared.lease import DAY, HOUR
from compline_shared.messages import Verdict
from compline_shared.reports import BindingState
from compline_shared.taxonomy import Kind, Pass
from tests.branch import until
from tests.homes import SystemClock
from tests.judging_home import SPOKEN, arrival_of, write_call
from tests.lives import obey
from tests.successor import (
    SUCCESSOR,
    ShiftedClock,
    ShiftedTime,
    first_bound,
    forget_beginning,
    put,
    succeed,
    successor_grant,
    unbind,
    working,
)

ABUSE = "你就是个老赖\n"
CALM = "您好，请问是张先生吗\n"
OPEN = b"\xff\xff\xff\xff"


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    """A folder with what the first collector left: one file is not judged yet, one comes while it is frozen."""
    write_call(tmp_path / "phone" / "a-recording.wav", seconds=8)
    return tmp_path / "phone"


@pytest.fixture
def home(tmp_path: Path, phone: Path) -> Path:
    """A home that is about to get its second collector."""
    home = first_bound(tmp_path)
    unbind(home)
    put(phone / "b-chat.txt", ABUSE)
    return home


def opened(home: Path) -> Home:
    return open_home(home, clock=SystemClock())


def settle(here: Home, *folders: Path, ahead: float = 0.0) -> int:
    return FormerFiles(here).settle(folders, clock=ShiftedTime(ahead))


def of_before(here: Home, folder: Path) -> set[str]:
    former = FormerFiles(here)
    return {arrival.path.name for arrival in existing(folder) if former.holds(arrival.key)}


async def verdicts_until(home: Path, *folders: Path, last: Callable[[Verdict], bool]) -> list[Verdict]:
    """Let the agent work until it has judged what stands last in its folders."""
    async with working(home, *folders) as agent:
        await until(lambda: agent.home.is_open and any(map(last, agent.home.vault.verdicts())), within=60)
        return agent.home.vault.verdicts()


def is_chat(verdict: Verdict) -> bool:
    return verdict.kind is Kind.CHAT


def test_join_when_the_home_had_no_binding_then_there_is_nothing_of_before(
    tmp_path: Path, phone: Path
) -> None:
    with opened(first_bound(tmp_path)) as here:
        assert settle(here, phone) == 0
        assert of_before(here, phone) == set()
        assert beginning_in(here.binding.folder) is None


async def test_agent_when_bound_to_another_collector_then_only_what_came_since_is_judged(
    home: Path, phone: Path
) -> None:
    succeed(home)
    put(phone / "z-chat.txt", CALM)
    (verdict,) = await verdicts_until(home, phone, last=is_chat)
    assert (verdict.findings, verdict.messages) == ((), 1)
    assert {path.name for path in phone.iterdir()} == {"a-recording.wav", "b-chat.txt", "z-chat.txt"}


async def test_agent_control_when_the_beginning_is_not_known_then_it_would_judge_what_was_there(
    home: Path, phone: Path
) -> None:
    succeed(home)
    forget_beginning(home)
    put(phone / "z-chat.txt", CALM)
    verdicts = await verdicts_until(home, phone, last=lambda v: is_chat(v) and not v.findings)
    assert [verdict.kind for verdict in verdicts] == [Kind.CALL, Kind.CHAT, Kind.CHAT]
    assert [len(verdict.findings) for verdict in verdicts[1:]] == [1, 0]


async def test_agent_when_started_again_then_what_was_left_alone_stays_so(home: Path, phone: Path) -> None:
    succeed(home)
    put(phone / "y-chat.txt", CALM)
    await verdicts_until(home, phone, last=is_chat)
    put(phone / "z-chat.txt", CALM * 2)
    verdicts = await verdicts_until(home, phone, last=lambda v: v.messages == 2)
    assert [verdict.messages for verdict in verdicts] == [1, 2]


@pytest.mark.parametrize("ahead", [-400 * DAY, 400 * DAY], ids=["back", "ahead"])
def test_file_of_before_when_the_clock_is_turned_afterwards_then_it_stays_left_alone(
    home: Path, phone: Path, ahead: float
) -> None:
    succeed(home)
    with opened(home) as here:
        assert settle(here, phone) == 2
    put(phone / "late.txt", ABUSE, at=time.time() + ahead)
    with opened(home) as here:
        assert settle(here, phone, ahead=ahead) == 0
        assert of_before(here, phone) == {"a-recording.wav", "b-chat.txt"}


@pytest.mark.parametrize("ahead", [-60 * HOUR, 0, 400 * DAY], ids=["behind", "right", "ahead"])
def test_file_of_before_when_the_clock_was_wrong_at_joining_then_it_is_left_alone(
    home: Path, phone: Path, ahead: float
) -> None:
    put(phone / "of-the-future.txt", ABUSE, at=time.time() + 500 * DAY)
    succeed(home, ahead=ahead, hub_time=int(time.time()) + 1)
    with opened(home) as here:
        settle(here, phone)
        assert of_before(here, phone) == {"a-recording.wav", "b-chat.txt", "of-the-future.txt"}


def test_file_of_before_when_the_storage_is_mounted_anew_or_it_is_moved_then_it_is_known(
    home: Path, phone: Path
) -> None:
    succeed(home)
    with opened(home) as here:
        settle(here, phone)
        arrival = arrival_of(phone / "b-chat.txt")
        elsewhere = arrival.key.replace(arrival.file, "99-77777", 1)
        shutil.copy2(phone / "b-chat.txt", phone / "c-chat.txt")
        (phone / "b-chat.txt").unlink()
        assert FormerFiles(here).holds(elsewhere)
        assert of_before(here, phone) == {"a-recording.wav", "c-chat.txt"}


def test_file_of_before_when_it_changes_then_it_is_another_one(home: Path, phone: Path) -> None:
    succeed(home)
    with opened(home) as here:
        settle(here, phone)
        put(phone / "b-chat.txt", CALM)
        assert of_before(here, phone) == {"a-recording.wav"}


def test_folder_when_it_is_named_later_then_its_files_of_before_are_left_alone(
    home: Path, phone: Path, tmp_path: Path
) -> None:
    put(tmp_path / "chats" / "old.txt", ABUSE)
    succeed(home)
    with opened(home) as here:
        settle(here, phone)
        put(tmp_path / "chats" / "new.txt", CALM)
        assert settle(here, phone, tmp_path / "chats") == 1
        assert of_before(here, tmp_path / "chats") == {"old.txt"}


def test_folder_when_it_is_too_full_to_be_looked_through_then_the_next_start_looks_again(
    home: Path, phone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed(home)
    with opened(home) as here:
        with monkeypatch.context() as small:
            small.setattr("compline_edge.senses.watch.MAX_FILES", 1)
            assert settle(here, phone) == 1
        assert settle(here, phone) == 1
        assert settle(here, phone) == 0


def test_file_of_before_when_nothing_of_it_can_be_read_then_it_is_left_alone_all_the_same(
    home: Path, phone: Path
) -> None:
    put(phone / "c-chat.txt", "")
    succeed(home)
    with opened(home) as here:
        assert settle(here, phone) == 3
        assert len(here.vault.seen_under("former-text:")) == 1


def test_settle_when_files_are_set_aside_then_the_log_has_their_count_and_no_name(
    home: Path, phone: Path
) -> None:
    succeed(home)
    with opened(home) as here, capture_logs() as logs:
        settle(here, phone)
        settle(here, phone)
    assert [entry for entry in logs if entry["event"].startswith("former")] == [
        {"event": "former_files_left_alone", "files": 2, "log_level": "info"}
    ]


def test_settle_when_cut_off_before_its_count_is_kept_then_the_next_start_keeps_it(
    home: Path, phone: Path
) -> None:
    succeed(home)
    folder = home / "bindings" / SUCCESSOR
    joined = beginning_in(folder)
    assert joined is not None
    with opened(home) as here:
        settle(here, phone)
        keep_beginning(folder, joined)
        assert settle(here, phone) == 0
    assert counted(home) == 2


def counted(home: Path) -> int:
    binding = look(home, clock=ShiftedClock(), slot_at=FileSlot).binding
    assert binding is not None
    return binding.left_alone


def test_join_when_cut_off_before_the_binding_is_the_present_one_then_it_begins_when_done_again(
    home: Path, phone: Path
) -> None:
    succeed(home, ahead=-60)
    (home / "active").write_text(first_binding(home))
    succeed(home)
    with opened(home) as here:
        settle(here, phone)
        assert of_before(here, phone) == {"a-recording.wav", "b-chat.txt"}


def first_binding(home: Path) -> str:
    (first,) = (folder.name for folder in (home / "bindings").iterdir() if folder.name != SUCCESSOR)
    return first


def test_join_when_repeated_with_the_same_grant_then_the_beginning_stays(home: Path) -> None:
    succeed(home)
    before = beginning_in(home / "bindings" / SUCCESSOR)
    join(home, successor_grant(home), clock=ShiftedClock(HOUR))
    assert beginning_in(home / "bindings" / SUCCESSOR) == before


def test_home_when_the_beginning_is_damaged_then_it_says_so_and_judges_nothing(
    home: Path, phone: Path
) -> None:
    succeed(home)
    (home / "bindings" / SUCCESSOR / "former").write_bytes(b"{")
    with opened(home) as here, pytest.raises(FilesPutBack, match="former"):
        settle(here, phone)


def test_rebind_when_the_same_collector_gets_the_phone_back_then_the_files_of_frozen_time_are_judged(
    home: Path, phone: Path
) -> None:
    succeed(home)
    with opened(home) as here:
        settle(here, phone)
    hub = unbind(home)
    put(phone / "c-chat.txt", ABUSE)
    with opened(home) as here:
        hub.hear(here)
        obey(here, hub.rebind())
        assert settle(here, phone) == 0
        assert of_before(here, phone) == {"a-recording.wav", "b-chat.txt"}


async def test_agent_when_the_first_collector_gets_the_phone_back_then_all_is_judged(
    tmp_path: Path, phone: Path
) -> None:
    home = first_bound(tmp_path)
    hub = unbind(home)
    put(phone / "b-chat.txt", ABUSE)
    with opened(home) as here:
        hub.hear(here)
        obey(here, hub.rebind())
    verdicts = await verdicts_until(home, phone, last=is_chat)
    assert [verdict.kind for verdict in verdicts] == [Kind.CALL, Kind.CHAT]


async def test_agent_when_the_lease_ended_before_its_first_start_then_it_says_nothing_of_files_of_before(
    home: Path, phone: Path
) -> None:
    for path in phone.iterdir():
        put(path, b"", at=time.time() - 90 * HOUR)
    succeed(home, ahead=-80 * HOUR)
    put(phone / "z-chat.txt", CALM)
    async with working(home, phone) as agent:
        assert agent.home.binding.standing is Standing.ENDED
        assert agent.home.outbox.last_seq == 1
    assert counted(home) == 2


async def test_agent_control_when_the_lease_ended_and_the_beginning_is_not_known_then_it_speaks_of_them(
    home: Path, phone: Path
) -> None:
    succeed(home, ahead=-80 * HOUR)
    forget_beginning(home)
    async with working(home, phone) as agent:
        assert agent.home.outbox.last_seq == 2


async def test_agent_when_the_beginning_is_damaged_then_the_vault_freezes_all_the_same(
    home: Path, phone: Path
) -> None:
    succeed(home, ahead=-80 * HOUR)
    (home / "bindings" / SUCCESSOR / "former").write_bytes(b"{")
    async with working(home, phone) as agent:
        assert (agent.home.is_open, agent.home.outbox.last_seq) == (False, 0)
        assert agent.home.binding.life.state is BindingState.FROZEN


def unfinished_call(path: Path) -> Path:
    """A call whose recorder never closed it: its header leaves the size open."""
    sound = SPOKEN.read_bytes()
    at = sound.index(b"data", 12) + 4
    return put(path, sound[:at] + OPEN + sound[at + 4 :])


async def heard_live(home: Path, phone: Path, *, calls: int) -> list[Verdict]:
    """Let the agent find an unfinished call and hear one begin; what it said when it has spoken of that many."""
    async with working(
        home, phone, live=True, just_before=lambda: unfinished_call(phone / "y-was-there.wav")
    ) as agent:
        await until(lambda: agent.home.vault.has_seen(f"former-folder:{phone}") or calls > 1)
        unfinished_call(phone / "z-begins.wav")
        await until(lambda: len(of_calls(agent.home)) >= calls, within=60)
        return of_calls(agent.home)


def of_calls(here: Home) -> list[Verdict]:
    """The first live verdict of each call."""
    return [v for v in here.vault.verdicts() if v.pass_ is Pass.LIVE and not v.supersedes]


async def test_live_call_when_it_is_a_file_of_before_then_it_is_not_listened_to(
    home: Path, phone: Path
) -> None:
    succeed(home, ahead=HOUR)
    assert len(await heard_live(home, phone, calls=1)) == 1


async def test_live_call_control_when_the_beginning_is_not_known_then_it_would_be_listened_to(
    home: Path, phone: Path
) -> None:
    succeed(home, ahead=HOUR)
    forget_beginning(home)
    assert len(await heard_live(home, phone, calls=2)) == 2
