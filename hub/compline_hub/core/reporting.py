"""Decides on a report: what became of orders, which epoch is settled, what the hub orders by itself, what is wrong.

report ─▶ repeated? ─▶ results ─▶ epoch ─▶ ends by state ─▶ contradictions ─▶ Heard
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, unique
from typing import Final

import msgspec

from compline_hub.core.alarm import AlarmKind
from compline_hub.core.enrolled import Binding
from compline_hub.core.orders import BY_HUB, Order, OrderKind, OrderState, Reason
from compline_hub.core.standing import NONCES, Case, Question, Told
from compline_shared.reports import BindingState, Cause, CommandOutcome, Report, Result

PAUSE: Final = 60
"""Seconds between two leases, and within which reports count as one exchange: a handset answers every command with a
report, so an answer to each without end would never let the two come to rest."""
MANY_TRIES: Final = 3
"""Tries after which an order waits for its time within one exchange."""


@unique
class Escrow(Enum):
    """What becomes of the secrets that the hub keeps of a binding."""

    KEPT = "kept"
    NEXT = "next"  # the new epoch began: its secrets take the place of the old ones
    DESTROYED = "destroyed"  # the binding is wiped


@dataclass(frozen=True, slots=True)
class Heard:
    """What a report changes; `case` holds the orders that it settled and those that the hub adds."""

    case: Case
    escrow: Escrow = Escrow.KEPT
    alarms: tuple[AlarmKind, ...] = ()
    repeated: bool = False  # it came before: nothing is answered
    lease: bool = False  # whether it is answered with a renewal
    rekey: bool = False  # whether it is answered with the present keys
    held: frozenset[bytes] = frozenset()  # ids of orders that wait although a report came


def hear(case: Case, report: Report, *, now: int, fresh: bytes) -> Heard:
    """Decide on a report that the binding's handset signed; ``fresh`` is a random id for an order of the hub's own."""
    if report.nonce in case.standing.nonces:  # MQTT may deliver twice
        return Heard(case, repeated=True)
    behind, gone, held = _behind(case, report), case.gone, _held(case, now=now)
    case = replace(case, spoken=report.epoch)
    case = _judged(case, report, now=now)
    escrow = _escrow(case, report)
    case = _noted(case, report, now=now, behind=behind)
    case = _ended(case, report, now=now)
    alarms = _alarms(case, report, behind=behind, gone=gone)
    case, contradiction = _contradicted(case, report, behind=behind, draft=_draft(case, fresh, now=now))
    if escrow is Escrow.NEXT:
        case = replace(case, binding=_next_epoch(case.binding))
    elif escrow is Escrow.DESTROYED:
        case = replace(case, binding=replace(case.binding, escrow=b"", next_escrow=None))
    return Heard(
        case,
        escrow=escrow,
        alarms=tuple(dict.fromkeys((*alarms, *contradiction))),
        lease=not behind and _leased(report) and _given(case, last=case.standing.leased, now=now),
        rekey=not behind and _rekeyed(case, report) and _given(case, last=case.standing.rekeyed, now=now),
        held=held,
    )


def _behind(case: Case, report: Report) -> bool:
    """Whether an older state speaks: files put back from a copy, or a report that somebody played again."""
    told = case.standing.told
    if told is None:
        return report.epoch < case.binding.epoch
    undone = told.state is BindingState.WIPED and report.state is not BindingState.WIPED
    return undone or (report.epoch, report.counter) < (told.epoch, told.counter)


def _judged(case: Case, report: Report, *, now: int) -> Case:
    results = {result.command: result for result in report.results}
    for order in case.orders:
        result = results.get(order.id)
        if not order.pending:
            continue
        if result is not None:
            case = case.changed(_after(order, result, report, now=now))
        elif order.counter and (order.counter, order.epoch) == (report.counter, report.epoch):
            case = case.changed(_seen(order, now=now))
    return case


def _after(order: Order, result: Result, report: Report, *, now: int) -> Order:
    """What a result makes of its order; a refusal that time or a new signature heals leaves it pending."""
    match result.outcome:
        case CommandOutcome.DONE:
            if order.kind is OrderKind.WIPE and report.state is not BindingState.WIPED:
                return _seen(order, now=now)
            return order.settled(OrderState.DONE, now=now)
        case CommandOutcome.WIPE_STARTED:
            return _seen(order, now=now)
        case CommandOutcome.OLD_POLICY:
            if order.terms is None or order.needed:  # operators approved that very version
                return order.settled(OrderState.REFUSED, now=now, reason=Reason.OLD_POLICY)
            terms = msgspec.structs.replace(order.terms, version=report.policy + 1)
            return replace(order, terms=terms, reason=Reason.OLD_POLICY)
        case CommandOutcome.NOT_APPROVED:
            return order.settled(OrderState.REFUSED, now=now, reason=Reason.NOT_APPROVED)
        case CommandOutcome.UNOPENED:
            return order.settled(OrderState.REFUSED, now=now, reason=Reason.UNOPENED)
        case CommandOutcome.WRONG_STATE:
            if order.kind is OrderKind.REBIND and report.state is BindingState.BOUND:
                return order.settled(OrderState.REFUSED, now=now, reason=Reason.WRONG_STATE)
            return _seen(order, now=now, reason=Reason.WRONG_STATE)
        case CommandOutcome.WRONG_EPOCH:
            return _seen(order, now=now, reason=Reason.WRONG_EPOCH)
        case CommandOutcome.OLD_NONCE:
            return _seen(order, now=now, reason=Reason.OLD_NONCE)
        case CommandOutcome.TOO_OFTEN:
            return _seen(order, now=now, reason=Reason.TOO_OFTEN)
        case CommandOutcome.NO_ROOM:
            return _seen(order, now=now, reason=Reason.NO_ROOM)


def _seen(order: Order, *, now: int, reason: Reason | None = None) -> Order:
    changed = order.changed if order.state is OrderState.SEEN else now
    return replace(order, state=OrderState.SEEN, reason=reason, changed=changed)


def _escrow(case: Case, report: Report) -> Escrow:
    binding = case.binding
    if report.state is BindingState.WIPED:
        return Escrow.DESTROYED if binding.escrow else Escrow.KEPT
    begun = binding.next_escrow is not None and report.epoch == binding.epoch + 1
    return Escrow.NEXT if begun else Escrow.KEPT


def _noted(case: Case, report: Report, *, now: int, behind: bool) -> Case:
    """Keep the report as the handset's newest word, and what its results say of who may approve there."""
    standing = replace(
        case.standing,
        nonces=(*case.standing.nonces, report.nonce)[-NONCES:],
        hub_keys=report.hub_keys,
        rekeyed=case.standing.rekeyed if report.hub_keys != case.keys.present else None,
    )
    for order in case.orders:
        if order.state is OrderState.DONE and order.terms is not None:
            standing = replace(standing, roster=order.terms.operators)
        if order.state is OrderState.REFUSED and order.kind is OrderKind.REBIND and _frozen(report):
            standing = replace(standing, wanted=BindingState.FROZEN)
    if not behind:
        standing = replace(standing, told=_told(report, now=now), policy=max(standing.policy, report.policy))
    return replace(case, standing=standing)


