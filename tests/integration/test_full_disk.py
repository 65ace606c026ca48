"""A disk that is really full: no acknowledged verdict is lost or doubled, and all goes on once there is room."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from compline_edge.ports import NotKept
from compline_edge.vault.durable import RESERVE
from compline_edge.vault.errors import StorageFull
from compline_edge.vault.identity import create_identity
from compline_hub.core.intake import Refusal
from compline_hub.core.record import Kept, Query
from compline_hub.service.intake import Taken
from compline_shared.courier import Online
from compline_shared.topics import up
from tests.branch import Broker, HubEnd, courier_of, running, until
from tests.branch_store import Branch, branch
from tests.homes import HubKeys, enrolled, opened
from tests.judging_home import SPOKEN, arrival_of, judge_over
from tests.small_disk import fill, small_disk
from tests.verdicts import draft
from tests.wire_handset import drafts

EVIDENCE = b"what was said" * 5_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", mebibytes=24) as place:
        yield place


def record(home: Path, disk: Path, *, most: int) -> list[int]:
    """Record until the disk is full, then on once there is room; returns the seqs that were acknowledged."""
    told, refused = [], 0
    with opened(home) as here:
        ballast = fill(disk, leaving=600_000)
        for number in range(most):
            try:
                told.append(here.ledger.record(draft(), io.BytesIO(EVIDENCE), source=f"call:{number}").seq)
            except NotKept:
                refused += 1
        assert refused, "the disk never was full"
        ballast.unlink()
        here.ledger.require_room()
        told.append(here.ledger.record(draft(), io.BytesIO(EVIDENCE), source="later").seq)
    return told


def assert_kept(home: Path, told: list[int]) -> None:
    with opened(home) as here:
        verdicts = here.vault.verdicts()
        assert [verdict.seq for verdict in verdicts] == told
        assert HubKeys().open(here.grant, here.outbox.due(after=0, limit=1_000)) == verdicts
        assert all(b"".join(here.vault.evidence(seq)) == EVIDENCE for seq in told)
        assert len(list(home.rglob("*.cev"))) == len(told), "what no verdict names fills the disk"


def test_record_when_the_disk_is_full_then_what_was_acknowledged_is_kept_once(disk: Path) -> None:
    home = enrolled(disk)
    assert_kept(home, record(home, disk, most=40))


def test_record_control_when_a_refused_verdict_is_taken_for_kept_then_it_is_found(disk: Path) -> None:
    home = enrolled(disk)
    told = record(home, disk, most=40)
    with pytest.raises(AssertionError):
        assert_kept(home, [*told, told[-1] + 1])


def test_recording_when_too_little_is_free_for_it_then_it_is_not_judged_and_not_seen(
    disk: Path, tmp_path: Path
) -> None:
    with opened(enrolled(disk), outbox_limit=2**24) as here:
        ballast = fill(disk, leaving=RESERVE + SPOKEN.stat().st_size - 8_192)
        with pytest.raises(StorageFull):
            judge_over(here).recording(arrival_of(SPOKEN))
        assert not here.vault.has_seen(arrival_of(SPOKEN).key)
        assert list(disk.rglob("*.cev")) == []

        ballast.unlink()
        judge_over(here).recording(arrival_of(SPOKEN))
        assert here.vault.has_seen(arrival_of(SPOKEN).key)
        assert here.vault.last_seq == 1


def test_freezing_when_too_little_is_free_to_judge_then_what_is_owed_to_be_said_is_still_kept(
    disk: Path,
) -> None:
    """The reserve is for this: analysis stops before verdicts have no room."""
    with opened(enrolled(disk), outbox_limit=2**24) as here:
        fill(disk, leaving=RESERVE // 2)
        with pytest.raises(StorageFull):
            here.ledger.require_room()
        assert judge_over(here).part([arrival_of(SPOKEN)]) == 1
        assert here.outbox.last_seq == 1


def test_hub_when_the_disk_is_full_then_no_receipt_and_the_frames_are_taken_once_there_is_room(
    disk: Path,
) -> None:
    with branch(disk) as office:
        handset = office.handset()
        handset.judge(*drafts(400))
        frames = [(up(handset.id), handset.frame(first, first + 9)) for first in range(1, 400, 10)]
        ballast = fill(disk, leaving=80_000)
        outcomes = [office.intake.take([frame])[0] for frame in frames]
        taken = [outcome for outcome in outcomes if isinstance(outcome, Taken) and outcome.answer.links]
        assert Refusal.STORE_FAILED in outcomes
        receipts = [handset.receipt(message).up_to for _, message in office.post.sent]
        assert max(receipts, default=0) == 10 * len(taken) == len(kept(office))

        ballast.unlink()
        office.post.sent.clear()
        assert all(isinstance(outcome, Taken) for outcome in office.intake.take(frames))
        assert handset.receipt(office.post.sent[-1][1]).up_to == 400
        assert len(kept(office)) == 400


async def test_courier_when_a_receipt_finds_no_room_then_delivery_goes_on_and_it_settles_later(
    disk: Path, tmp_path: Path
) -> None:
    home = enrolled(disk)
    with opened(home) as here:
        broker = Broker("nats", tmp_path)
        await broker.start(here.place.handset)
        hub = HubEnd(broker.port, create_identity(home))
        try:
            for _ in range(3):
                here.ledger.record(draft(), None)
            ballast = fill(disk, leaving=0)
            async with running(courier_of(here, broker.port, home)) as courier:
                await until(lambda: len(hub.verdicts) == 3)
                await until(lambda: courier._unsettled == 3)
                settled = here.outbox.settled
                ballast.unlink()
                await until(lambda: here.outbox.settled == 3)
                here.ledger.record(draft(), None)
                await until(lambda: here.outbox.settled == 4)
                assert isinstance(courier.link, Online)
        finally:
            await asyncio.to_thread(hub.close)
            await broker.stop()
    assert settled == 0
    assert len(hub.verdicts) == 4


def kept(office: Branch) -> Sequence[Kept]:
    return office.hub.reading.verdicts(Query(after=0, limit=500))
