"""Several processes take verdicts in on one store and are killed at any moment: each verdict once, all in order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.orm import Session

from compline_hub.core.audit import Act
from compline_hub.core.record import MAX_PAGE, Kept, Query
from compline_hub.store.engine import open_engine
from compline_hub.store.tables import VerdictRow
from compline_shared.batch import Receipt, unpack_receipt
from compline_shared.commands import Command, verify_command
from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.reports import sign_report
from tests.branch_store import Branch, branch
from tests.intake_program import Sender, keep_frames
from tests.postgres_server import Database
from tests.simulated_handset import SimulatedHandset
from tests.wire_handset import drafts

HANDSETS, VERDICTS, REPORTS, PROCESSES, KILLS, SECONDS = 10, 150, 10, 3, 5, 90.0


class Workers:
    """Processes that take in, each started again when it was killed."""

    def __init__(self, folder: Path, database: Database, chance: random.Random) -> None:
        self.sent = folder / "sent"
        self._folder, self._database, self._chance = folder, database, chance
        self._log = (folder / "log").open("ab")
        self._running = [self._started() for _ in range(PROCESSES)]

    def kill_one(self) -> None:
        at = self._chance.randrange(PROCESSES)
        self._kill(self._running[at])
        self._running[at] = self._started()

    def close(self) -> None:
        for process in self._running:
            self._kill(process)
        self._log.close()

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text()

    def _started(self) -> subprocess.Popen[bytes]:
        seed = str(self._chance.getrandbits(32))
        arguments = [str(self._folder), self._database.url, str(self.sent), seed]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.intake_program", *arguments], stdout=self._log, stderr=self._log
        )

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        assert process.poll() is None, self.log  # it ends by a kill alone
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def sender(handset: SimulatedHandset, chance: random.Random) -> Sender:
    firsts, first = list[int](), 1
    while first <= VERDICTS:
        firsts.append(first)
        first += chance.randint(1, 5)
    lasts = [min(VERDICTS, first + chance.randint(0, 7)) for first in firsts]  # some overlap
    lasts = [
        max(last, following - 1) for last, following in zip(lasts, [*firsts[1:], VERDICTS + 1], strict=True)
    ]
    batches = [handset.frame(first, last) for first, last in zip(firsts, lasts, strict=True)]
    return Sender(handset.id, firsts, batches, reports(handset))


def reports(handset: SimulatedHandset) -> list[bytes]:
    """Of one time after another: one that comes after a later one looks like a handset that was set back."""
    told = [replace(handset.telling(), counter=counter) for counter in range(REPORTS)]
    return [sign_report(report, handset.signing) for report in told]


def arrived(office: Branch, seen: list[Kept]) -> None:
    """Read on as a page would: after the last arrival that it saw."""
    while found := office.hub.reading.verdicts(Query(after=seen[-1].arrival if seen else 0, limit=MAX_PAGE)):
        seen += found


def told(
    sent: Path, handsets: dict[HandsetId, SimulatedHandset]
) -> tuple[dict[HandsetId, Receipt], list[Command]]:
    """The newest receipt of each handset, and all commands."""
    receipts, commands = dict[HandsetId, Receipt](), list[Command]()
    for line in sent.read_bytes().split(b"\n")[:-1]:
        name, frame = line.decode().split()
        handset = HandsetId(name)
        keys = handsets[handset].keys
        with suppress(MalformedFrame):
            receipt = unpack_receipt(bytes.fromhex(frame), keys.receipt_key, handset)
            if handset not in receipts or receipt.up_to >= receipts[handset].up_to:
                receipts[handset] = receipt
            continue
        commands.append(verify_command(bytes.fromhex(frame), keys.command_key, handset))
    return receipts, commands


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Branch]:
    with branch(tmp_path, database=database.url) as made:
        yield made


def test_intake_when_several_processes_are_killed_at_any_moment_then_each_verdict_is_kept_once_and_in_order(
    office: Branch, database: Database, tmp_path: Path
) -> None:
    chance = random.Random(20261125)
    handsets = {handset.id: handset for handset in (office.simulated(f"Desk {n}") for n in range(HANDSETS))}
    for handset in handsets.values():
        handset.judge(*drafts(VERDICTS))
    keep_frames(tmp_path, [sender(handset, chance) for handset in handsets.values()])
    seen, kills, until = list[Kept](), 0, time.monotonic() + SECONDS
    workers = Workers(tmp_path, database, chance)
    try:
        while len(seen) < HANDSETS * VERDICTS:
            assert time.monotonic() < until, workers.log
            arrived(office, seen)
            if len(seen) * (KILLS + 1) >= HANDSETS * VERDICTS * (kills + 1) and kills < KILLS:
                office.orders.freeze(f"Desk {kills}", by="ada")  # people give orders meanwhile
                workers.kill_one()
                kills += 1
                receipts, _ = told(workers.sent, handsets)
                for name, receipt in receipts.items():  # what was said is there, whoever died meanwhile
                    assert receipt.up_to <= office.binding(handsets[name]).up_to
    finally:
        workers.close()
    receipts, commands = told(workers.sent, handsets)

    assert kills >= 2  # as many as there was time for
    assert "store_failed" not in workers.log  # nobody stood in another's way
    assert [kept.arrival for kept in seen] == list(range(1, HANDSETS * VERDICTS + 1))
    places = defaultdict[str, list[int]](list)
    for kept in seen:
        places[kept.handset].append(kept.verdict.seq)
    assert places == {name: list(range(1, VERDICTS + 1)) for name in handsets}
    assert heads(office) == {name: handset.heads[1:] for name, handset in handsets.items()}
    for name, receipt in receipts.items():
        assert receipt.head == handsets[name].heads[receipt.up_to]
    office.hub.auditing.verify()
    assert {entry.act for entry in office.audited()} >= {Act.BOUND, Act.ORDERED, Act.ALARMED}
    numbered = {(it.handset, it.counter, it.id) for it in commands}
    assert len({(handset, counter) for handset, counter, _ in numbered}) == len(numbered) >= kills


def heads(office: Branch) -> dict[str, list[bytes]]:
    engine = open_engine(office.hub.settings.database_url, writing=False)
    found = defaultdict[str, list[bytes]](list)
    with Session(engine) as session:
        question = select(VerdictRow.handset, VerdictRow.head).order_by(VerdictRow.handset, VerdictRow.seq)
        for handset, head in session.execute(question):
            found[handset].append(head)
    engine.dispose()
    return found
