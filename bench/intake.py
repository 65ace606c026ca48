"""Verdicts that a hub takes in durably in a second, beside the database's own batched insert of the same rows."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, zip_longest
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import perf_counter

import psycopg

from bench.figure import Figure
from bench.wire import day
from compline_hub.core.intake import Frame
from compline_hub.link.mqtt import GROUP
from compline_hub.logs import close_logs, configure_logs
from compline_hub.office import init_hub, open_hub
from compline_hub.service.intake import Intake, Taken
from compline_hub.settings import HubSettings
from compline_hub.store.engine import open_engine
from compline_shared.batch import Batch, pack
from compline_shared.ids import HandsetId
from compline_shared.segment import MAX_SEGMENT, Sealer
from compline_shared.topics import up
from compline_shared.wire import SegmentBase, encode_verdict
from tests.postgres_server import MISSING, PostgresServer, postgres_programs, postgres_server
from tests.wire_handset import WireHandset

GOALS = {"sqlite": 2_000.0, "postgresql": 3_000.0}
"""Verdicts a second on two cores."""
HANDSETS, ROUNDS, WORKERS = 50, 5, 2
SIZES = {"batches_of_20": (20, 20), "batches_of_1_to_5": (1, 5)}
A_ROUND = 20
"""Verdicts of one handset in one round."""
BARRIER_SECONDS = 60.0
TABLES = ("handset", "collector", "binding", "verdict", "finding")


def figures() -> Iterable[Figure]:
    """Yield the best of five rounds, for each database and size of batch; PostgreSQL's also with two workers."""
    yield from _figures("sqlite", lambda: "", _into_sqlite)
    if postgres_programs() is None:
        print(f"intake on PostgreSQL is left out: {MISSING}", file=sys.stderr)
        return
    with postgres_server() as server:
        yield from _figures("postgresql", lambda: server.database().url, _into_postgresql)
        yield from _several(server)


Rows = dict[str, list[tuple[object, ...]]]
Insert = Callable[[Path, str, Rows, int], Iterator[float]]


def _figures(kind: str, database: Callable[[], str], insert: Insert) -> Iterable[Figure]:
    for name, sizes in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            settings = HubSettings(data_dir=f"{folder}/hub", database=database())
            taken = max(_rounds(settings, _frames_of(settings, sizes)))
            there = HubSettings(data_dir=f"{folder}/raw", database=database())
            init_hub(there)
            rows = _rows(settings)
            inserted = max(insert(there.data / "hub.db", there.database, rows, _in_a_group(sizes)))
        yield from _against(f"intake_{kind}_{name}", taken, inserted, GOALS[kind])


def _against(name: str, taken: float, inserted: float, goal: float) -> Iterable[Figure]:
    yield Figure(name, taken, "verdicts/s", inserted, "higher")
    yield Figure(f"{name}_against_goal", taken, "verdicts/s", goal, "higher")


def _in_a_group(sizes: tuple[int, int]) -> int:
    """Verdicts of one transaction, on average."""
    return GROUP * sum(sizes) // 2


class _Nowhere:
    """A downlink whose receipts are signed and go no further."""

    def send(self, handset: HandsetId, message: bytes) -> None:
        """Drop it."""


def _rounds(settings: HubSettings, rounds: Sequence[Sequence[Frame]]) -> Iterator[float]:
    with open_hub(settings) as hub, _logging(settings):
        intake = Intake(hub.store, hub.ring, _Nowhere(), news=lambda: None)
        for frames in rounds:
            began = perf_counter()
            taken = _take(intake, frames)
            yield taken / (perf_counter() - began)
            _check(taken, HANDSETS)


def _take(intake: Intake, frames: Sequence[Frame]) -> int:
    """Take frames in as the link hands them over; returns how many verdicts were new."""
    left, new = iter(frames), 0
    while group := list(islice(left, GROUP)):
        outcomes = intake.take(group)
        new += sum(len(outcome.answer.links) for outcome in outcomes if isinstance(outcome, Taken))
    return new


def _check(taken: int, handsets: int) -> None:
    if taken != handsets * A_ROUND:
        raise RuntimeError(f"{taken} verdicts of {handsets * A_ROUND} were taken")


@contextlib.contextmanager
def _logging(settings: HubSettings) -> Iterator[None]:
    """As the running hub logs, but for the console."""
    logs = configure_logs(settings.data / "logs", level=settings.log_level)
    logs.handlers = logs.handlers[:1]
    try:
        yield
    finally:
        close_logs(logs)


def _frames_of(settings: HubSettings, sizes: tuple[int, int]) -> list[list[Frame]]:
    """Frames of each round, one handset's after another's as they arrive."""
    init_hub(settings)
    chance = random.Random(20261125)
    handsets = [WireHandset() for _ in range(HANDSETS)]
    with open_hub(settings) as hub:
        for number, handset in enumerate(handsets):
            handset.join(hub.enrolment.enrol(handset.request, name=f"Desk {number}", collector=handset.id))
            handset.judge(*day(chance, A_ROUND * ROUNDS))
    rounds = list[list[Frame]]()
    outboxes = [_Outbox(handset) for handset in handsets]
    for _ in range(ROUNDS):
        sent = [outbox.sent(A_ROUND, sizes, chance) for outbox in outboxes]
        rounds.append([frame for turn in zip_longest(*sent) for frame in turn if frame is not None])
    return rounds


