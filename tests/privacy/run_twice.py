"""Plays a person's day with times and identities held, and keeps all that left the handset."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from dataclasses import replace as replace_field
from datetime import timedelta, timezone
from pathlib import Path

from msgspec.structs import replace

from compline_edge.clock import SystemClock
from compline_edge.judging import Judge
from compline_edge.logs import configure_logs
from compline_edge.senses.watch import Sort, existing
from compline_edge.settings import EdgeSettings
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.home import Home, open_home
from compline_edge.vault.identity import create_identity, join
from compline_edge.wiring import instruments, keeper_of, link
from compline_hub.app import init_hub, open_hub, serve
from compline_hub.core.record import Query
from compline_hub.settings import HubSettings
from compline_shared.enrolment import met_at
from compline_shared.messages import Verdict
from programs import free_port
from tests.privacy.day import MIDNIGHT, Persona, lay_out
from tests.privacy.left_behind import events_in, files_under, watching
from tests.privacy.relay import Relay

NOON = MIDNIGHT + 43_200
HUB_TIMES = {"received", "heard", "enrolled", "first", "last"}
"""When the hub did something: not the handset's to hold still."""
OF_THE_HOUR = frozenset({"page"})
"""Fields of the hub's log that name a free port."""
MESSAGES = Path("hub/broker/nats/jetstream/COMPLINE/streams/$MQTT_msgs/msgs")
TOMBSTONE = 30
"""Bytes by which an emptied stream of NATS remembers its last number."""
PATIENCE = 5.0
"""Seconds in which NATS lets go what was acknowledged."""


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that left the handset in one run; of pseudonyms, digests and chain heads only the length."""

    verdicts: tuple[Verdict, ...]
    rows: tuple[str, ...]
    rows_with_wal: tuple[str, ...]  # the same while the hub runs, its last rows in the write-ahead log
    published: tuple[int, ...]  # bytes of each MQTT PUBLISH from the handset
    log: tuple[str, ...]
    hub_log: tuple[str, ...]
    broker: tuple[str, ...]  # names and sizes in its store once it has stopped, its log and settings
    files: tuple[str, ...]  # names and sizes of all else in the end: home, hub's data, temporary folder
    written: tuple[str, ...]  # names of all that was written, gone again or not


@dataclass(frozen=True, slots=True)
class Running:
    """The programs while they run."""

    folder: Path
    broker: int  # port


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a delivery leaves: sizes of the PUBLISH packets, and the database while the hub runs."""

    published: tuple[int, ...]
    rows: tuple[str, ...]


class StoppedClock:
    """A clock at which every run judges the same things at the same moment."""

    def now(self) -> float:
        return NOON

    def monotonic(self) -> float:
        return 1_000.0


def enrol_once(folder: Path) -> None:
    """Make a hub and an enrolled handset that every run starts from."""
    settings = HubSettings(name="branch", data_dir=str(folder / "hub"))
    init_hub(settings)
    request = create_identity(folder / "handset")
    with open_hub(settings) as hub:
        grant = hub.enrolment.enrol(request, name="Desk 7", collector="Li Wei")
        certificate = hub.enrolment.certify(request.handset_id, request.tls_key_public)
    CertificateStore(folder / "handset").keep(certificate, hub_time=int(time.time()))
    join(folder / "handset", met_at(grant, "127.0.0.1"))


def nothing(_running: Running) -> None:
    """Do nothing while the hub runs."""


def play(
    start: Path,
    folder: Path,
    persona: Persona,
    *,
    calls: dict[str, Path],
    judge: Callable[[Judge], Judge],
    meanwhile: Callable[[Running], None] = nothing,
) -> Run:
    """Judge the persona's whole day offline, then deliver it to the real hub over the real broker.

    `meanwhile` runs in the hub's process once all is delivered.
    """
    shutil.copytree(start, folder)
    with watching(folder) as written, temporary_files(folder / "tmp"):
        run = _play(folder, persona, calls=calls, judge=judge, meanwhile=meanwhile)
    return replace_field(run, written=tuple(n for n in written.names() if not n.startswith("/phone")))


@contextmanager
def temporary_files(folder: Path) -> Iterator[None]:
    """Let this process put its temporary files into `folder`."""
    folder.mkdir()
    usual, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = usual


