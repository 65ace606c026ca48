"""The disk does not give back what was kept: the agent waits, says so, obeys meanwhile, and goes on by itself."""

from __future__ import annotations

import asyncio
import resource
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from compline_edge import agent, warden
from compline_edge.agent import Agent
from compline_edge.core.room_words import Shortage
from compline_edge.vault.durable import RESERVE
from compline_edge.vault.errors import StorageFailing
from compline_edge.vault.home import Home
from compline_edge.warden import Warden
from compline_shared.commands import sign_command
from compline_shared.reports import BindingState, verify_report
from tests.branch import until
from tests.edge_program import SAMPLE_DAY
from tests.homes import HubKeys, enrolled, opened
from tests.judging_home import SPOKEN
from tests.lives import bound, living
from tests.small_disk import fill, small_disk
from tests.successor import first_bound, succeed, unbind, working
from tests.unreadable import unreadable
from tests.verdicts import draft

CHAT = next((SAMPLE_DAY / "chats").rglob("*.jsonl"))
AGAIN = [Shortage.FAILING, None]


class Idle:
    """Nothing is being judged."""

    async def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass


@asynccontextmanager
async def telling(
    home: Path, phone: Path, *, live: bool = False
) -> AsyncIterator[tuple[Agent, list[Shortage | None]]]:
    """Run the agent, and what it tells of shortages."""
    phone.mkdir(exist_ok=True)
    async with working(home, phone, live=live) as here:
        said: list[Shortage | None] = []
        here.told_room = said.append
        await until(lambda: here._session is not None)
        yield here, said


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "ROOM_RETRY", 0.05)


def vault_of(home: Home) -> Path:
    return home.binding.folder / "vault.db"


def fail_to_settle(home: Home) -> None:
    """Let a write fail, after which the outbox reads again how it stands."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = home.binding.folder / "outbox.db-wal"
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        with pytest.raises(StorageFailing):
            home.outbox.settle(1, now=0.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_vault_when_a_page_could_not_be_read_then_it_is_read_once_the_disk_gives_it(tmp_path: Path) -> None:
    with opened(enrolled(tmp_path)) as home:
        kept = home.ledger.record(draft(), None, source="call")
        with unreadable(vault_of(home), home.vault._connection), pytest.raises(StorageFailing):
            home.vault.has_seen("call")
        with pytest.raises(StorageFailing):  # this connection is done with
            home.vault.has_seen("call")
        assert home.vault.has_seen("call")
        assert home.ledger.record(draft(), None).seq == kept.seq + 1
        home.close_vault()
        assert home.outbox.last_seq == kept.seq + 1


async def test_report_when_the_outbox_cannot_be_read_then_it_comes_later_and_a_wipe_is_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warden, "UNHEARD", 0.05)
    place, hub, clock = bound(tmp_path)
    posted: list[bytes] = []
    with living(place, clock) as home:
        home.ledger.record(draft(), None)
        hub.hear(home)
        obeying = Warden(home, clock=clock, judging=Idle())
        fail_to_settle(home)
        with unreadable(home.binding.folder / "outbox.db", home.outbox._connection):
            assert await obeying.greet() == ()
            assert await obeying.hear(sign_command(hub.wipe(), HubKeys().command)) == ()
        keeping = asyncio.create_task(obeying.keep(posted.append))
        await until(lambda: posted != [])
        keeping.cancel()
        report = verify_report(posted[0], home.identity.signing.public_key(), home.place.handset)
    assert (report.state, report.last_seq, report.owed) == (BindingState.WIPED, 1, 1)


def copy_chat(phone: Path) -> None:
    shutil.copyfile(CHAT, phone / "chat.jsonl")


def begin_call(phone: Path) -> None:
    """Write the beginning of a recording whose recorder does not say yet how long it gets."""
    sound = bytearray(SPOKEN.read_bytes()[:100_000])
    at = sound.index(b"data", 12) + 4
    sound[at : at + 4] = b"\xff" * 4
    (phone / "call.wav").write_bytes(sound)


@pytest.mark.parametrize(("arrive", "live"), [(copy_chat, False), (begin_call, True)])
async def test_agent_when_the_vault_cannot_be_asked_for_a_file_then_it_waits_and_goes_on(
    tmp_path: Path, arrive: Callable[[Path], None], live: bool
) -> None:
    async with telling(first_bound(tmp_path), tmp_path / "phone", live=live) as (here, said):
        await asyncio.sleep(1.0)  # both watchers look by now
        with unreadable(vault_of(here.home), here.home.vault._connection):
            arrive(tmp_path / "phone")
            await until(lambda: said != [])
        await until(lambda: said[:2] == AGAIN)
        await until(lambda: live or here.home.vault.last_seq > 0)
        assert here._session is not None
        assert not here._session.done()


async def test_agent_when_former_files_cannot_be_settled_then_it_says_so_and_that_it_goes_on(
    tmp_path: Path,
) -> None:
    home = first_bound(tmp_path)
    unbind(home)
    succeed(home)
    async with telling(home, tmp_path / "phone") as (here, said):
        await here.pause()
        with unreadable(vault_of(here.home), here.home.vault._connection):
            here.resume()
            await until(lambda: said != [])
        await until(lambda: said == AGAIN)


async def test_agent_when_one_file_finds_no_room_then_a_smaller_one_behind_it_is_judged(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "small", mebibytes=40) as disk:
        home, phone = first_bound(disk), tmp_path / "phone"
        fill(disk, leaving=RESERVE + 2**20)
        async with telling(home, phone) as (here, said):
            with (phone / "a.wav").open("wb") as large:
                large.truncate(2**26)
            copy_chat(phone)
            await until(lambda: here.home.vault.last_seq > 0)
            await asyncio.sleep(0.3)
            assert said == [Shortage.DISK]