def _told(report: Report, *, now: int) -> Told:
    return Told(
        epoch=report.epoch,
        counter=report.counter,
        state=report.state,
        cause=report.cause,
        policy=report.policy,
        rollback_resistant=report.rollback_resistant,
        lease_used=report.lease_used,
        owed=report.owed,
        last_seq=report.last_seq,
        question=Question(report.nonce, report.answer_key),
        at=now,
    )


def _ended(case: Case, report: Report, *, now: int) -> Case:
    """Settle what the state itself decides."""
    for order in case.orders:
        if not order.pending:
            continue
        match report.state:
            case BindingState.WIPED if order.kind is OrderKind.WIPE:
                case = case.changed(order.settled(OrderState.DONE, now=now))
            case BindingState.WIPED:
                case = case.changed(order.settled(OrderState.SUPERSEDED, now=now, reason=Reason.WIPED))
            case BindingState.BOUND if order.kind is OrderKind.REBIND and _thawed(case, report):
                if not case.pending(
                    OrderKind.FREEZE
                ):  # or else an earlier one did it, and this one comes after
                    case = case.changed(order.settled(OrderState.DONE, now=now))
            case BindingState.BOUND | BindingState.FROZEN | BindingState.WIPING:
                pass
    return case


def _frozen(report: Report) -> bool:
    return report.state is BindingState.FROZEN


