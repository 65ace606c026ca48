"""A hub's pairing port in a thread, without broker and page, and handsets that pair with it; for tests."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from compline_edge.clock import SystemClock
from compline_edge.joining import Paired, pair
from compline_edge.link.errors import FalseHub, PairingRefused, Unreachable
from compline_edge.ports import Address
from compline_edge.settings import EdgeSettings
from compline_edge.vault.home import locked
from compline_edge.vault.identity import create_identity
from compline_hub.app import Hub, init_hub, open_hub
from compline_hub.link.evidence_talk import EvidenceTalk
from compline_hub.link.pairing_port import PairingPort
from compline_hub.service.pairing import Given
from compline_hub.settings import HubSettings
from compline_shared.pairing_code import Invitation, PairingCode
from compline_shared.transfer import ALPN
from tests.homes import bytes_under
from tests.running_hub import hub_settings

SECONDS = 20.0


@dataclass(slots=True)
class PairingHub:
    """An opened hub that listens for handsets."""

    hub: Hub
    settings: HubSettings

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.settings.pairing_port

    def offer(self, name: str = "Desk 7", collector: str = "Li Wei") -> Given:
        return self.hub.pairing.offer(handset_name=name, collector_name=collector)

    def state(self, given: Given) -> str:
        outcome = self.hub.pairing.outcome(given.offer)
        assert outcome is not None
        return outcome.state.code


@contextmanager
def pairing_hub(
    folder: Path, *, settings: HubSettings | None = None, **values: object
) -> Iterator[PairingHub]:
    settings = settings or hub_settings(folder, **values)
    init_hub(settings)
    with open_hub(settings) as hub, listening(hub):
        yield PairingHub(hub, settings)


@contextmanager
def listening(hub: Hub) -> Iterator[None]:
    """Serve the pairing port until the end of the block."""
    started: queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def serve() -> None:
        evidence = EvidenceTalk(hub.deposits)
        port = PairingPort(
            hub.pairing,
            host="127.0.0.1",
            port=hub.settings.pairing_port,
            others={ALPN: evidence.meet},
        )
        await port.start(hub.certificates.server, hub.keys.tls)
        stop = asyncio.Event()
        started.put((asyncio.get_running_loop(), stop))
        await stop.wait()
        await port.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="pairing port")
    thread.start()
    loop, stop = started.get(timeout=SECONDS)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(SECONDS)


def handset(folder: Path, name: str = "handset") -> EdgeSettings:
    return EdgeSettings(home=str(folder / name))


def joined(settings: EdgeSettings, invitation: Invitation, *found: tuple[str, int]) -> Paired:
    """Pair; where the invitation names no address, at those that were `found`, in this order."""
    addresses = [Address(*address) for address in found]
    return pair(settings, invitation, clock=SystemClock(), find=lambda _settings: addresses)


def mistyped(invitation: Invitation) -> Invitation:
    """The same with one letter wrong, not in its name."""
    code = invitation.code
    last = "0" if code.secret[-1] != "0" else "1"
    return Invitation(PairingCode(code.short, code.secret[:-1] + last), invitation.address)


def begun(home: Path) -> None:
    """Make what an attempt to pair leaves behind: an identity, and the file, empty, by which a home is held."""
    create_identity(home)
    locked(home).close()


def refused(folder: Path, invitation: Invitation, name: str = "handset") -> str:
    """What a handset says that may not join, its home as it was."""
    settings = handset(folder, name)
    begun(settings.home_folder)
    before = bytes_under(settings.home_folder)
    with pytest.raises((PairingRefused, FalseHub, Unreachable)) as error:
        joined(settings, invitation)
    assert bytes_under(settings.home_folder) == before
    return str(error.value)
