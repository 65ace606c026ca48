"""Builds what is signed: which orders go out now, at which counter, answering which nonce; pure.

A restrictive command that the handset cannot have used yet goes out again as it was; everything else takes the next
counter above both the handset's and the hub's own. Rebinds, policies and leases wait while a freeze or an approved wipe
is on its way, and a rebind waits until the handset says that it is frozen; it is never signed
for a binding that is not the handset's newest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from compline_hub.core.orders import Order, OrderKind
from compline_hub.core.standing import Case, Question, told_question
from compline_shared.commands import Body, Command, Freeze, Lease, Policy, Rebind, Rekey, Wipe
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.reports import BindingState


@dataclass(frozen=True, slots=True)
class Signing:
    """An order with the place at which it is to be signed, and the question that it answers."""

    order: Order
    epoch: int
    counter: int
    question: Question | None


def sendable(case: Case, order: Order) -> bool:
    """Whether an order may go out now."""
    told = case.standing.told
    if not (order.pending and order.ready and case.reachable):
        return False
    if order.restrictive:
        return True
    if case.restricted or told_question(case.standing) is None or told is None:
        return False
    return order.kind is not OrderKind.REBIND or (
        told.state is BindingState.FROZEN and case.epoch == case.binding.epoch and case.newest
    )


def signings(case: Case, orders: Iterable[Order], *, now: int) -> tuple[Case, tuple[Signing, ...]]:
    """Place each of ``orders`` that may go out; what may not is looked at again later."""
    placed: list[Signing] = []
    for order in orders:
        if sendable(case, order):
            case, counter = _placed(case, order)
            placed.append(Signing(order, case.epoch, counter, told_question(case.standing)))
            case = case.changed(order.sent(epoch=case.epoch, counter=counter, now=now))
        elif order.due is not None and order.due <= now:
            waiting = order.sent(epoch=order.epoch, counter=order.counter, now=now)
            case = case.changed(replace(waiting, tries=order.tries))
    return case, tuple(placed)


def next_counter(case: Case) -> tuple[Case, int]:
    """Use up the next counter."""
    told = case.standing.told
    counter = max(case.standing.signed, told.counter if told else 0) + 1
    return replace(case, standing=replace(case.standing, signed=counter)), counter


def template(order: Order) -> Command:
    """The command of an order as operators sign it: at no counter, answering nothing, with the approvals so far."""
    return _command(order, _body(order, nonce=bytes(16), sealed=b""), epoch=0, counter=0)


def command(signing: Signing, *, sealed: bytes) -> Command:
    """The command to sign; ``sealed`` is a rebind's secrets, empty otherwise."""
    nonce = bytes(16) if signing.question is None else signing.question.nonce
    body = _body(signing.order, nonce=nonce, sealed=sealed)
    return _command(signing.order, body, epoch=signing.epoch, counter=signing.counter)


def lease(case: Case, *, id: bytes, nonce: bytes, now: int) -> tuple[Case, Command]:  # noqa: A002
    """A renewal that answers a nonce."""
    case, renewal = _answer(case, Lease(nonce=nonce, hub_time=now), id=id)
    return replace(case, standing=replace(case.standing, leased=now)), renewal


def rekey(case: Case, *, id: bytes, nonce: bytes, keys: HubPublicKeys, now: int) -> tuple[Case, Command]:  # noqa: A002
    """What tells the handset of the present keys, and answers a nonce."""
    case, change = _answer(case, Rekey(nonce=nonce, keys=keys), id=id)
    return replace(case, standing=replace(case.standing, rekeyed=now)), change


def _answer(case: Case, body: Body, *, id: bytes) -> tuple[Case, Command]:  # noqa: A002
    case, counter = next_counter(case)
    binding = case.binding
    made = Command(
        handset=bytes.fromhex(binding.handset),
        binding=bytes.fromhex(binding.id),
        epoch=case.epoch,
        counter=counter,
        id=id,
        body=body,
    )
    return case, made


def _placed(case: Case, order: Order) -> tuple[Case, int]:
    told = case.standing.told
    used = told.counter if told else 0
    if order.restrictive and order.counter > used and order.epoch == case.epoch:
        return case, order.counter
    return next_counter(case)


def _command(order: Order, body: Body, *, epoch: int, counter: int) -> Command:
    return Command(
        handset=bytes.fromhex(order.handset),
        binding=bytes.fromhex(order.binding),
        epoch=epoch,
        counter=counter,
        id=order.id,
        body=body,
    )


def _body(order: Order, *, nonce: bytes, sealed: bytes) -> Body:
    match order.kind:
        case OrderKind.FREEZE:
            return Freeze()
        case OrderKind.REBIND:
            return Rebind(nonce=nonce, sealed=sealed)
        case OrderKind.WIPE:
            return Wipe(approvals=order.approvals)
        case OrderKind.POLICY:
            terms = order.terms
            if terms is None:
                raise ValueError("a policy order has terms")
            return Policy(
                nonce=nonce,
                version=terms.version,
                times=terms.times,
                operators=terms.operators,
                approvals=order.approvals,
                strictness=terms.strictness,
            )