def _thawed(case: Case, report: Report) -> bool:
    return report.epoch > case.binding.epoch


def _alarms(case: Case, report: Report, *, behind: bool, gone: bool) -> tuple[AlarmKind, ...]:
    if behind:
        return (AlarmKind.SET_BACK,)
    if report.state in (BindingState.WIPING, BindingState.WIPED):
        ordered = any(order.kind is OrderKind.WIPE for order in case.orders)
        if gone or (ordered and report.cause is Cause.COMMAND):
            return ()
        return (AlarmKind.LAPSED if report.cause is Cause.LEASE else AlarmKind.UNKNOWN_ORDER,)
    lost = {AlarmKind.SECRETS_LOST: case.secrets_lost, AlarmKind.KEY_LOST: not case.reachable}
    return tuple(kind for kind, true in lost.items() if true)


def _contradicted(
    case: Case, report: Report, *, behind: bool, draft: Order
) -> tuple[Case, tuple[AlarmKind, ...]]:
    """Where the handset is not as the hub wants it and no order is on its way, order it or learn it."""
    wanted = case.standing.wanted
    match report.state:
        case BindingState.BOUND if wanted is BindingState.FROZEN and not case.pending(OrderKind.FREEZE):
            if (
                report.epoch > case.binding.epoch and case.newest
            ):  # bound anew by an order that this hub has forgotten
                return _learned(case, BindingState.BOUND), ()
            return case.changed(replace(draft, kind=OrderKind.FREEZE)), (AlarmKind.SET_BACK,)
        case BindingState.FROZEN if wanted is BindingState.BOUND and not behind and not case.restricted:
            if not case.newest:  # somebody else works with the handset now
                return _learned(case, BindingState.FROZEN), ()
            if case.pending(OrderKind.REBIND) or case.secrets_lost:
                return case, ()
            if report.cause is Cause.LEASE:
                return case.changed(replace(draft, kind=OrderKind.REBIND)), ()
            return _learned(case, BindingState.FROZEN), (AlarmKind.UNKNOWN_ORDER,)
        case BindingState.BOUND | BindingState.FROZEN | BindingState.WIPING | BindingState.WIPED:
            return case, ()


def _learned(case: Case, wanted: BindingState) -> Case:
    return replace(case, standing=replace(case.standing, wanted=wanted))


def _draft(case: Case, fresh: bytes, *, now: int) -> Order:
    binding = case.binding
    return Order(
        id=fresh,
        handset=binding.handset,
        binding=binding.id,
        kind=OrderKind.FREEZE,
        by=BY_HUB,
        ordered=now,
        changed=now,
        due=now,
    )


def _next_epoch(binding: Binding) -> Binding:
    begun = binding.next_escrow or binding.escrow
    return replace(binding, epoch=binding.epoch + 1, escrow=begun, next_escrow=None)


def _leased(report: Report) -> bool:
    return report.state in (BindingState.BOUND, BindingState.FROZEN)


def _rekeyed(case: Case, report: Report) -> bool:
    """A handset that is wiped is told of other keys only as long as it may send verdicts."""
    return case.outdated and (_leased(report) or (case.wiped and case.owes))


def _given(case: Case, *, last: int | None, now: int) -> bool:
    """Whether nothing is being taken from the binding, and it was not given the same just now."""
    if last is not None and abs(now - last) < PAUSE:  # a clock set back must not stop leases
        return False
    return case.reachable and not case.restricted


def _held(case: Case, *, now: int) -> frozenset[bytes]:
    told = case.standing.told
    if told is None or abs(now - told.at) >= PAUSE:
        return frozenset()
    return frozenset(
        order.id for order in case.orders if order.tries >= MANY_TRIES and (order.due or 0) > now
    )
