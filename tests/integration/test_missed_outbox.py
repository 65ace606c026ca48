"""A verdict that missed the outbox, which had no room: it leaves without another one, and a wipe does not lose it."""

from __future__ import annotations

import asyncio
import io
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compline_edge import agent
from compline_edge.vault.errors import StorageFailing, StorageFull
from compline_edge.vault.home import Home
from compline_shared.reports import BindingState
from tests.branch import until
from tests.homes import enrolled, opened
from tests.lives import LifeHub, TurnedClock, bound, living, obey
from tests.small_disk import small_disk
from tests.successor import first_bound, working
from tests.verdicts import draft


def miss(here: Home) -> int:
    """Record with an outbox that may not grow, until a verdict finds no room in it; returns the seq."""
    here.outbox._connection.execute("PRAGMA max_page_count = 1")
    while not here.vault.owed(1):
        seq = here.ledger.record(draft(), None).seq
    return seq


def give_room(here: Home) -> None:
    here.outbox._connection.execute("PRAGMA max_page_count = 100000")


def test_require_room_when_a_verdict_missed_the_outbox_then_it_moves_or_nothing_is_judged(
    tmp_path: Path,
) -> None:
    with opened(enrolled(tmp_path)) as here:
        seq = miss(here)
        with pytest.raises(StorageFull):
            here.ledger.require_room()
        give_room(here)
        here.ledger.require_room()
        assert (here.outbox.last_seq, here.vault.owed(1), here.ledger.behind) == (seq, [], False)


async def test_agent_when_a_verdict_missed_the_outbox_then_it_moves_though_nothing_more_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "ROOM_RETRY", 0.05)
    phone = tmp_path / "phone"
    phone.mkdir()
    async with working(first_bound(tmp_path), phone) as working_agent:
        home = working_agent.home
        seq = await asyncio.to_thread(miss, home)
        await asyncio.sleep(0.2)
        before = home.outbox.last_seq
        give_room(home)
        await until(lambda: home.outbox.last_seq == seq)
    assert before == seq - 1


def test_report_when_a_verdict_missed_the_outbox_then_it_is_owed_and_no_more_is_settled(
    tmp_path: Path,
) -> None:
    home, hub, clock = bound(tmp_path)
    with living(home, clock) as here:
        seq = miss(here)
        here.outbox.settle(1, now=0.0)
        report = hub.hear(here)
        assert (report.last_seq, report.owed) == (seq, seq - 1)
        obey(here, hub.freeze())  # with the vault it is sealed away: a thaw moves it
        frozen = hub.hear(here)
        assert (frozen.last_seq, frozen.last_seq - frozen.owed) == (seq - 1, 1)


def test_wipe_when_a_verdict_missed_the_outbox_then_it_is_still_delivered(tmp_path: Path) -> None:
    home, hub, clock = bound(tmp_path)
    with living(home, clock) as here:
        seq = miss(here)
        give_room(here)
        wipe(here, hub)
        assert here.outbox.last_seq == seq


def test_wipe_when_the_lease_lapses_over_a_verdict_that_missed_the_outbox_then_it_is_still_delivered(
    tmp_path: Path,
) -> None:
    home, _, clock = bound(tmp_path)
    with living(home, clock) as here:
        seq = miss(here)
        give_room(here)
        lapse(here, clock)
        assert (here.binding.life.state, here.outbox.last_seq) == (BindingState.WIPED, seq)


def test_wipe_when_the_outbox_still_has_no_room_then_it_goes_on(tmp_path: Path) -> None:
    """The control of the two above: what finds no room all the same is lost with the vault."""
    home, hub, clock = bound(tmp_path)
    with living(home, clock) as here:
        seq = miss(here)
        wipe(here, hub)
        assert here.outbox.last_seq == seq - 1


def wipe(here: Home, hub: LifeHub) -> None:
    hub.hear(here)
    obey(here, hub.wipe())
    assert here.binding.life.state is BindingState.WIPED


def lapse(here: Home, clock: TurnedClock) -> None:
    clock.run(here.binding.life.terms.times.destroy + 1)
    effect = here.binding.tick(clock.reading())
    assert effect is not None
    here.perform(here.binding, effect)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)


def test_evidence_when_its_disk_turns_read_only_then_the_error_has_its_name(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home):
        (evidence,) = home.rglob("evidence")
    evidence.rmdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with small_disk(evidence, mebibytes=64), opened(home) as here:
        with read_only(evidence), pytest.raises(StorageFailing):
            here.ledger.record(draft(), io.BytesIO(b"x"))
        here.ledger.record(draft(), None)
        (log,) = home.rglob("vault.db-wal")
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
        try:
            with pytest.raises(StorageFailing):
                here.ledger.record(draft(), io.BytesIO(b"x"))  # leaves an orphan
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        with read_only(evidence), pytest.raises(StorageFailing):
            here.ledger.require_room()
        here.ledger.require_room()
        assert list(evidence.iterdir()) == []
