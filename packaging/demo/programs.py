"""Starts and stops the real programs of the demo: hub with its broker, and the agent of one handset."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
READY_WITHIN = 60.0
"""Seconds that the hub may take to come up."""
STOP_WITHIN = 15.0


class DemoFailed(Exception):
    """The demo cannot go on; the message says why and where to look."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The running programs and what they write."""

    folder: Path  # hub/, handset/, tmp/, hub.log, agent.log
    page: str  # URL
    storage: Path  # the phone's storage, watched by the agent
    hub: subprocess.Popen[bytes]
    agent: subprocess.Popen[bytes]

    def check(self) -> None:
        """Raise DemoFailed where a program has ended by itself."""
        for name, program in (("hub", self.hub), ("agent", self.agent)):
            if program.poll() is not None:
                raise DemoFailed(
                    f"The {name} ended with status {program.returncode}; see {self.folder}/{name}.log"
                )


@contextmanager
def stage(
    folder: Path, *, ports: tuple[int, int] = (0, 0), via: Callable[[int], str] | None = None
) -> Iterator[Stage]:
    """Run hub, broker and one enrolled agent in `folder`, all on 127.0.0.1; end them when the block ends.

    `ports` are wanted for page and broker; 0, or a taken one, gives any free port. `via`, given the broker's port,
    returns the host:port that the agent uses instead of looking for the hub. The programs hear of no settings but the
    ones given here: they get none of this process's COMPLINE_* variables and run in `folder`, where no compline.toml
    is, so that whoever also runs a real branch from here finds nothing of the demo in it.
    """
    folder = folder.absolute()
    storage = folder / "phone"
    temporary = folder / "tmp"
    for made in (storage, temporary):
        made.mkdir(parents=True)
    page_port, broker_port = map(free_port, ports)
    pairing_port = free_port(0)
    page = f"http://127.0.0.1:{page_port}/"
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("COMPLINE_")}
    environment = surroundings | {
        "TMPDIR": str(temporary),
        "TZ": "CST-8",  # the sample day's clock: file names of phones hold local times
        "COMPLINE_HUB_NAME": "demo-branch",
        "COMPLINE_HUB_DATA_DIR": str(folder / "hub"),
        "COMPLINE_HUB_PORT": str(page_port),
        "COMPLINE_HUB_MQTT_PORT": str(broker_port),
        "COMPLINE_HUB_PAIRING_PORT": str(pairing_port),
        "COMPLINE_HUB_INTERFACE": "127.0.0.1",
        "COMPLINE_HUB_LEXICONS": str(ROOT / "models" / "lexicons"),
        "COMPLINE_EDGE_HOME": str(folder / "handset"),
        "COMPLINE_EDGE_RECORDINGS": f'["{storage}"]',
        "COMPLINE_EDGE_DISCOVERY_INTERFACE": "127.0.0.1",
        "COMPLINE_EDGE_SETTLE_SECONDS": "0.5",
    }
    with ExitStack() as ending:
        hub = ending.enter_context(_program(folder, "hub", "compline-hub", "serve", environment=environment))
        _wait_for(page, hub, folder)
        shown = _command(folder, "compline-hub", "pair", "--name", "Desk 7", "--collector", "Li Wei", "--once",
                         environment=environment)  # fmt: skip
        code = shown.split()[1]
        _command(folder, "compline-edge", "join", code, environment=environment)
        if via:
            environment["COMPLINE_EDGE_HUB"] = via(broker_port)
        agent = ending.enter_context(
            _program(folder, "agent", "compline-edge", "run", environment=environment)
        )
        yield Stage(folder, page, storage, hub, agent)


def free_port(wanted: int) -> int:
    """Return `wanted` where nobody listens on it, else any free port of 127.0.0.1.

    One that the system does not give to connections: those of the hub itself could take it before the hub does.
    """
    for port in (*filter(None, [wanted]), *random.sample(range(20_000, 32_768), 50)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoFailed("No free port on 127.0.0.1.")


@contextmanager
def _program(
    folder: Path, name: str, *command: str, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("wb") as log:
        program = subprocess.Popen(
            _resolved(command), cwd=folder, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            yield program
        finally:
            if program.poll() is None:
                program.send_signal(signal.SIGTERM)
                try:
                    program.wait(STOP_WITHIN)
                except subprocess.TimeoutExpired:
                    program.kill()
                    program.wait()


def _command(folder: Path, *command: str, environment: dict[str, str]) -> str:
    """Run one command to its end and return what it printed."""
    done = subprocess.run(
        _resolved(command), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DemoFailed(f"{' '.join(command[:2])} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _resolved(command: tuple[str, ...]) -> list[str]:
    return [str(Path(sys.executable).with_name(command[0])), *command[1:]]


def _wait_for(page: str, hub: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        if hub.poll() is not None:
            raise DemoFailed(f"The hub did not start; see {folder}/hub.log")
        try:
            with urllib.request.urlopen(f"{page}healthz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise DemoFailed(f"The hub was not ready within {READY_WITHIN:.0f} s; see {folder}/hub.log")