def _play(
    folder: Path,
    persona: Persona,
    *,
    calls: dict[str, Path],
    judge: Callable[[Judge], Judge],
    meanwhile: Callable[[Running], None],
) -> Run:
    storage = folder / "phone"
    lay_out(storage, persona, calls=calls)
    settings = EdgeSettings(home=str(folder / "handset"))
    configure_logs(folder / "handset" / "logs")
    ready = instruments(settings)
    with open_home(folder / "handset", clock=StoppedClock()) as home:
        judging = judge(
            Judge(
                home=home,
                listener=ready.listener,
                versions=ready.versions,
                clock=StoppedClock(),
                zone=timezone(timedelta(hours=8)),
                longest=3600.0,
            )
        )
        for arrival in existing(storage):
            os.utime(arrival.path, (NOON, NOON))
            (judging.recording if arrival.sort is Sort.RECORDING else judging.chat)(arrival)
        # before the hub starts, which takes structlog over in this process; of later lines `files` has the length
        log = events_in(folder / "handset" / "logs" / "agent.jsonl")
        delivered = asyncio.run(_deliver(folder, settings, home, meanwhile))
    files = files_under(folder, "handset", "hub", "tmp")
    return Run(
        verdicts=_verdicts(folder),
        rows=_rows(folder / "hub" / "hub.db"),
        rows_with_wal=delivered.rows,
        published=delivered.published,
        log=log,
        hub_log=events_in(folder / "hub" / "logs" / "hub.jsonl", without=OF_THE_HOUR),
        broker=tuple(file for file in files if file.startswith("hub/broker/")),
        files=tuple(file for file in files if not file.startswith("hub/broker/")),
        written=(),
    )


async def _deliver(
    folder: Path, settings: EdgeSettings, home: Home, meanwhile: Callable[[Running], None]
) -> Delivered:
    """Run hub, broker and courier until everything is receipted."""
    hub = HubSettings(
        name="branch",
        data_dir=str(folder / "hub"),
        port=free_port(0),
        mqtt_port=free_port(0),
        advertise=False,
    )
    stop, up = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(hub, stop=stop, ready=lambda _page: up.set()))
    relay = Relay(hub.mqtt_port, folder)
    try:
        async with asyncio.timeout(60):
            await asyncio.wait(
                {serving, asyncio.ensure_future(up.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
            chosen = replace(settings, hub=f"127.0.0.1:{relay.port}")
            courier = link(chosen, home, keeper_of(chosen, home, SystemClock()), SystemClock())
            carrying = asyncio.create_task(courier.run())
            await courier.all_settled()
            carrying.cancel()
            await asyncio.wait({carrying})
            meanwhile(Running(folder, hub.mqtt_port))
            await _emptied(folder / MESSAGES)
            rows = _rows(folder / "hub" / "hub.db")
    finally:
        stop.set()
        await serving
        relay.close()
    return Delivered(_published(bytes(relay.up)), rows)


def _size(block: Path) -> int:
    try:
        return block.stat().st_size
    except FileNotFoundError:  # the broker has just let it go
        return 0


async def _emptied(stream: Path) -> None:
    """Wait until the broker has let go what the hub took: it does so a moment after the receipt, by its own timer."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while any(_size(block) > TOMBSTONE for block in stream.glob("*.blk")):
        if asyncio.get_running_loop().time() > deadline:
            return  # the comparison says what is left
        await asyncio.sleep(0.02)


def _verdicts(folder: Path) -> tuple[Verdict, ...]:
    with open_hub(HubSettings(name="branch", data_dir=str(folder / "hub"))) as hub:
        kept = sorted(hub.reading.verdicts(Query(after=0, limit=500)), key=lambda k: k.verdict.seq)
    return tuple(replace(k.verdict, contact=None, case=None, evidence=None) for k in kept)


def _rows(database: Path) -> tuple[str, ...]:
    """Every row of every table, declared columns as their length, the hub's own times left out."""
    rows = []
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f"SELECT * FROM {table}"):
                shown = {
                    column: f"{len(row[column])} bytes" if isinstance(row[column], bytes) else row[column]
                    for column in row.keys()  # noqa: SIM118 (a row iterates over its values)
                    if column not in HUB_TIMES
                }
                rows.append(f"{table} {shown}")
    return tuple(sorted(rows))


def _published(stream: bytes) -> tuple[int, ...]:
    """Bytes of each PUBLISH packet in what a client sent (MQTT 3.1.1, section 2.2)."""
    sizes, at = [], 0
    while at < len(stream):
        kind, begin, length, shift = stream[at] >> 4, at, 0, 0
        at += 1
        while True:
            byte = stream[at]
            at += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        at += length
        if kind == 3:
            sizes.append(at - begin)
    return tuple(sizes)
