"""Orders from the hub's book to a handset's life and back, over real frames and the agent's own rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from compline_hub.core.audit import Act
from compline_hub.core.intake import Refusal
from compline_hub.core.orders import OrderState
from compline_hub.service.intake import Taken
from compline_shared.commands import Command, Freeze, Lease, Rebind, verify_command
from compline_shared.reports import BindingState, sign_report
from tests.branch_store import Branch, branch
from tests.postgres_server import Database
from tests.simulated_handset import SimulatedHandset
from tests.wire_handset import drafts

HOUR = 3_600


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Branch]:
    with branch(tmp_path, database=database.url) as opened:
        yield opened


def test_unbind_when_the_handset_meets_the_hub_then_nothing_opens_the_vault_and_the_order_is_done(
    office: Branch,
) -> None:
    handset = office.simulated()

    order = office.orders.freeze("Desk 7", by="ada").order
    office.meet(handset)

    assert handset.readable is None
    assert office.now_of(order).state is OrderState.DONE
    assert [entry.act for entry in office.audited()][:3] == [Act.BOUND, Act.ORDERED, Act.DONE]


def test_rebind_when_frozen_then_the_vault_opens_with_the_same_key_in_the_next_epoch(office: Branch) -> None:
    handset = office.simulated()
    key = handset.readable
    office.orders.freeze("Desk 7", by="ada")
    office.meet(handset)

    order = office.orders.rebind("Desk 7", by="ada").order
    office.meet(handset)

    assert handset.readable == key
    assert handset.life.epoch == 2
    assert office.now_of(order).state is OrderState.DONE
    assert (office.binding(handset).epoch, office.binding(handset).next_escrow) == (2, None)
    assert Act.EPOCH_BEGAN in [entry.act for entry in office.audited()]


def test_life_when_unbound_and_bound_five_times_then_the_key_is_the_same(office: Branch) -> None:
    handset = office.simulated()
    key = handset.readable
    for _ in range(5):
        office.orders.freeze("Desk 7", by="ada")
        office.meet(handset)
        assert handset.readable is None
        office.orders.rebind("Desk 7", by="ada")
        office.meet(handset)
        assert handset.readable == key
    assert handset.life.epoch == 6


def test_orders_when_taken_while_nothing_was_heard_then_a_freeze_leaves_at_once_and_a_rebind_waits_behind_it(
    office: Branch,
) -> None:
    handset = office.simulated()
    office.orders.freeze("Desk 7", by="ada")
    office.orders.rebind("Desk 7", by="ada")

    assert office.dispatch.send_due() == 1
    assert office.hand_over(handset) == 1
    frozen_in_between = handset.readable is None
    office.meet(handset)

    assert frozen_in_between
    assert handset.readable is not None
    assert [type(command.body) for command in handset.taken[:3]] == [Freeze, Lease, Rebind]


def test_lease_when_the_handset_reports_then_it_is_renewed_and_the_two_come_to_rest(office: Branch) -> None:
    handset = office.simulated()
    handset.pass_time(30 * HOUR)

    office.meet(handset)

    assert handset.account.used == 0
    assert [type(command.body) for command in handset.taken] == [Lease]


def test_lease_when_a_freeze_is_on_its_way_then_none_is_given(office: Branch) -> None:
    """Somebody who holds freezes back on the wire must not get leases through."""
    handset = office.simulated()
    handset.pass_time(30 * HOUR)
    office.orders.freeze("Desk 7", by="ada")

    office.hear(handset, handset.report())

    assert [type(_command(office, handset, frame).body) for _, frame in office.post.sent] == [Freeze]


def test_lease_when_it_ended_then_the_hub_thaws_the_handset_by_itself_and_it_stays_bound(
    office: Branch,
) -> None:
    handset = office.simulated()
    key = handset.readable
    handset.pass_time(73 * HOUR)
    assert handset.readable is None

    office.meet(handset)
    handset.pass_time(1)

    assert handset.readable == key
    assert handset.life.epoch == 2


def test_lease_when_it_ended_after_an_unbind_then_the_handset_stays_frozen(office: Branch) -> None:
    handset = office.simulated()
    handset.pass_time(73 * HOUR)
    office.orders.freeze("Desk 7", by="ada")

    office.meet(handset)
    office.meet(handset)

    assert handset.readable is None
    assert handset.life.epoch == 1


def test_rebind_when_the_handset_restarted_then_a_new_nonce_is_answered(office: Branch) -> None:
    handset = office.simulated()
    office.orders.freeze("Desk 7", by="ada")
    office.meet(handset)
    handset.restart()
    order = office.orders.rebind("Desk 7", by="ada").order

    office.dispatch.send_due()
    office.hand_over(handset)
    assert handset.life.state is BindingState.FROZEN
    office.meet(handset)

    assert office.now_of(order).state is OrderState.DONE


def test_rebind_when_the_disk_is_full_then_it_waits_and_is_done_once_there_is_room(office: Branch) -> None:
    handset = office.simulated()
    office.orders.freeze("Desk 7", by="ada")
    office.meet(handset)
    handset.room = False
    order = office.orders.rebind("Desk 7", by="ada").order
    office.meet(handset)
    assert office.now_of(order).state is OrderState.SEEN

    handset.room = True
    office.clock.now += HOUR
    office.meet(handset)

    assert office.now_of(order).state is OrderState.DONE


def test_verdicts_when_owed_from_before_a_freeze_and_a_rebind_then_every_one_is_taken(office: Branch) -> None:
    handset = office.simulated()
    handset.judge(*drafts(6))
    before, later = handset.frame(1, 2), handset.frame(3, 4)
    office.orders.freeze("Desk 7", by="ada")
    office.meet(handset)
    while_frozen = office.hear(handset, before)
    office.orders.rebind("Desk 7", by="ada")
    office.meet(handset)

    of_the_old_epoch, of_the_new = office.hear(handset, later), office.hear(handset, handset.frame(5, 6))

    for outcome in (while_frozen, of_the_old_epoch, of_the_new):
        assert isinstance(outcome, Taken)
        assert len(outcome.answer.links) == 2


def test_report_when_of_a_binding_of_another_handset_then_it_is_refused(office: Branch) -> None:
    handset, other = office.simulated("Desk 7"), office.simulated("Desk 8")
    foreign = msgspec.structs.replace(handset.telling(), binding=other.life.binding)

    outcome = office.hear(handset, sign_report(foreign, handset.signing))

    assert outcome is Refusal.WRONG_BINDING


def test_report_when_signed_by_another_handset_then_it_is_refused(office: Branch) -> None:
    handset, other = office.simulated("Desk 7"), office.simulated("Desk 8")

    assert office.hear(handset, sign_report(handset.telling(), other.signing)) is Refusal.BAD_FRAME
    assert office.post.sent == []


def test_report_when_repeated_by_the_broker_then_nothing_is_answered(office: Branch) -> None:
    handset = office.simulated()
    frame = handset.report()
    office.hear(handset, frame)
    office.post.sent.clear()

    office.hear(handset, frame)

    assert office.post.sent == []


def _command(office: Branch, handset: SimulatedHandset, frame: bytes) -> Command:
    return verify_command(frame, office.hub.keys.command.public_key(), handset.id)
