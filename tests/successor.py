"""A handset that is unbound and bound to another collector, for tests of what lies on it from before."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from compline_edge.agent import Agent
from compline_edge.clock import BootClock
from compline_edge.core.lease import Reading
from compline_edge.settings import EdgeSettings
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.home import open_home
from compline_edge.vault.identity import create_identity, join
from compline_shared.enrolment import EnrolmentGrant
from tests.homes import HubKeys, SystemClock
from tests.lives import LifeHub, obey, roster_grant
from tests.running_agent import running_agent

SUCCESSOR: Final = "0011001100110011"
"""Binding of the second collector."""


class ShiftedClock:
    """Lease clocks of this machine; the wall clock is so many seconds ahead (negative: behind)."""

    def __init__(self, ahead: float = 0.0) -> None:
        self._ahead = ahead

    def reading(self) -> Reading:
        now = BootClock().reading()
        return Reading(now.boot_id, now.boot, now.wall + self._ahead)


class ShiftedTime(SystemClock):
    """This machine's time, so many seconds ahead."""

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead

    def now(self) -> float:
        return super().now() + self._ahead


def first_bound(folder: Path) -> Path:
    """Return a home in its first binding."""
    home = folder / "home"
    request = create_identity(home)
    certificate = HubKeys().certify(request.handset, request.tls_key_public)
    CertificateStore(home).keep(certificate, hub_time=int(time.time()))
    join(home, roster_grant(request.handset))
    return home


def unbind(home: Path) -> LifeHub:
    """Freeze the present binding; what it owed is delivered."""
    hub = LifeHub.of(create_identity(home))
    with open_home(home, clock=SystemClock()) as here:
        hub.hear(here)
        obey(here, hub.freeze())
        here.outbox.settle(here.outbox.last_seq, now=0.0)
    return hub


def succeed(home: Path, *, ahead: float = 0.0, hub_time: int | None = None) -> None:
    """Bind the handset to another collector, its clock so many seconds ahead."""
    join(home, successor_grant(home), clock=ShiftedClock(ahead), hub_time=hub_time)


def successor_grant(home: Path) -> EnrolmentGrant:
    return replace(roster_grant(create_identity(home).handset), binding=SUCCESSOR)


def forget_beginning(home: Path) -> None:
    """Break it on purpose: let the agent not know that there was a binding before."""
    (home / "bindings" / SUCCESSOR / "former").unlink()


def put(path: Path, content: str | bytes, *, at: float | None = None) -> Path:
    """Write a file anew or add to it, last changed at that Unix time, else now by the finest clock there is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    when = time.time() if at is None else at
    os.utime(path, (when, when))
    return path


@asynccontextmanager
async def working(
    home: Path, *folders: Path, live: bool = False, just_before: Callable[[], object] = lambda: None
) -> AsyncIterator[Agent]:
    """Run the agent, out of its hub's reach, on these folders; where it hears live, nothing is judged afterwards.

    ``just_before`` is called when the agent is about to begin.
    """
    settings = EdgeSettings(
        home=str(home),
        recordings=tuple(map(str, folders)),
        hub="127.0.0.1:9",
        settle_seconds=3_600 if live else 0.3,
        live=live,
    )
    async with running_agent(settings, just_before=just_before) as agent:
        yield agent
