"""The hub's orders carried out by the agent's own warden on a real home: vault, slot, outbox and all."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline_edge.vault.errors import VaultFrozen
from compline_edge.vault.home import Home
from compline_edge.vault.identity import create_identity, join
from compline_edge.warden import Warden
from compline_hub.core.orders import OrderState
from compline_shared.ids import HandsetId
from compline_shared.lease import HOUR
from compline_shared.reports import BindingState
from compline_shared.topics import up
from tests.branch_store import Branch, branch
from tests.lives import TurnedClock, living
from tests.verdicts import draft


class Idle:
    """Nothing is being judged."""

    async def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass


async def exchange(office: Branch, warden: Warden, handset: HandsetId) -> int:
    """Let the two talk until both are silent; returns how many frames the hub sent."""
    office.clock.now += 120
    office.post.sent.clear()
    waiting, sent = list(await warden.greet()), 0
    while waiting:
        assert sent < 20, "hub and handset never come to rest"
        office.intake.take([(up(handset), waiting.pop(0))])
        frames, office.post.sent = office.post.sent, []
        sent += len(frames)
        for _, frame in frames:
            waiting += await warden.hear(frame) or ()
    return sent


def joined(office: Branch, folder: Path, clock: TurnedClock) -> Home:
    home = folder / "home"
    request = create_identity(home)
    join(home, office.hub.enrolment.enrol(request, name="Desk 7", collector="Li Wei"), clock=clock)
    return living(home, clock)


async def test_life_when_ordered_by_the_hub_then_frozen_thawed_as_it_was_and_wiped(tmp_path: Path) -> None:
    clock = TurnedClock()
    with branch(tmp_path) as office:
        keys = [office.operator("Lin"), office.operator("Zhao")]
        with joined(office, tmp_path, clock) as home:
            warden = Warden(home, clock=clock, judging=Idle())
            handset = home.place.handset
            home.ledger.record(draft(), None)
            leases = await exchange(office, warden, handset)

            frozen = office.orders.freeze("Desk 7", by="ada").order
            await exchange(office, warden, handset)
            with pytest.raises(VaultFrozen):
                _ = home.vault

            rebound = office.orders.rebind("Desk 7", by="ada").order
            await exchange(office, warden, handset)
            opened = home.is_open

            wiped = office.approve(office.orders.wipe("Desk 7", by="ada").order, *keys)
            await exchange(office, warden, handset)
            state = home.binding.life.state

        assert leases == 1
        assert opened
        assert state is BindingState.WIPED
        states = [office.now_of(order).state for order in (frozen, rebound, wiped)]
        assert states == [OrderState.DONE] * 3
        assert office.alarms() == set()


async def test_lease_when_it_ended_then_the_hubs_own_rebind_opens_the_vault_for_good(tmp_path: Path) -> None:
    clock = TurnedClock()
    with branch(tmp_path) as office, joined(office, tmp_path, clock) as home:
        warden = Warden(home, clock=clock, judging=Idle())
        clock.run(73 * HOUR)

        await exchange(office, warden, home.place.handset)
        clock.run(HOUR)
        await warden.greet()

        assert home.binding.life.state is BindingState.BOUND
        assert home.place.epoch == 2
