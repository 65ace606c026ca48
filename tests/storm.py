"""A hub, its broker and several agents as real processes, and what may befall them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Executable, select

from compline_edge.clock import SystemClock
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.home import open_home
from compline_edge.vault.identity import active_binding, create_identity, folder_of, join
from compline_hub.app import init_hub, open_hub
from compline_hub.safekeeping import back_up, restore
from compline_hub.settings import HubSettings
from compline_hub.store.engine import open_engine
from compline_hub.store.tables import AlarmRow, VerdictRow
from compline_shared.enrolment import met_at
from tests.edge_program import PATIENCE, ROOT, environment, eventually, program
from tests.running_hub import free_port, hub_settings

PASSPHRASE = "a storm of its own"


@dataclass(slots=True)
class Storm:
    """One branch; `befall` does one random thing to it."""

    folder: Path
    handsets: int
    count: int  # verdicts of each handset
    seed: int
    variant: str = "real"
    advertise: bool = False  # on the loopback interface
    settings: HubSettings = field(init=False)
    homes: tuple[Path, ...] = field(init=False)
    happened: list[str] = field(default_factory=list)
    _chance: random.Random = field(init=False)
    _hub: subprocess.Popen[bytes] | None = None
    _agents: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self.folder.mkdir(exist_ok=True)
        self.settings = hub_settings(self.folder, advertise=self.advertise)
        self.homes = tuple(self.folder / f"handset{number}" for number in range(self.handsets))
        init_hub(self.settings)
        with open_hub(self.settings) as hub:
            for number, home in enumerate(self.homes):
                request = create_identity(home)
                grant = hub.enrolment.enrol(request, name=f"Desk {number}", collector=f"Collector {number}")
                certificate = hub.enrolment.certify(request.handset_id, request.tls_key_public)
                CertificateStore(home).keep(certificate, hub_time=int(time.time()))
                join(home, met_at(grant, "127.0.0.1"))

    @contextmanager
    def raging(self) -> Iterator[None]:
        """Everything runs until the end of the block, then nothing does."""
        command = [sys.executable, "-m", "tests.delivering_agent", str(self.count), self.variant]
        with (self.folder / "agents.out").open("w") as out:
            self._agents = subprocess.Popen(
                [*command, *map(str, self.homes)],
                cwd=ROOT,
                env=environment(self.folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
            )
        try:
            self.start_hub()
            for number in range(self.handsets):
                self._tell(f"start {number}")
            yield
        finally:
            assert self._agents.stdin is not None
            assert self._agents.stdout is not None
            self._agents.stdin.close()
            self._agents.wait(PATIENCE)
            self._agents.stdout.close()
            self.stop_hub()

    def befall(self) -> None:
        """Do one of the things that happen, and let what it ended begin again."""
        what = self._chance.choices(
            (self.kill_agent, self.kill_broker, self.kill_hub, self.empty_broker, self.back_up, self.restore),
            weights=(8, 3, 3, 2, 2, 2),
        )[0]
        self.happened.append(what.__name__)
        what()

    def kill_agent(self) -> None:
        """kill -9 of an agent, and another life soon after."""
        number = self._chance.randrange(self.handsets)
        self._tell(f"kill {number}")
        self._tell(f"start {number}")

    def kill_broker(self) -> None:
        """kill -9 of the broker: the hub ends, and both start again over what the broker kept."""
        for pid in self._children():
            os.kill(pid, signal.SIGKILL)
        assert self._hub is not None
        self._hub.wait(PATIENCE)
        self.start_hub()

    def kill_hub(self) -> None:
        """kill -9 of the hub; its broker goes on alone until the next hub ends it."""
        self._kill_hub()
        self.start_hub()

    def empty_broker(self) -> None:
        """The broker loses all that it ever acknowledged."""
        self._kill_all()
        shutil.rmtree(self.settings.data / "broker")
        self.start_hub()

    def lose_what_the_broker_acknowledged(self, seconds: float) -> None:
        """The broker takes messages alone for a while; then it is killed and its disk lost."""
        (broker,) = self._children()
        self._kill_hub()
        time.sleep(seconds)
        os.kill(broker, signal.SIGKILL)
        shutil.rmtree(self.settings.data / "broker")
        self.start_hub()

    def move(self) -> None:
        """Before it is started the hub gets another port, of which its handsets know nothing."""
        assert self._hub is None
        self.settings = msgspec.structs.replace(self.settings, mqtt_port=free_port())

    def back_up(self) -> None:
        """Take a backup of the running hub."""
        back_up(self.settings, self._backup, passphrase=PASSPHRASE, by="ada")

    def restore(self) -> None:
        """Hub and broker are lost, and the hub comes back from the newest backup."""
        if not self._backup.exists():
            return
        self._kill_all()
        shutil.rmtree(self.settings.data)
        restore(self.settings, self._backup, passphrase=PASSPHRASE, by="ada")
        self.start_hub()

    def start_hub(self) -> None:
        """Start the hub's command; returns once it says that it runs."""
        said = self.folder / "hub.said"
        with (self.folder / "hub.out").open("ab") as out, said.open("wb") as told:
            self._hub = subprocess.Popen(
                [program("compline-hub"), "serve"],
                cwd=self.folder,
                env=environment(
                    self.folder,
                    COMPLINE_HUB_DATA_DIR=self.settings.data_dir,
                    COMPLINE_HUB_PORT=str(self.settings.port),
                    COMPLINE_HUB_MQTT_PORT=str(self.settings.mqtt_port),
                    COMPLINE_HUB_PAIRING_PORT=str(self.settings.pairing_port),
                    COMPLINE_HUB_ADVERTISE=str(self.advertise).lower(),
                ),
                stdout=told,
                stderr=out,
            )
        hub = self._hub
        eventually(lambda: "runs. Page:" in said.read_text() or hub.poll() is not None, "the hub runs")
        assert hub.poll() is None, (self.folder / "hub.out").read_text()[-2_000:]

    def stop_hub(self) -> None:
        """End the hub and its broker as a service manager does."""
        if self._hub is not None and self._hub.poll() is None:
            self._hub.terminate()
            self._hub.wait(PATIENCE)

    def progress(self) -> list[tuple[int, int]]:
        """Of each handset how many verdicts it has made, and how many are settled."""
        return [_progress(folder_of(home, str(active_binding(home))) / "outbox.db") for home in self.homes]

    def all_made(self) -> bool:
        return all(last == self.count for last, _ in self.progress())

    def all_settled(self) -> bool:
        return all(progress == (self.count, self.count) for progress in self.progress())

    def taken(self) -> int:
        """How many verdicts the hub has."""
        return len(self._rows(select(VerdictRow.seq)))

    def faults(self) -> list[str]:
        """What is not as it must be, once nothing runs any more."""
        rows = self._rows(select(VerdictRow.binding, VerdictRow.seq, VerdictRow.head))
        found = [f"alarm {kind}" for (kind,) in self._rows(select(AlarmRow.kind))]
        for number, home in enumerate(self.homes):
            with open_home(home, clock=SystemClock()) as here:
                made = here.vault._rows("SELECT seq, head FROM verdict ORDER BY seq", ())
                binding = here.place.binding
            taken = sorted((seq, head) for of, seq, head in rows if of == binding)
            if [seq for seq, _ in made] != list(range(1, self.count + 1)):
                found.append(f"handset {number} has {len(made)} verdicts")
            if taken != made:
                found.append(f"of handset {number} the hub has {len(taken)} verdicts, or others")
        return found

    def _rows(self, question: Executable) -> Sequence[tuple[Any, ...]]:
        engine = open_engine(self.settings.database_url, writing=False)
        with engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(question)]
        engine.dispose()
        return rows

    @property
    def _backup(self) -> Path:
        return self.folder / "hub.backup"

    def _children(self) -> list[int]:
        assert self._hub is not None
        listed = Path(f"/proc/{self._hub.pid}/task/{self._hub.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def _kill_hub(self) -> None:
        assert self._hub is not None
        self._hub.kill()
        self._hub.wait(PATIENCE)

    def _kill_all(self) -> None:
        children = self._children()
        self._kill_hub()
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _tell(self, command: str) -> None:
        assert self._agents.stdin is not None
        assert self._agents.stdout is not None
        self._agents.stdin.write(command + "\n")
        self._agents.stdin.flush()
        assert self._agents.stdout.readline() == command + "\n"


def _progress(outbox: Path) -> tuple[int, int]:
    with suppress(sqlite3.OperationalError):  # it is just being made
        with closing(sqlite3.connect(f"{outbox.as_uri()}?mode=ro", uri=True)) as connection:
            last, settled = connection.execute("SELECT last, settled FROM progress").fetchone()
        return int(last), int(settled)
    return 0, 0
