"""Orders and reports decided on without a store: one binding, one report, what becomes of each order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compline_hub.core import ordering
from compline_hub.core.alarm import AlarmKind
from compline_hub.core.commanding import command, lease, sendable, signings
from compline_hub.core.enrolled import Binding
from compline_hub.core.orders import Order, OrderKind, OrderState, PolicyTerms, Reason, pause
from compline_hub.core.reporting import Escrow, hear
from compline_hub.core.sentences import SENTENCES, chinese, english
from compline_hub.core.standing import Case, KeyNames, Standing
from compline_shared.commands import Operator, Policy
from compline_shared.ids import BindingId, HandsetId
from compline_shared.lease import LeaseTimes
from compline_shared.reports import BindingState, Cause, CommandOutcome, Report, Result

HANDSET, BINDING = HandsetId("a" * 16), BindingId("b" * 16)
NOW = 1_795_500_000
ROSTER = tuple(Operator(bytes([n]) * 8, bytes([n]) * 32) for n in (1, 2))
TERMS = PolicyTerms(1, LeaseTimes(), ROSTER)
FRESH = b"f" * 16
REBIND, FREEZE, WIPE, POLICY = OrderKind.REBIND, OrderKind.FREEZE, OrderKind.WIPE, OrderKind.POLICY
BOUND, FROZEN, WIPING, WIPED = (
    BindingState.BOUND,
    BindingState.FROZEN,
    BindingState.WIPING,
    BindingState.WIPED,
)


def order(kind: OrderKind, **fields: Any) -> Order:
    terms = TERMS if kind is POLICY else None
    plain = Order(bytes([int(kind)]) * 16, HANDSET, BINDING, kind, "ada", NOW, NOW, terms=terms, due=NOW)
    return replace(plain, **fields)


def case(*orders: Order, epoch: int = 1, next_escrow: bytes | None = None, **standing: Any) -> Case:
    binding = Binding(BINDING, HANDSET, epoch, 0, bytes(32), b"sealed", next_escrow)
    return Case(binding, Standing(**standing), orders, keys=KeyNames(b"c" * 8))


def report(state: BindingState = BOUND, *results: Result, **fields: Any) -> Report:
    told: dict[str, Any] = {
        "handset": bytes.fromhex(HANDSET),
        "binding": bytes.fromhex(BINDING),
        "epoch": 1,
        "counter": 0,
        "state": state,
        "cause": Cause.COMMAND,
        "policy": 0,
        "hub_keys": b"c" * 8,
        "last_seq": 0,
        "rollback_resistant": False,
        "lease_used": 0,
        "owed": 0,
        "nonce": b"n" * 16,
        "answer_key": b"k" * 32,
        "results": results,
    }
    return Report(**(told | fields))


def told_after(before: Case, heard_of: Report) -> Case:
    """The case once a report came that changes nothing else."""
    return replace(hear(before, heard_of, now=NOW, fresh=FRESH).case, spoken=None)


def the_order(after: Case) -> Order:
    (kept,) = (kept for kept in after.orders if kept.id != FRESH)
    return kept


@pytest.mark.parametrize(
    ("kind", "outcome", "state", "becomes", "reason"),
    [
        (FREEZE, CommandOutcome.DONE, FROZEN, OrderState.DONE, None),
        (FREEZE, CommandOutcome.WRONG_EPOCH, BOUND, OrderState.SEEN, Reason.WRONG_EPOCH),
        (FREEZE, CommandOutcome.WRONG_STATE, FROZEN, OrderState.SEEN, Reason.WRONG_STATE),
        (FREEZE, CommandOutcome.WRONG_STATE, WIPED, OrderState.SUPERSEDED, Reason.WIPED),
        (REBIND, CommandOutcome.OLD_NONCE, FROZEN, OrderState.SEEN, Reason.OLD_NONCE),
        (REBIND, CommandOutcome.NO_ROOM, FROZEN, OrderState.SEEN, Reason.NO_ROOM),
        (REBIND, CommandOutcome.UNOPENED, FROZEN, OrderState.REFUSED, Reason.UNOPENED),
        (REBIND, CommandOutcome.WRONG_STATE, BOUND, OrderState.REFUSED, Reason.WRONG_STATE),
        (WIPE, CommandOutcome.WIPE_STARTED, WIPING, OrderState.SEEN, None),
        (WIPE, CommandOutcome.DONE, WIPING, OrderState.SEEN, None),
        (WIPE, CommandOutcome.DONE, WIPED, OrderState.DONE, None),
        (WIPE, CommandOutcome.NOT_APPROVED, BOUND, OrderState.REFUSED, Reason.NOT_APPROVED),
        (WIPE, CommandOutcome.TOO_OFTEN, BOUND, OrderState.SEEN, Reason.TOO_OFTEN),
        (POLICY, CommandOutcome.OLD_POLICY, BOUND, OrderState.ORDERED, Reason.OLD_POLICY),
    ],
)
def test_order_when_its_result_comes_then_it_stands_as_people_read_it(
    kind: OrderKind, outcome: CommandOutcome, state: BindingState, becomes: OrderState, reason: Reason | None
) -> None:
    given = order(kind, epoch=1, counter=1)

    heard = hear(case(given), report(state, Result(given.id, outcome), counter=1), now=NOW, fresh=FRESH)

    assert (the_order(heard.case).state, the_order(heard.case).reason) == (becomes, reason)


def test_policy_when_it_was_approved_and_is_too_old_then_it_is_refused_and_else_numbered_anew() -> None:
    told = report(BOUND, Result(order(POLICY).id, CommandOutcome.OLD_POLICY), policy=7)

    plain = the_order(hear(case(order(POLICY)), told, now=NOW, fresh=FRESH).case)
    approved = the_order(hear(case(order(POLICY, needed=2)), told, now=NOW, fresh=FRESH).case)

    assert plain.terms is not None
    assert plain.terms.version == 8
    assert (approved.state, approved.reason) == (OrderState.REFUSED, Reason.OLD_POLICY)


def test_order_when_the_reports_counter_is_its_own_then_it_was_seen_and_a_higher_one_says_nothing() -> None:
    given = order(FREEZE, epoch=1, counter=4)

    seen = the_order(hear(case(given), report(counter=4), now=NOW, fresh=FRESH).case)
    unknown = the_order(hear(case(given), report(counter=5), now=NOW, fresh=FRESH).case)

    assert (seen.state, unknown.state) == (OrderState.SEEN, OrderState.ORDERED)


def test_order_when_seen_again_later_then_the_time_of_the_first_stays() -> None:
    given = order(FREEZE, epoch=1, counter=4, state=OrderState.SEEN, changed=NOW - 60)

    assert the_order(hear(case(given), report(counter=4), now=NOW, fresh=FRESH).case).changed == NOW - 60


def test_order_when_it_is_at_its_end_then_a_result_changes_nothing() -> None:
    given = order(FREEZE, state=OrderState.SUPERSEDED)

    heard = hear(case(given), report(BOUND, Result(given.id, CommandOutcome.DONE)), now=NOW, fresh=FRESH)

    assert the_order(heard.case).state is OrderState.SUPERSEDED


def test_freeze_when_resent_unseen_then_it_keeps_its_counter_and_once_passed_it_gets_a_higher_one() -> None:
    given = order(FREEZE, epoch=1, counter=3)

    _, (again,) = signings(case(given, signed=3), [given], now=NOW)
    passed = told_after(case(given, signed=3), report(counter=9))
    _, (anew,) = signings(passed, [given], now=NOW)

    assert (again.counter, anew.counter) == (3, 10)


def test_freeze_when_the_handset_speaks_in_another_epoch_then_it_is_signed_for_that() -> None:
    given = order(FREEZE, epoch=1, counter=30)

    later = told_after(case(given, signed=30), report(epoch=2, counter=1))
    _, (anew,) = signings(later, [given], now=NOW)

    assert (anew.epoch, anew.counter) == (2, 31)


def test_order_when_it_cannot_be_sent_yet_then_it_is_looked_at_again_later_and_counts_no_try() -> None:
    given = order(REBIND)

    after, placed = signings(case(given), [given], now=NOW)

    assert placed == ()
    assert (the_order(after).tries, the_order(after).due) == (0, NOW + 60)


def test_order_when_it_is_not_due_and_cannot_be_sent_then_nothing_changes() -> None:
    given = order(REBIND, due=None)

    assert signings(case(given), [given], now=NOW) == (case(given), ())


def test_pause_when_tried_more_often_then_it_doubles_up_to_an_hour() -> None:
    assert [pause(tries) for tries in (1, 2, 3, 6, 7, 100)] == [60, 120, 240, 1920, 3600, 3600]


@pytest.mark.parametrize(
    ("orders", "kind", "sent"),
    [
        ((), POLICY, True),
        ((order(FREEZE),), POLICY, False),
        ((order(WIPE, needed=2, due=None),), POLICY, True),
        ((order(WIPE),), POLICY, False),
        ((), REBIND, False),
        ((order(FREEZE),), WIPE, True),
    ],
    ids=["alone", "behind-freeze", "beside-unapproved", "behind-wipe", "not-frozen", "restrictive"],
)
def test_order_when_others_are_on_their_way_then_what_gives_waits_for_what_takes(
    orders: tuple[Order, ...], kind: OrderKind, sent: bool
) -> None:
    given = order(kind, id=b"x" * 16)

    assert sendable(told_after(case(*orders, given), report()), given) is sent


def test_policy_when_it_has_no_terms_then_it_is_a_fault_of_ours() -> None:
    bare = order(POLICY, terms=None)
    ready = told_after(case(bare), report())
    _, (signing,) = signings(ready, [bare], now=NOW)

    with pytest.raises(ValueError, match="has terms"):
        command(signing, sealed=b"")


def test_policy_when_signed_then_it_answers_the_reports_nonce() -> None:
    ready = told_after(case(order(POLICY)), report())
    _, (signing,) = signings(ready, ready.orders, now=NOW)

    body = command(signing, sealed=b"").body

    assert isinstance(body, Policy)
    assert (body.nonce, body.operators) == (b"n" * 16, ROSTER)


@pytest.mark.parametrize("seconds", [-86_400, -59, 0, 59, 60])
def test_lease_when_one_was_given_just_now_then_no_other_and_a_clock_set_back_does_not_stop_them(
    seconds: int,
) -> None:
    given, _ = lease(told_after(case(), report()), id=b"l" * 16, nonce=b"n" * 16, now=NOW)

    heard = hear(given, report(counter=1, nonce=b"2" * 16), now=NOW + seconds, fresh=FRESH)

    assert heard.lease is (abs(seconds) >= 60)


@pytest.mark.parametrize(
    ("tries", "seconds", "held"),
    [(2, 1, False), (3, 1, True), (3, 60, False), (3, 300, False)],
    ids=["few-tries", "many-tries", "another-exchange", "due"],
)
def test_order_when_sent_again_and_again_within_one_exchange_then_it_waits_for_its_time(
    tries: int, seconds: int, held: bool
) -> None:
    given = order(FREEZE, tries=tries, due=NOW + 240)
    told = told_after(case(given), report())

    heard = hear(told, report(nonce=b"2" * 16), now=NOW + seconds, fresh=FRESH)

    assert (given.id in heard.held) is held


def test_report_when_a_wipe_is_told_that_nobody_ordered_here_then_it_alarms_once() -> None:
    first = hear(case(), report(WIPING), now=NOW, fresh=FRESH)
    second = hear(first.case, report(WIPED, nonce=b"2" * 16), now=NOW, fresh=FRESH)

    assert (first.alarms, second.alarms) == ((AlarmKind.UNKNOWN_ORDER,), ())
    assert (first.escrow, second.escrow) == (Escrow.KEPT, Escrow.DESTROYED)


def test_report_when_wiped_is_told_again_then_nothing_is_destroyed_twice() -> None:
    gone = case()
    gone = replace(gone, binding=replace(gone.binding, escrow=b""))

    assert hear(gone, report(WIPED), now=NOW, fresh=FRESH).escrow is Escrow.KEPT


def test_report_when_a_wiped_handset_says_that_it_is_bound_then_its_files_were_put_back() -> None:
    wiped = told_after(case(), report(WIPED, counter=5))

    heard = hear(wiped, report(BOUND, counter=9, nonce=b"2" * 16), now=NOW, fresh=FRESH)

    assert (heard.alarms, heard.lease) == ((AlarmKind.SET_BACK,), False)
    assert heard.case.wiped


def test_report_when_the_epoch_is_below_the_hubs_then_it_is_an_older_state() -> None:
    heard = hear(case(epoch=3), report(epoch=2), now=NOW, fresh=FRESH)

    assert (heard.alarms, heard.lease, heard.case.standing.told) == ((AlarmKind.SET_BACK,), False, None)


def test_report_when_bound_anew_by_a_forgotten_order_then_the_hub_learns_it() -> None:
    heard = hear(case(wanted=FROZEN), report(BOUND, epoch=2), now=NOW, fresh=FRESH)

    assert heard.case.standing.wanted is BOUND
    assert heard.alarms == (AlarmKind.SECRETS_LOST,)
    assert heard.case.orders == ()


def test_report_when_frozen_by_its_lease_and_the_secrets_are_lost_then_no_rebind_is_ordered() -> None:
    heard = hear(case(), report(FROZEN, epoch=2, cause=Cause.LEASE), now=NOW, fresh=FRESH)

    assert heard.case.orders == ()
    assert heard.alarms == (AlarmKind.SECRETS_LOST,)


def test_report_when_wiped_then_what_else_was_ordered_is_pointless() -> None:
    heard = hear(case(order(FREEZE)), report(WIPED), now=NOW, fresh=FRESH)

    assert (the_order(heard.case).state, the_order(heard.case).reason) == (
        OrderState.SUPERSEDED,
        Reason.WIPED,
    )


def test_wipe_when_the_handset_is_wiped_and_its_result_was_forgotten_then_it_is_done() -> None:
    heard = hear(case(order(WIPE)), report(WIPED), now=NOW, fresh=FRESH)

    assert the_order(heard.case).state is OrderState.DONE


def test_report_when_the_thaw_by_itself_was_refused_then_it_is_not_tried_for_ever() -> None:
    first = hear(case(), report(FROZEN, cause=Cause.LEASE), now=NOW, fresh=FRESH)
    refused = report(FROZEN, Result(FRESH, CommandOutcome.UNOPENED), cause=Cause.LEASE, nonce=b"2" * 16)

    second = hear(first.case, refused, now=NOW, fresh=b"g" * 16)

    assert [kept.state for kept in second.case.orders] == [OrderState.REFUSED]
    assert second.case.standing.wanted is FROZEN


def test_report_when_the_next_epoch_began_then_its_rebind_is_done_without_a_result() -> None:
    given = order(REBIND, epoch=1, counter=3)

    heard = hear(case(given, next_escrow=b"next"), report(BOUND, epoch=2, counter=3), now=NOW, fresh=FRESH)

    assert the_order(heard.case).state is OrderState.DONE
    assert (heard.escrow, heard.case.binding.epoch, heard.case.binding.escrow) == (Escrow.NEXT, 2, b"next")


@pytest.mark.parametrize(
    ("before", "kind", "reason"),
    [
        (told_after(case(), report(WIPED)), FREEZE, Reason.WIPED),
        (told_after(case(), report(WIPED)), REBIND, Reason.WIPED),
        (told_after(case(), report(WIPED)), WIPE, Reason.WIPED),
        (told_after(case(), report(WIPED)), POLICY, Reason.WIPED),
        (case(order(WIPE)), FREEZE, Reason.WIPE_UNDER_WAY),
        (case(order(WIPE), wanted=FROZEN), REBIND, Reason.WIPE_UNDER_WAY),
        (case(order(WIPE)), WIPE, Reason.WIPE_UNDER_WAY),
        (case(wanted=FROZEN), FREEZE, Reason.ALREADY_FROZEN),
        (case(), REBIND, Reason.ALREADY_BOUND),
        (case(), WIPE, Reason.NO_OPERATORS),
        (case(roster=ROSTER), POLICY, Reason.TOO_FEW_OPERATORS),
    ],
)
def test_order_when_the_binding_does_not_fit_it_then_it_is_refused_with_its_reason(
    before: Case, kind: OrderKind, reason: Reason
) -> None:
    given = order(kind, id=b"x" * 16)
    match kind:
        case OrderKind.FREEZE:
            outcome = ordering.freeze(before, given)
        case OrderKind.REBIND:
            outcome = ordering.rebind(before, given)
        case OrderKind.WIPE:
            outcome = ordering.wipe(before, given, recent=0)
        case OrderKind.POLICY:
            outcome = ordering.policy(before, given, times=LeaseTimes(), operators=())

    assert outcome is reason


def test_freezes_when_ordered_again_and_again_around_rebinds_then_one_of_each_is_pending() -> None:
    now: Case | Reason = case()
    for round_ in range(5):
        assert isinstance(now, Case)
        now = ordering.freeze(now, order(FREEZE, id=bytes([round_]) * 16))
        assert isinstance(now, Case)
        now = ordering.rebind(now, order(REBIND, id=bytes([round_ + 100]) * 16))

    assert isinstance(now, Case)
    assert [len(now.pending(kind)) for kind in (FREEZE, REBIND)] == [1, 1]


def test_reasons_when_told_then_each_has_a_sentence_in_both_languages() -> None:
    assert set(SENTENCES) == set(Reason)
    assert all(chinese(reason).endswith("。") and english(reason).endswith(".") for reason in Reason)
