"""A real hub in one namespace and real handsets in others, joined by bad links."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from compline_edge.link import mqtt
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.identity import create_identity, join
from compline_hub.app import init_hub, open_hub
from compline_hub.core.record import Query
from compline_hub.settings import HubSettings
from compline_shared.courier import Pace
from compline_shared.enrolment import met_at
from tests.bad_link import HUB, Link, Links, Traffic, Way, links
from tests.edge_program import PATIENCE, ROOT, environment, program
from tests.far_handset import Start
from tests.network_namespace import Namespace, why_none
from tests.running_hub import hub_settings

DEFAULT = "reno"
"""How TCP reckons its window where a program does not choose.

It sends half as fast after a loss, as what phones and servers come with does; each kernel has this one.
"""

Told = dict[str, Any]
_WHY_NONE = why_none()
needs_links = pytest.mark.skipif(_WHY_NONE is not None, reason=_WHY_NONE or "")


@dataclass(slots=True)
class Far:
    """A handset at the far end of its link, as its test sees it."""

    handset: str
    link: Link
    home: Path
    _channel: socket.socket
    _told: queue.Queue[Told] = field(default_factory=queue.Queue)
    past: list[Told] = field(default_factory=list)
    _reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, name="far handset")
        self._reader.start()

    def do(self, what: str, **values: object) -> None:
        """Give a command of `far_handset`."""
        self._channel.sendall((json.dumps({"do": what, **values}) + "\n").encode())

    def hear(self, *what: str, within: float = PATIENCE) -> Told:
        """Return the next thing told of these kinds; what comes before it goes to `past`."""
        until = time.monotonic() + within
        while True:
            try:
                told = self._told.get(timeout=max(0.001, until - time.monotonic()))
            except queue.Empty:
                heard = [told["what"] for told in self.past[-8:]]
                raise AssertionError(f"not within {within:.0f} s: {what}; heard last: {heard}") from None
            self.past.append(told)
            if told["what"] in what:
                return told

    def has_told(self, what: str) -> bool:
        """Whether something of this kind was told and not heard yet."""
        return any(told["what"] == what for told in list(self._told.queue))

    def dismiss(self) -> None:
        """Let the handset's process end."""
        self._channel.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Wait for its end."""
        self._reader.join(PATIENCE)
        self._channel.close()

    def _read(self) -> None:
        with self._channel.makefile("rb") as lines:
            for line in lines:
                self._told.put(json.loads(line))


@dataclass(slots=True)
class FarBranch:
    """The hub's side, and what lays links to it."""

    settings: HubSettings
    near: Namespace
    _links: Links
    _undo: ExitStack
    _hub: subprocess.Popen[bytes] | None = None
    _enrolled: list[tuple[Far, Start, socket.socket]] = field(default_factory=list)

    def start_hub(self) -> None:
        """Start hub and broker, and handsets that were enrolled; returns when all say that they run."""
        enrolled, self._enrolled = self._enrolled, []
        if enrolled:
            handsets = _started([start for _, start, _ in enrolled])
            self._undo.callback(_end, handsets, [far for far, _, _ in enrolled])
        folder = self.settings.data.parent
        with (folder / "hub.out").open("ab") as out:
            self._hub = self.near.start(
                [program("compline-hub"), "serve"],
                cwd=folder,
                env=_hub_environment(self.settings, folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=out,
            )
        assert self._hub.stdout is not None
        assert b"runs. Page:" in self._hub.stdout.readline()
        for far, _, channel in enrolled:
            channel.close()
            far.hear("started")

    def kill_hub(self) -> None:
        """End hub and broker at once, as a power cut does."""
        assert self._hub is not None
        broker = Path(f"/proc/{self._hub.pid}/task/{self._hub.pid}/children").read_text(encoding="ascii")
        for process in (self._hub.pid, *map(int, broker.split())):
            os.kill(process, signal.SIGKILL)
        self._end_hub()

    def stop(self) -> None:
        """End the hub if it runs."""
        if self._hub is not None:
            self._hub.terminate()
            self._end_hub()

    def handsets(
        self,
        ways: Sequence[Way],
        *,
        first_seed: int = 1,
        held: bool = False,
        believes_broker: bool = False,
        hasty: bool = False,
        keepalive: int = mqtt.KEEPALIVE,
        pace: Pace | None = None,
    ) -> list[Far]:
        """Enrol a handset for each way, its link's seed counted up; they start with the hub."""
        fars = []
        for seed, way in enumerate(ways, first_seed):
            namespace = Namespace()
            self._undo.callback(namespace.close)
            namespace.congestion_control(DEFAULT)
            link = self._links.join(namespace, way, seed=seed)
            home = self.settings.data.parent / f"handset-{seed}"
            own, its = socket.socketpair()
            far = Far(self._enrol(home), link, home, own)
            self._undo.callback(far.close)
            self._undo.callback(its.close)
            start = Start(
                home=str(home),
                namespace=namespace.fd,
                channel=its.fileno(),
                host=HUB,
                port=self.settings.mqtt_port,
                held=held,
                believes_broker=believes_broker,
                hasty=hasty,
                keepalive=keepalive,
                pace=pace or Pace(),
            )
            self._enrolled.append((far, start, its))
            fars.append(far)
        return fars

    def pause_hub(self) -> None:
        """Let the hub hear nothing while its broker goes on."""
        assert self._hub is not None
        os.kill(self._hub.pid, signal.SIGSTOP)

    def logged(self, *events: str) -> list[Told]:
        """What the hub has logged of these kinds, oldest first, with the monotonic second."""
        path = self.settings.data / "logs" / "hub.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        off = time.time() - time.monotonic()
        return [
            {**entry, "at": datetime.fromisoformat(entry["timestamp"]).timestamp() - off}
            for entry in map(json.loads, lines)
            if entry["event"] in events
        ]

    def kept(self, far: Far) -> list[int]:
        """Seqs of a handset's verdicts that the hub has, in order."""
        with open_hub(self.settings) as hub:
            seqs, last = [], 0
            while page := hub.reading.verdicts(Query(after=last, limit=200)):
                seqs += [kept.verdict.seq for kept in page if kept.handset == far.handset]
                last = page[-1].arrival
        return seqs

    def _enrol(self, home: Path) -> str:
        with open_hub(self.settings) as hub:
            request = create_identity(home)
            grant = hub.enrolment.enrol(request, name="Desk 7", collector=request.handset)
            certificate = hub.enrolment.certify(request.handset_id, request.tls_key_public)
            CertificateStore(home).keep(certificate, hub_time=int(time.time()))
            join(home, met_at(grant, HUB))
        return request.handset

    def _end_hub(self) -> None:
        assert self._hub is not None
        assert self._hub.stdout is not None
        self._hub.wait(PATIENCE)
        self._hub.stdout.close()
        self._hub = None


@contextmanager
def far_branch(folder: Path, **settings: Any) -> Iterator[FarBranch]:
    """A branch whose hub is not started yet; all processes, links and namespaces end with the block."""
    with ExitStack() as undo:
        near, laid = undo.enter_context(links())
        near.congestion_control(DEFAULT)
        chosen = hub_settings(folder, listen=HUB, log_level="debug", **settings)
        init_hub(chosen)
        branch = FarBranch(chosen, near, laid, undo.enter_context(ExitStack()))
        undo.callback(branch.stop)
        yield branch


def _started(starts: Sequence[Start]) -> subprocess.Popen[bytes]:
    inherited = [fd for start in starts for fd in (start.namespace, start.channel)]
    handsets = subprocess.Popen(
        [sys.executable, "-m", "tests.far_handset"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=inherited,
    )
    assert handsets.stdin is not None
    with handsets.stdin as lines:
        lines.write(msgspec.json.encode(list(starts)) + b"\n")
    return handsets


def _end(handsets: subprocess.Popen[bytes], fars: Sequence[Far]) -> None:
    for far in fars:
        far.dismiss()
    handsets.wait(PATIENCE)


def _hub_environment(settings: HubSettings, folder: Path) -> dict[str, str]:
    chosen = {
        f"COMPLINE_HUB_{name.upper()}": str(getattr(settings, name))
        for name in ("data_dir", "listen", "broker", "port", "mqtt_port", "pairing_port", "log_level")
    }
    return environment(folder, COMPLINE_HUB_ADVERTISE="false", **chosen)


__all__ = ["HUB", "Far", "FarBranch", "Traffic", "Way", "far_branch", "needs_links"]
