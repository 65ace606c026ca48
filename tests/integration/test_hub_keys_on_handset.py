"""The agent's own warden on a real home when the hub's keys change."""

from __future__ import annotations

from pathlib import Path

from compline_edge.vault.home import Home
from compline_edge.vault.identity import create_identity, join
from compline_edge.warden import Warden
from compline_hub.core.key_sets import KnownKey
from compline_hub.rotation import retire, rotate
from compline_shared.commands import Command, Freeze, sign_command
from compline_shared.reports import BindingState, verify_report
from tests.bindings import STRANGER
from tests.branch_store import branch
from tests.integration.test_orders_on_disk import Idle, exchange, joined
from tests.lives import TurnedClock, living


def freeze_of(home: Home) -> Command:
    """A freeze that counts for the present binding, whoever signs it."""
    life = home.binding.life
    return Command(life.handset, life.binding, life.epoch, life.counter + 1, b"an order's id...", Freeze())


async def test_rotation_when_the_agent_hears_of_it_then_it_keeps_the_key_over_a_restart_and_obeys_it(
    tmp_path: Path,
) -> None:
    clock = TurnedClock()
    with branch(tmp_path) as office, joined(office, tmp_path, clock) as home:
        await exchange(office, Warden(home, clock=clock, judging=Idle()), home.place.handset)
        settings = office.hub.settings
    rotate(settings, KnownKey.COMMAND, by="ada")
    with branch(tmp_path) as office:
        office.clock.now += 3_600
        with living(tmp_path / "home", clock) as home:
            await exchange(office, Warden(home, clock=clock, judging=Idle()), home.place.handset)
        with living(tmp_path / "home", clock) as home:
            kept = home.hub_keys
            office.orders.freeze("Desk 7", by="ada")
            await exchange(office, Warden(home, clock=clock, judging=Idle()), home.place.handset)
            state = home.binding.life.state

        assert kept == office.hub.ring.sets.present
        assert (state, retire(office.hub)) == (BindingState.FROZEN, True)


async def test_command_when_it_comes_under_the_former_key_then_it_is_answered_by_a_report_and_not_obeyed(
    tmp_path: Path,
) -> None:
    clock = TurnedClock()
    with branch(tmp_path) as office, joined(office, tmp_path, clock) as home:
        settings, former = office.hub.settings, office.hub.keys.command
    rotate(settings, KnownKey.COMMAND, by="ada")
    with branch(tmp_path) as office, living(tmp_path / "home", clock) as home:
        warden = Warden(home, clock=clock, judging=Idle())
        await exchange(office, warden, home.place.handset)

        answers = await warden.hear(sign_command(freeze_of(home), former))
        strangers = await warden.hear(sign_command(freeze_of(home), STRANGER))
        unmoved = home.binding.life.state
        await warden.hear(sign_command(freeze_of(home), office.hub.keys.command))  # the control

        assert answers is not None
        (report,) = answers
        told = verify_report(report, home.identity.signing.public_key(), home.place.handset)
        assert told.hub_keys == office.hub.ring.sets.names.present
        assert (strangers, unmoved) == (None, BindingState.BOUND)
        assert home.binding.life.state is BindingState.FROZEN


async def test_rotation_when_the_handset_has_an_older_binding_too_then_each_gets_the_key_by_its_own_former_one(
    tmp_path: Path,
) -> None:
    clock = TurnedClock()
    with branch(tmp_path) as office, joined(office, tmp_path, clock) as home:
        warden = Warden(home, clock=clock, judging=Idle())
        office.orders.freeze("Desk 7", by="ada")
        await exchange(office, warden, home.place.handset)
        settings = office.hub.settings
    rotate(settings, KnownKey.COMMAND, by="ada")
    with branch(tmp_path) as office:
        office.clock.now += 3_600
        grant = office.hub.enrolment.enrol(
            create_identity(tmp_path / "home"), name="Desk 7", collector="Wang Fang"
        )
        join(tmp_path / "home", grant, clock=clock)
        with living(tmp_path / "home", clock) as home:
            before = {binding.hub_keys for binding in home.bindings.values()}
            waits = retire(office.hub)
            await exchange(office, Warden(home, clock=clock, judging=Idle()), home.place.handset)
            after = {binding.hub_keys for binding in home.bindings.values()}

        assert (len(before), waits) == (2, False)
        assert (after, retire(office.hub)) == ({office.hub.ring.sets.present}, True)
        assert grant.hub_keys in after
