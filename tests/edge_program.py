"""The agent's command line as a process of its own, and a branch of hub and agent that can be stopped and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.identity import create_identity, join
from compline_hub.app import init_hub, open_hub
from compline_hub.settings import HubSettings
from compline_shared.enrolment import met_at
from tests.running_hub import hub_settings

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "models"
SAMPLE_DAY = ROOT / "packaging" / "sample-day"
FEATURES = ("path", "line", "kind", "duration_s", "coverage", "abstained", "findings")
"""Fields of a row of `inspect --format jsonl` that is neither failed nor shown with its text, in order."""
PATIENCE = 60.0
"""Seconds that something may take on a busy machine."""

Row = dict[str, Any]


def program(name: str) -> str:
    """Path of an installed command."""
    return str(Path(sys.executable).with_name(name))


def environment(home: Path, **values: str) -> dict[str, str]:
    """The surroundings of a fresh user: an empty HOME, no setting of ours."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("COMPLINE_", "XDG_"))}
    return {**kept, "HOME": str(home), "NO_COLOR": "1", "COLUMNS": "120", "OMP_NUM_THREADS": "1", **values}


@dataclass(frozen=True, slots=True)
class Inspected:
    """What one run of `inspect --format jsonl` gave."""

    code: int
    rows: tuple[Row, ...]
    sentences: tuple[str, ...]  # lines on stderr

    def of(self, name: str) -> list[Row]:
        """The rows of the file of this name."""
        return [row for row in self.rows if Path(row["path"]).name == name]

    def about(self, name: str) -> list[str]:
        """The lines on stderr that begin with this name."""
        return [line for line in self.sentences if line.startswith(name)]


def inspect(*arguments: str | Path, home: Path) -> Inspected:
    """Run `inspect --format jsonl` from within `home` and read what it prints."""
    done = edge("inspect", "--format", "jsonl", *arguments, home=home)
    rows = tuple(json.loads(line) for line in done.stdout.splitlines())
    return Inspected(done.returncode, rows, tuple(done.stderr.splitlines()))


def edge(*arguments: str | Path, home: Path, **values: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the agent to its end."""
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [program("compline-edge"), *map(str, arguments)],
        cwd=home,
        env=environment(home, **values),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


def eventually(true: Callable[[], object], what: str, *, within: float = PATIENCE) -> None:
    """Return once `true` holds; fails, saying what was awaited, when it does not in time."""
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until, f"not within {within:.0f} s: {what}"
        time.sleep(0.05)


@dataclass(slots=True)
class Branch:
    """One hub with its broker and one enrolled handset, each a process, on ports that stay the same."""

    folder: Path
    storage: Path = field(init=False)
    page: str = field(init=False)
    hub: subprocess.Popen[bytes] | None = None
    agent: subprocess.Popen[bytes] | None = None
    _settings: HubSettings = field(init=False)
    _environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.storage = self.folder / "phone"
        self.storage.mkdir()
        self._settings = hub_settings(self.folder)
        self.page = f"http://127.0.0.1:{self._settings.port}/"
        self._environment = environment(
            self.folder,
            TZ="CST-8",
            COMPLINE_HUB_DATA_DIR=self._settings.data_dir,
            COMPLINE_HUB_PORT=str(self._settings.port),
            COMPLINE_HUB_MQTT_PORT=str(self._settings.mqtt_port),
            COMPLINE_HUB_PAIRING_PORT=str(self._settings.pairing_port),
            COMPLINE_HUB_ADVERTISE="false",
            COMPLINE_EDGE_HOME=str(self.folder / "handset"),
            COMPLINE_EDGE_RECORDINGS=json.dumps([str(self.storage)]),
            COMPLINE_EDGE_SETTLE_SECONDS="0.3",
        )

    def enrol(self) -> None:
        """Bind the handset; the hub need not run."""
        home = self.folder / "handset"
        init_hub(self._settings)
        with open_hub(self._settings) as hub:
            request = create_identity(home)
            grant = hub.enrolment.enrol(request, name="Desk 7", collector="Li Wei")
            certificate = hub.enrolment.certify(request.handset_id, request.tls_key_public)
            CertificateStore(home).keep(certificate, hub_time=int(time.time()))
            join(home, met_at(grant, "127.0.0.1"))

    def start_hub(self) -> None:
        """Start hub and broker; returns when the page answers."""
        self.hub = self._start("compline-hub", "serve")
        eventually(lambda: self._get("healthz") is not None, "the hub answers")

    def start_agent(self, **values: str) -> None:
        """Start the agent, with further settings from its environment."""
        self.agent = self._start("compline-edge", "run", **values)

    def kill_agent(self) -> None:
        """End the agent at once, as a power cut does."""
        assert self.agent is not None
        self.agent.kill()
        self.agent.wait(PATIENCE)

    def stop_agent(self) -> None:
        """Ask the agent to end, and wait for it."""
        _end(self.agent)

    def stop(self) -> None:
        """End what still runs, the agent first."""
        try:
            _end(self.agent)
        finally:
            _end(self.hub)

    def verdicts(self) -> list[Row]:
        """What stands on the page, in order of seq; nothing while the hub is down."""
        answer = self._get("api/verdicts?limit=500")
        shown: Sequence[Row] = json.loads(answer)["verdicts"] if answer else []
        return sorted(shown, key=lambda verdict: int(verdict["seq"]))

    def log(self) -> str:
        """What the agent has logged."""
        return "".join(path.read_text() for path in sorted((self.folder / "handset" / "logs").glob("*")))

    def _get(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(self.page + path, timeout=5) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, OSError):
            return None

    def _start(self, *command: str, **values: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{command[0]}.out").open("ab") as out:
            return subprocess.Popen(
                [program(command[0]), *command[1:]],
                cwd=self.folder,
                env={**self._environment, **values},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )


def _end(running: subprocess.Popen[bytes] | None) -> None:
    if running is None or running.poll() is not None:
        return
    running.send_signal(signal.SIGTERM)
    try:
        running.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
        raise