class _Outbox:
    """Seals as a handset does: one segment for many batches."""

    def __init__(self, handset: WireHandset) -> None:
        self._handset = handset
        self._sealer: Sealer | None = None
        self._seq = 1

    def sent(self, count: int, sizes: tuple[int, int], chance: random.Random) -> list[Frame]:
        """The next verdicts, in batches."""
        frames, end = list[Frame](), self._seq + count
        while self._seq < end:
            size = min(chance.randint(*sizes), end - self._seq)
            frames.append((up(self._handset.id), self._frame(size)))
        return frames

    def _frame(self, size: int) -> bytes:
        handset, first = self._handset, self._seq
        chosen = handset.verdicts[first - 1 : first - 1 + size]
        sealer = self._sealer
        if sealer is None or first + size - sealer.base.first_seq > MAX_SEGMENT:
            base = SegmentBase(first_seq=first, started=chosen[0].started, versions=chosen[0].versions)
            sealer = self._sealer = Sealer(handset.keys.sealing_key, handset.grant.place, base)
        entries = tuple(sealer.seal(it.seq, encode_verdict(it, sealer.base)) for it in chosen)
        self._seq += size
        head = handset.heads[self._seq - 1]
        return pack(
            Batch(handset.grant.place, sealer.enc, sealer.header, first, entries, head), handset.signing
        )


def _rows(settings: HubSettings) -> Rows:
    """All rows of the tables that an insert of the same verdicts needs, in their order."""
    engine = open_engine(settings.database_url, writing=False)
    try:
        with engine.connect() as connection:
            return {
                table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")]
                for table in TABLES
            }
    finally:
        engine.dispose()


def _groups(rows: Rows, size: int) -> Iterator[tuple[int, Rows]]:
    """What belongs to the verdicts of one transaction, and how many these are."""
    findings: dict[object, list[tuple[object, ...]]] = {}
    for finding in rows["finding"]:
        findings.setdefault(finding[0], []).append(finding)
    left = iter(rows["verdict"])
    while verdicts := list(islice(left, size)):
        theirs = list(chain.from_iterable(findings.get(verdict[0], []) for verdict in verdicts))
        yield len(verdicts), {"verdict": verdicts, "finding": theirs}


def _timed(write: Callable[[Rows], None], rows: Rows, size: int) -> Iterator[float]:
    """Rows of verdicts a second, group by group as many as a round of intake has."""
    write({table: rows[table] for table in TABLES if table not in ("verdict", "finding")})
    groups = list(_groups(rows, size))
    a_round = max(1, len(groups) // ROUNDS)
    for at in range(0, len(groups), a_round):
        began, count = perf_counter(), 0
        for verdicts, group in groups[at : at + a_round]:
            write(group)
            count += verdicts
        yield count / (perf_counter() - began)


def _into_sqlite(file: Path, _url: str, rows: Rows, size: int) -> Iterator[float]:
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")

    def write(group: Rows) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for table, members in group.items():
            if members:
                marks = ", ".join("?" * len(members[0]))
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", members)
        connection.execute("COMMIT")

    yield from _timed(write, rows, size)
    connection.close()


def _into_postgresql(_file: Path, url: str, rows: Rows, size: int) -> Iterator[float]:
    with psycopg.connect(url) as connection:

        def write(group: Rows) -> None:
            for table, members in group.items():
                with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                    for member in members:
                        copy.write_row(member)
            connection.commit()

        yield from _timed(write, rows, size)


def _several(server: PostgresServer) -> Iterable[Figure]:
    """As the small batches, by two processes that have half of the handsets each."""
    with tempfile.TemporaryDirectory() as folder:
        settings = HubSettings(data_dir=f"{folder}/hub", database=server.database().url)
        rounds = _frames_of(settings, SIZES["batches_of_1_to_5"])
        context = get_context("spawn")
        barrier = context.Barrier(WORKERS + 1)
        workers = [
            context.Process(target=_work, args=(settings, _share(rounds, number), barrier), daemon=True)
            for number in range(WORKERS)
        ]
        for worker in workers:
            worker.start()
        rates = list[float]()
        for _ in rounds:
            barrier.wait(BARRIER_SECONDS)
            began = perf_counter()
            barrier.wait(BARRIER_SECONDS)
            rates.append(HANDSETS * A_ROUND / (perf_counter() - began))
        for worker in workers:
            worker.join()
    yield Figure("intake_postgresql_two_workers", max(rates), "verdicts/s", GOALS["postgresql"], "higher")


def _share(rounds: Sequence[Sequence[Frame]], number: int) -> list[list[Frame]]:
    handsets = sorted({topic for frames in rounds for topic, _ in frames})
    mine = set(handsets[number::WORKERS])
    return [[frame for frame in frames if frame[0] in mine] for frames in rounds]


def _work(settings: HubSettings, rounds: Sequence[Sequence[Frame]], barrier: Barrier) -> None:
    with open_hub(settings) as hub, _logging(settings):
        intake = Intake(hub.store, hub.ring, _Nowhere(), news=lambda: None)
        for frames in rounds:
            barrier.wait(BARRIER_SECONDS)
            taken = _take(intake, frames)
            barrier.wait(BARRIER_SECONDS)
            _check(taken, HANDSETS // WORKERS)
