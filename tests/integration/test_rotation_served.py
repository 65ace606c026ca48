"""A phone that works while its hub replaces one key after another: it loses nothing and needs nobody's hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from compline_edge.agent import Agent
from compline_edge.settings import EdgeSettings
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.identity import create_identity, join
from compline_hub.app import init_hub, open_hub
from compline_hub.core.key_sets import KnownKey
from compline_hub.core.record import Query
from compline_hub.rotation import rotate, rotate_tls, state
from compline_hub.settings import HubSettings
from compline_shared.certificates import issued_by_any
from compline_shared.enrolment import met_at
from tests.running_agent import running_agent
from tests.running_hub import MOSQUITTO, hub_settings, running_hub
from tests.verdicts import draft

LONG = 90.0
"""Seconds that a handset may take to come back to a hub that was away."""


@dataclass(frozen=True, slots=True)
class Phone:
    """The handset's home and its hub's settings."""

    home: Path
    settings: HubSettings

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Agent]:
        """Its agent, running."""
        (self.home.parent / "phone").mkdir(exist_ok=True)
        settings = EdgeSettings(
            home=str(self.home), recordings=(str(self.home.parent / "phone"),), live=False
        )
        async with running_agent(settings) as agent:
            yield agent

    def told(self) -> tuple[int, bool]:
        """How many verdicts the hub has, and whether it keeps no former key any more."""
        with open_hub(self.settings) as hub:
            return len(hub.reading.verdicts(Query(after=0))), state(hub).changed is None

    def is_certified(self, authorities: Sequence[bytes]) -> bool:
        """Whether one of these issued the certificate that it has now."""
        certificate = CertificateStore(self.home).certificate()
        return certificate is not None and issued_by_any(certificate, authorities)


async def eventually(true: Callable[[], bool]) -> None:
    """Wait for what takes files to see, beside the agent."""
    async with asyncio.timeout(LONG):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.2)


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broker: str) -> Phone:
    monkeypatch.setattr("compline_hub.app.EXPIRY_SECONDS", 0.2)
    settings, home = hub_settings(tmp_path, broker=broker), tmp_path / "handset"
    init_hub(settings)
    with open_hub(settings) as hub:
        request = create_identity(home)
        grant = hub.enrolment.enrol(request, name="Desk 7", collector="Li Wei")
        certificate = hub.enrolment.certify(request.handset_id, request.tls_key_public)
    CertificateStore(home).keep(certificate, hub_time=int(time.time()))
    join(home, met_at(grant, "127.0.0.1"))
    return Phone(home, settings)


@pytest.mark.parametrize(
    "broker",
    [
        "embedded",
        pytest.param(
            "mosquitto",
            marks=[
                pytest.mark.prove,
                pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed"),
            ],
        ),
    ],
)
async def test_phone_when_every_key_of_its_hub_is_replaced_then_it_follows_and_all_its_verdicts_arrive(
    phone: Phone,
) -> None:
    kinds = [*KnownKey, "tls"]
    with open_hub(phone.settings) as hub:
        first = hub.ring.sets.present
    async with phone.working() as agent:
        for number, kind in enumerate(kinds, start=1):
            agent.home.ledger.record(draft(), None)  # while the hub is away
            if isinstance(kind, KnownKey):
                await asyncio.to_thread(rotate, phone.settings, kind, by="ada")
            else:
                await asyncio.to_thread(rotate_tls, phone.settings, by="ada")
            with running_hub(phone.settings):
                await eventually(lambda n=number: phone.told() == (n, True))  # type: ignore[misc]
                known = agent.home.hub_keys.authorities
                await eventually(lambda now=known: phone.is_certified(now))  # type: ignore[misc]
        last = agent.home.hub_keys

    with open_hub(phone.settings) as hub:
        assert hub.ring.sets.present == last
        assert sorted(path.name for path in (phone.settings.data / "keys").glob("*.key.*")) == []
    changed = [name for name in first.__struct_fields__ if getattr(first, name) != getattr(last, name)]
    assert changed == ["command", "signing", "sealing", "authorities"]
