"""The running agent carries out what the hub orders: it freezes, says what it did not judge, thaws, wipes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from compline_edge import warden
from compline_edge.agent import Agent
from compline_edge.clock import BootClock
from compline_edge.settings import EdgeSettings
from compline_shared.commands import Command, sign_command
from compline_shared.enrolment import read_request
from compline_shared.reports import BindingState, Cause, CommandOutcome
from compline_shared.taxonomy import Abstention
from tests.branch import Broker, HubEnd, until
from tests.homes import HubKeys
from tests.judging_home import write_call
from tests.lives import LifeHub, bound
from tests.running_agent import running_agent


@dataclass(slots=True)
class Desk:
    """A hub that orders, a broker, and an agent on a phone with one recording that is not judged yet."""

    agent: Agent
    hub: HubEnd
    orders: LifeHub

    async def reported(self, state: BindingState, *, after: int = 0) -> None:
        """Wait for a report of a state."""
        await until(lambda: any(report.state is state for report in self.hub.reports[after:]))
        self.orders.report = self.hub.reports[-1]

    def send(self, command: Command) -> None:
        handset = command.place.handset
        self.hub.send(handset, sign_command(command, HubKeys().command))


@asynccontextmanager
async def desk(folder: Path, *, settle: float) -> AsyncIterator[Desk]:
    broker = Broker("nats", folder)
    home, orders, _ = bound(folder, clock=BootClock())  # type: ignore[arg-type]
    phone = folder / "phone"
    write_call(phone / "recording.wav", seconds=12)
    await broker.start(orders.handset)
    hub = HubEnd(broker.port, read_request((home / "request.json").read_bytes()))
    settings = EdgeSettings(
        home=str(home),
        recordings=(str(phone),),
        hub=f"127.0.0.1:{broker.port}",
        settle_seconds=settle,
        live=False,
    )
    try:
        async with running_agent(settings) as agent:
            yield Desk(agent, hub, orders)
    finally:
        hub.close()
        await broker.stop()


async def test_agent_when_it_comes_online_then_it_reports_and_a_lease_renews(tmp_path: Path) -> None:
    async with desk(tmp_path, settle=60) as here:
        await here.reported(BindingState.BOUND)
        command = here.orders.lease()
        here.send(command)
        await until(lambda: any(report.results for report in here.hub.reports))
        assert here.hub.reports[-1].results[-1].outcome is CommandOutcome.DONE


async def test_agent_when_ordered_to_freeze_then_it_says_what_it_did_not_judge_and_the_hub_gets_it(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, settle=60) as here:
        await here.reported(BindingState.BOUND)
        here.send(here.orders.freeze())
        await here.reported(BindingState.FROZEN)
        await until(lambda: len(here.hub.verdicts) == 1)
        assert not here.agent.home.is_open
    (verdict,) = here.hub.verdicts
    assert (verdict.abstained, verdict.coverage) == (Abstention.FROZEN, 0)
    assert here.hub.reports[-1].cause is Cause.COMMAND


async def test_agent_when_bound_again_then_it_judges_what_it_could_not_and_supersedes(tmp_path: Path) -> None:
    async with desk(tmp_path, settle=3) as here:
        await here.reported(BindingState.BOUND)
        here.send(here.orders.freeze())
        await here.reported(BindingState.FROZEN)
        seen = len(here.hub.reports)
        here.send(here.orders.rebind())
        await here.reported(BindingState.BOUND, after=seen)
        await until(lambda: len(here.hub.verdicts) == 2, within=60)
    frozen, full = here.hub.verdicts
    assert (frozen.abstained, full.abstained, full.supersedes) == (Abstention.FROZEN, None, frozen.seq)


async def test_agent_when_wiped_then_it_reports_and_goes_on_answering(tmp_path: Path) -> None:
    async with desk(tmp_path, settle=60) as here:
        await here.reported(BindingState.BOUND)
        command = here.orders.wipe()
        here.send(command)
        await here.reported(BindingState.WIPED)
        seen = len(here.hub.reports)
        here.send(command)
        await until(lambda: len(here.hub.reports) > seen)
        assert here.hub.reports[-1].results[-1].outcome is CommandOutcome.DONE
    assert not list(tmp_path.rglob("vault.db"))


def foreign(command: Command) -> bytes:
    return sign_command(command, HubKeys().signing)


def torn(command: Command) -> bytes:
    return sign_command(command, HubKeys().command)[:-1]


@pytest.mark.parametrize("spoil", [foreign, torn])
async def test_agent_when_an_order_is_not_its_hubs_then_it_is_dropped(
    tmp_path: Path, spoil: Callable[[Command], bytes]
) -> None:
    async with desk(tmp_path, settle=60) as here:
        await here.reported(BindingState.BOUND)
        here.hub.send(here.agent.home.place.handset, spoil(here.orders.freeze()))
        seen = len(here.hub.reports)
        here.send(here.orders.lease())
        await until(lambda: len(here.hub.reports) > seen)
        assert here.hub.reports[-1].state is BindingState.BOUND
        assert here.agent.home.is_open


async def test_agent_when_the_hub_does_not_answer_then_it_reports_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warden, "UNHEARD", 0.5)
    async with desk(tmp_path, settle=60) as here:
        await until(lambda: len(here.hub.reports) >= 3)
    assert len({report.nonce for report in here.hub.reports}) == len(here.hub.reports)
