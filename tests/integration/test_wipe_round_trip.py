"""A wipe from its order to the handset's last word: two operators, checked on both sides, believed only when done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compline_hub.core.alarm import AlarmKind
from compline_hub.core.audit import Act
from compline_hub.core.orders import Order, OrderState, Reason
from compline_hub.errors import OrderRefused
from compline_shared.lease import LeaseTimes
from compline_shared.reports import BindingState
from compline_shared.strictness import points_of
from compline_shared.taxonomy import Category
from tests.branch_store import Branch, branch
from tests.postgres_server import Database
from tests.refusals import not_taken
from tests.simulated_handset import SimulatedHandset

DAY = 86_400


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Branch]:
    with branch(tmp_path, database=database.url) as opened:
        yield opened


@pytest.fixture
def keys(office: Branch) -> list[Ed25519PrivateKey]:
    return [office.operator("Lin"), office.operator("Zhao")]


def wiped_without_approval(office: Branch, handset: SimulatedHandset) -> Order:
    """What a hub would send whose own check was taken out."""
    order = office.orders.wipe("Desk 7", by="mallory").order
    with office.hub.store.transaction() as ledger:
        ledger.book.keep(replace(order, needed=0, due=0))
    office.meet(handset)
    return office.now_of(order)


def test_wipe_when_two_operators_approved_then_the_vault_is_gone_and_so_is_its_escrow(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    handset = office.simulated()
    order = office.orders.wipe("Desk 7", by="ada").order

    office.approve(order, *keys)
    office.meet(handset)

    assert handset.life.state is BindingState.WIPED
    assert office.now_of(order).state is OrderState.DONE
    assert (office.binding(handset).escrow, office.binding(handset).next_escrow) == (b"", None)
    acts = [entry.act for entry in office.audited()]
    assert acts.count(Act.APPROVED) == 2
    assert Act.ESCROW_DESTROYED in acts


def test_wipe_when_one_operator_approves_twice_then_it_does_not_count_and_nothing_is_sent(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    handset = office.simulated()
    order = office.orders.wipe("Desk 7", by="ada").order
    office.approve(order, keys[0])

    with pytest.raises(OrderRefused, match=not_taken(Reason.ALREADY_APPROVED)):
        office.approve(office.now_of(order), keys[0])
    office.meet(handset)

    assert handset.readable is not None
    assert office.audited()[-1].detail == Reason.ALREADY_APPROVED.code


def test_wipe_when_a_stranger_approves_then_it_is_refused(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    office.simulated()
    order = office.orders.wipe("Desk 7", by="ada").order

    with pytest.raises(OrderRefused, match=not_taken(Reason.NOT_AN_OPERATOR)):
        office.approve(order, Ed25519PrivateKey.generate())


def test_wipe_when_an_approval_of_another_command_is_shown_then_it_is_refused(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    office.simulated("Desk 7")
    office.simulated("Desk 8")
    seven = office.orders.wipe("Desk 7", by="ada").order
    eight = office.orders.wipe("Desk 8", by="ada").order

    with pytest.raises(OrderRefused, match=not_taken(Reason.NOT_AN_OPERATOR)):
        office.orders.approve(eight.id, office.sign(seven, keys[0]))


def test_wipe_when_the_hubs_own_check_is_taken_out_then_the_handset_still_refuses(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    handset = office.simulated()

    order = wiped_without_approval(office, handset)

    assert (order.state, order.reason) == (OrderState.REFUSED, Reason.NOT_APPROVED)
    assert handset.readable is not None


def test_wipe_control_when_the_handsets_check_is_taken_out_too_then_the_vault_is_lost(
    office: Branch, keys: list[Ed25519PrivateKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    handset = office.simulated()
    monkeypatch.setattr("compline_edge.core.binding_life.APPROVERS", 0)

    wiped_without_approval(office, handset)

    assert handset.readable is None


def test_wipe_when_the_power_fails_while_it_erases_then_only_the_end_counts_as_done(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    handset = office.simulated()
    order = office.approve(office.orders.wipe("Desk 7", by="ada").order, *keys)
    handset.cut_off = True
    office.meet(handset)
    halfway = (office.now_of(order).state, bool(office.binding(handset).escrow))

    handset.restart()
    office.meet(handset)

    assert halfway == (OrderState.SEEN, True)
    assert (office.now_of(order).state, office.binding(handset).escrow) == (OrderState.DONE, b"")


def test_wipe_when_it_is_the_fourth_within_an_hour_then_central_would_have_to_approve(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    for desk in "1234":
        office.simulated(desk)
    for desk in "123":
        office.orders.wipe(desk, by="ada")

    with pytest.raises(OrderRefused, match=not_taken(Reason.TOO_MANY_WIPES)):
        office.orders.wipe("4", by="ada")
    office.clock.now += 3_600

    assert office.orders.wipe("4", by="ada").order.needed == 2


def test_wipe_when_the_handset_knows_no_operators_then_it_is_refused_with_what_to_do(office: Branch) -> None:
    office.simulated()

    with pytest.raises(OrderRefused, match=not_taken(Reason.NO_OPERATORS)):
        office.orders.wipe("Desk 7", by="ada")


def test_wipe_when_the_handset_is_bound_anew_before_it_was_approved_then_it_is_recalled(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    handset = office.simulated()
    office.orders.freeze("Desk 7", by="ada")
    office.meet(handset)
    order = office.orders.wipe("Desk 7", by="ada").order

    office.orders.rebind("Desk 7", by="ada")

    assert office.now_of(order).state is OrderState.SUPERSEDED
    with pytest.raises(OrderRefused, match=not_taken(Reason.NOTHING_TO_APPROVE)):
        office.approve(order, keys[0])


def test_orders_when_the_binding_is_wiped_then_each_is_refused(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    handset = office.simulated()
    office.approve(office.orders.wipe("Desk 7", by="ada").order, *keys)
    office.meet(handset)

    for order in (office.orders.freeze, office.orders.rebind, office.orders.wipe):
        with pytest.raises(OrderRefused, match=not_taken(Reason.WIPED)):
            order("Desk 7", by="ada")


def test_lease_when_it_lapsed_then_the_hub_learns_that_the_vault_is_gone_and_says_so(office: Branch) -> None:
    handset = office.simulated()
    handset.pass_time(31 * DAY)

    office.meet(handset)

    assert office.alarms() == {AlarmKind.LAPSED}
    assert office.binding(handset).escrow == b""


def test_operators_when_two_are_added_later_then_the_handset_takes_them_without_approvals(
    office: Branch,
) -> None:
    handset = office.simulated()
    lin, zhao = office.operator("Lin"), office.operator("Zhao")
    office.meet(handset)

    order = office.approve(office.orders.wipe("Desk 7", by="ada").order, lin, zhao)
    office.meet(handset)

    assert office.now_of(order).state is OrderState.DONE


def test_operators_when_a_third_comes_then_two_of_the_present_ones_must_approve_it(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    handset = office.simulated()
    office.operator("Qian")
    (order,) = office.hub.reading.orders(handset.id, limit=1)
    office.meet(handset)
    before = len(handset.life.terms.operators)

    office.approve(order, *keys)
    office.meet(handset)

    assert (before, len(handset.life.terms.operators)) == (2, 3)
    assert office.now_of(order).state is OrderState.DONE


def test_operators_when_only_two_are_left_then_none_may_be_removed(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    office.simulated()

    with pytest.raises(OrderRefused, match=not_taken(Reason.TOO_FEW_OPERATORS)):
        office.roll.remove("Lin", by="ada")

    assert [record.removed for record in office.roll.all()] == [None, None]
    assert office.audited()[-1].detail == Reason.TOO_FEW_OPERATORS.code


def test_policy_when_set_then_the_handset_works_by_the_new_times(office: Branch) -> None:
    handset = office.simulated()
    times = LeaseTimes(warn=3_600, freeze=7_200, destroy=10 * DAY)

    office.orders.policy(times, by="ada")
    office.meet(handset)

    assert handset.life.terms.times == times
    assert office.simulated("Desk 8").grant.times == times


def test_strictness_when_set_then_it_holds_over_freeze_and_rebind_and_for_who_pairs_later(
    office: Branch,
) -> None:
    handset = office.simulated()
    strictness = (points_of(Category.ABUSE, review=60, whisper=80, alarm=95),)

    office.orders.grade(strictness[0], by="ada")
    office.meet(handset)
    office.orders.freeze("Desk 7", by="ada")
    office.meet(handset)
    frozen = handset.life
    office.orders.rebind("Desk 7", by="ada")
    office.meet(handset)

    assert (frozen.state, frozen.terms.strictness) == (BindingState.FROZEN, strictness)
    assert (handset.life.state, handset.life.terms.strictness) == (BindingState.BOUND, strictness)
    assert office.simulated("Desk 8").life.terms.strictness == strictness


def test_operators_when_they_change_then_strictness_stays(
    office: Branch, keys: list[Ed25519PrivateKey]
) -> None:
    handset = office.simulated()
    chosen = points_of(Category.ABUSE, review=60, whisper=80, alarm=95)
    office.orders.grade(chosen, by="ada")
    office.meet(handset)

    office.operator("Wu")
    office.approve(office.hub.reading.orders(handset.id, limit=1)[0], *keys)
    office.meet(handset)

    assert len(handset.life.terms.operators) == 3
    assert handset.life.terms.strictness == (chosen,)
