"""A handset that got another collector: what becomes of the binding that it had before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from compline_hub.core import ordering
from compline_hub.core.enrolled import Binding
from compline_hub.core.orders import OrderKind, OrderState, Reason
from compline_hub.core.standing import NO_KEYS, Case, KeyNames
from compline_hub.errors import NoSuchHandset
from compline_hub.ports import Ledger
from compline_hub.service import cases, dispatch
from compline_shared.lease import HOUR
from compline_shared.reports import BindingState
from tests.branch_store import Branch, branch
from tests.simulated_handset import SimulatedHandset


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Branch]:
    with branch(tmp_path) as opened:
        yield opened


def paired(office: Branch, collector: str, *, on: SimulatedHandset | None = None) -> SimulatedHandset:
    """A binding's life, on a handset of its own or on one that had another binding before."""
    handset = SimulatedHandset()
    if on is not None:
        handset.id, handset.signing, handset.tls = on.id, on.signing, on.tls
    handset.join(office.hub.enrolment.enrol(handset.request, name="Desk 7", collector=collector))
    return handset


def lapse(handset: SimulatedHandset) -> None:
    """Hear no hub until the vault freezes by itself."""
    handset.pass_time(73 * HOUR)
    assert handset.readable is None


def always_newest(ledger: Ledger, binding: Binding, keys: KeyNames = NO_KEYS) -> Case:
    return replace(cases.case_of(ledger, binding, keys), newest=True)


def not_retired(case: Case, *, now: int) -> Case:
    assert now
    return case


def test_former_binding_when_it_froze_by_its_lease_then_it_stays_frozen(office: Branch) -> None:
    former = paired(office, "Li Wei")
    lapse(former)
    present = paired(office, "Wang Fang", on=former)

    office.meet(former)
    office.meet(former)

    assert former.readable is None
    assert present.readable is not None
    assert office.hub.reading.orders(former.id, limit=9) == []


def test_former_binding_when_an_older_hub_left_it_wanted_bound_then_it_stays_frozen(
    office: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "retire", not_retired)
    former = paired(office, "Li Wei")
    lapse(former)
    paired(office, "Wang Fang", on=former)

    office.meet(former)
    office.meet(former)

    assert former.readable is None


def test_former_binding_control_when_neither_rule_is_there_then_it_would_thaw(
    office: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "retire", not_retired)
    monkeypatch.setattr(dispatch, "case_of", always_newest)
    former = paired(office, "Li Wei")
    lapse(former)
    paired(office, "Wang Fang", on=former)

    office.meet(former)
    office.meet(former)

    assert former.readable is not None


def test_rebind_when_its_handset_gets_another_collector_then_it_is_superseded(office: Branch) -> None:
    former = paired(office, "Li Wei")
    office.orders.freeze("Desk 7", by="ada")
    office.meet(former)
    order = office.orders.rebind("Desk 7", by="ada").order

    paired(office, "Wang Fang", on=former)
    office.meet(former)

    assert former.readable is None
    assert office.now_of(order).state is OrderState.SUPERSEDED
    assert office.now_of(order).reason is Reason.LATER_ORDER


def test_former_binding_when_its_files_are_put_back_then_it_is_frozen_again(office: Branch) -> None:
    former = paired(office, "Li Wei")
    paired(office, "Wang Fang", on=former)

    office.meet(former)

    (order,) = office.hub.reading.orders(former.id, limit=9)
    assert (order.kind, order.state) == (OrderKind.FREEZE, OrderState.DONE)
    assert former.readable is None


def test_standings_when_a_handset_has_two_bindings_then_the_newest_ones_is_shown(office: Branch) -> None:
    former = paired(office, "Li Wei")
    for _ in range(2):  # into a higher epoch than the next binding's
        office.orders.freeze("Desk 7", by="ada")
        office.meet(former)
        office.orders.rebind("Desk 7", by="ada")
        office.meet(former)
    present = paired(office, "Wang Fang", on=former)
    office.meet(present)
    office.meet(former)

    standing = office.hub.reading.standings()[present.id]

    assert former.life.epoch == 3
    assert standing.told is not None
    assert (standing.told.epoch, standing.told.state) == (1, BindingState.BOUND)


def test_collector_when_the_handset_is_unbound_wiped_or_only_frozen_by_its_lease_then_released_or_not(
    office: Branch,
) -> None:
    keys = [office.operator("Lin"), office.operator("Zhao")]
    first = paired(office, "Li Wei")
    holders = [office.hub.enrolment.holder_of("Li Wei")]
    lapse(first)
    office.hear(first, first.report())  # frozen by its lease: it thaws by itself
    holders.append(office.hub.enrolment.holder_of("Li Wei"))
    office.meet(first)
    office.orders.freeze("Desk 7", by="ada")
    holders.append(office.hub.enrolment.holder_of("Li Wei"))
    office.meet(first)
    unbound = office.hub.enrolment.holder_of("Li Wei")
    office.orders.rebind("Desk 7", by="ada")
    holders.append(office.hub.enrolment.holder_of("Li Wei"))
    office.approve(office.orders.wipe("Desk 7", by="ada").order, *keys)
    office.meet(first)
    wiped = office.hub.enrolment.holder_of("Li Wei")

    assert [holder is not None and holder.id for holder in holders] == [first.id] * 4
    assert (unbound, wiped) == (None, None)


def test_wipe_when_it_names_a_former_collector_then_that_vault_goes_and_the_present_one_stays(
    office: Branch,
) -> None:
    keys = [office.operator("Lin"), office.operator("Zhao")]
    former = paired(office, "Li Wei")
    lapse(former)
    present = paired(office, "Wang Fang", on=former)
    office.meet(former)
    before = office.orders.vaults("Desk 7")

    given = office.orders.wipe("Desk 7", by="ada", collector="Li Wei")
    office.approve(given.order, *keys)
    office.meet(former)
    office.meet(present)

    assert before == ("Wang Fang", "Li Wei")
    assert given.whose == "Desk 7, of Li Wei"
    assert former.life.state is BindingState.WIPED
    assert present.readable is not None
    assert office.orders.vaults("Desk 7") == ("Wang Fang",)
    with pytest.raises(NoSuchHandset, match="No vault of Li Wei"):
        office.orders.wipe("Desk 7", by="ada", collector="Li Wei")
