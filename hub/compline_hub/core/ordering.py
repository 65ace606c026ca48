"""Takes an order or an approval, or says why not; pure.

A later order supersedes an earlier one that contradicts it: a freeze recalls a rebind (and takes the place of an older
freeze), a rebind recalls a wipe that lacks approvals, a policy recalls an older one. A rebind does not recall a freeze,
which may be on its way already: it waits behind it. So a binding has at most one pending order of each kind.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from compline_hub.core.commanding import template
from compline_hub.core.orders import Order, OrderKind, OrderState, PolicyTerms, Reason, roster_of
from compline_hub.core.standing import Case
from compline_shared.commands import APPROVERS, Approval, Operator, approvers
from compline_shared.lease import LeaseTimes
from compline_shared.reports import BindingState
from compline_shared.strictness import Strictness

WIPES_AN_HOUR: Final = 3
"""Wipes that a hub takes within an hour without central's approval."""
WIPE_WINDOW: Final = 3_600


def freeze(case: Case, order: Order) -> Case | Reason:
    """Take a freeze; returns the case with it."""
    if case.gone:
        return Reason.WIPED
    if case.wiping:
        return Reason.WIPE_UNDER_WAY
    if case.standing.wanted is BindingState.FROZEN:
        return Reason.ALREADY_FROZEN
    recalled = _recalled(case, OrderKind.REBIND, OrderKind.FREEZE, now=order.ordered)
    return _wanted(recalled, BindingState.FROZEN, order)


def rebind(case: Case, order: Order, *, elsewhere: bool = False) -> Case | Reason:
    """Take a rebind; ``elsewhere`` says that the collector works with another handset."""
    if case.gone:
        return Reason.WIPED
    if case.wiping:
        return Reason.WIPE_UNDER_WAY
    if case.standing.wanted is BindingState.BOUND:
        return Reason.ALREADY_BOUND
    if elsewhere:
        return Reason.COLLECTOR_ELSEWHERE
    if case.secrets_lost:
        return Reason.SECRETS_LOST
    return _wanted(_recalled(case, OrderKind.WIPE, now=order.ordered), BindingState.BOUND, order)


def retire(case: Case, *, now: int) -> Case:
    """Settle a binding whose handset gets a later one: it is to stay frozen, and no rebind of it goes out."""
    recalled = _recalled(case, OrderKind.REBIND, now=now)
    return replace(recalled, standing=replace(recalled.standing, wanted=BindingState.FROZEN))


def wipe(case: Case, order: Order, *, recent: int) -> Case | Reason:
    """Take a wipe, which waits for its approvals; ``recent`` counts this hub's wipes within `WIPE_WINDOW`."""
    if case.gone:
        return Reason.WIPED
    if case.pending(OrderKind.WIPE):
        return Reason.WIPE_UNDER_WAY
    if len(case.standing.roster) < APPROVERS:
        return Reason.NO_OPERATORS
    if recent >= WIPES_AN_HOUR:
        return Reason.TOO_MANY_WIPES
    return case.changed(replace(order, needed=APPROVERS))


def policy(
    case: Case,
    order: Order,
    *,
    times: LeaseTimes,
    operators: tuple[Operator, ...],
    strictness: Strictness = (),
) -> Case | Reason:
    """Take a policy; another roster than the handset's needs approvals once that has two operators."""
    standing = case.standing
    if case.gone:
        return Reason.WIPED
    settled = len(standing.roster) >= APPROVERS
    if settled and len(operators) < APPROVERS:
        return Reason.TOO_FEW_OPERATORS
    version = max(standing.policy, standing.told.policy if standing.told else 0) + 1
    needed = APPROVERS if settled and operators != standing.roster else 0
    taken = replace(
        order,
        terms=PolicyTerms(version, times, operators, strictness),
        needed=needed,
        due=None if needed else order.ordered,
    )
    recalled = _recalled(case, OrderKind.POLICY, now=order.ordered)
    return replace(recalled, standing=replace(standing, policy=version)).changed(taken)


def approve(case: Case, order: Order, approval: Approval, *, now: int) -> Case | Reason:
    """Add an operator's approval; the order is sent when two different ones have approved."""
    if not order.pending or not order.needed:
        return Reason.NOTHING_TO_APPROVE
    if any(given.operator == approval.operator for given in order.approvals):
        return Reason.ALREADY_APPROVED
    roster = roster_of(case.standing.roster)
    approved = replace(order, approvals=(*order.approvals, approval))
    if approval.operator not in approvers(template(approved), roster):
        return Reason.NOT_AN_OPERATOR
    if not approved.ready:
        return case.changed(approved)
    if order.kind is OrderKind.WIPE:
        case = _recalled(case, OrderKind.REBIND, now=now)
    return case.changed(replace(approved, due=now))


def _wanted(case: Case, state: BindingState, order: Order) -> Case:
    standing = replace(case.standing, wanted=state)
    return replace(case, standing=standing).changed(replace(order, due=order.ordered))


def _recalled(case: Case, *kinds: OrderKind, now: int) -> Case:
    recalled = (
        order.settled(OrderState.SUPERSEDED, now=now, reason=Reason.LATER_ORDER)
        for kind in kinds
        for order in case.pending(kind)
    )
    return case.changed(*recalled)
