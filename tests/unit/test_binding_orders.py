"""Each command in each stage of a binding: what is decided, what is begun, and what stays as it is."""

from __future__ import annotations

import msgspec
import pytest

from compline_edge.core.binding_life import (
    MAX_RECORD,
    REFUSED_WIPES,
    WIPE_WINDOW,
    Bound,
    Decision,
    Effect,
    Erase,
    Freezing,
    Frozen,
    Life,
    Renew,
    Seal,
    Stage,
    Terms,
    Thaw,
    Thawing,
    Wiped,
    Wiping,
    done,
    failed,
    order,
    order_former,
    read_life,
    resume,
    tick,
    write_life,
)
from compline_edge.core.lease import Standing
from compline_shared.commands import MAX_OPERATORS, Body, Command, Freeze, Lease, Operator, Rebind, Rekey
from compline_shared.errors import MalformedFrame
from compline_shared.place import MAX_EPOCH
from compline_shared.reports import MAX_RESULTS, BindingState, Cause, CommandOutcome, Result
from tests.bindings import ANNE, ASKED, BERT, NONCE, OLD_NONCE, PLACE, command, life, policy, some_keys, wipe
from tests.refusals import no_cbor

THIS, EARLIER = (1).to_bytes(16, "big"), b"\x07" * 16
BOUND, FREEZING, FROZEN = Bound(), Freezing(None), Frozen(Cause.LEASE)
THAWING, WIPING, WIPED = Thawing(EARLIER, Cause.LEASE), Wiping(EARLIER), Wiped(Cause.COMMAND)
STAGES: list[Stage] = [BOUND, FREEZING, FROZEN, THAWING, WIPING, WIPED]
DONE, WRONG_STATE, STARTED = CommandOutcome.DONE, CommandOutcome.WRONG_STATE, CommandOutcome.WIPE_STARTED
REKEY = Rekey(NONCE, some_keys(b"2"))
RENEWAL, REBIND = Lease(NONCE, 1_795_000_000), Rebind(NONCE, b"sealed")


def ordered(of: Life, it: Command, *, running: int = 50_000) -> Decision:
    return order(of, it, asked=ASKED, running=running)


def outcome(of: Life) -> CommandOutcome | None:
    return of.results[-1].outcome if of.results else None


@pytest.mark.parametrize(
    ("stage", "body", "after", "result", "effect"),
    [
        (BOUND, Freeze(), Freezing(THIS), None, Seal()),
        (FREEZING, Freeze(), Freezing(THIS), None, None),
        (FROZEN, Freeze(), Frozen(Cause.COMMAND), DONE, None),
        (THAWING, Freeze(), THAWING, WRONG_STATE, None),
        (WIPING, Freeze(), WIPING, WRONG_STATE, None),
        (WIPED, Freeze(), WIPED, WRONG_STATE, None),
        (BOUND, REBIND, BOUND, WRONG_STATE, None),
        (FREEZING, REBIND, FREEZING, WRONG_STATE, None),
        (
            FROZEN,
            REBIND,
            Thawing(THIS, Cause.LEASE),
            None,
            Thaw(b"sealed", NONCE, PLACE.epoch + 1, ASKED[NONCE]),
        ),
        (THAWING, REBIND, THAWING, WRONG_STATE, None),
        (WIPING, REBIND, WIPING, WRONG_STATE, None),
        (WIPED, REBIND, WIPED, WRONG_STATE, None),
        (BOUND, wipe(ANNE, BERT).body, Wiping(THIS), STARTED, Erase()),
        (FREEZING, wipe(ANNE, BERT).body, Wiping(THIS), STARTED, Erase()),
        (FROZEN, wipe(ANNE, BERT).body, Wiping(THIS), STARTED, Erase()),
        (THAWING, wipe(ANNE, BERT).body, Wiping(THIS), STARTED, Erase()),
        (WIPING, wipe().body, WIPING, STARTED, None),
        (WIPED, wipe().body, WIPED, DONE, None),
        (BOUND, RENEWAL, BOUND, DONE, Renew(ASKED[NONCE])),
        (FREEZING, RENEWAL, FREEZING, WRONG_STATE, None),
        (FROZEN, RENEWAL, FROZEN, DONE, Renew(ASKED[NONCE])),
        (THAWING, RENEWAL, THAWING, WRONG_STATE, None),
        (WIPING, RENEWAL, WIPING, WRONG_STATE, None),
        (WIPED, RENEWAL, WIPED, WRONG_STATE, None),
        (BOUND, REKEY, BOUND, DONE, None),
        (FREEZING, REKEY, FREEZING, DONE, None),
        (FROZEN, REKEY, FROZEN, DONE, None),
        (THAWING, REKEY, THAWING, DONE, None),
        (WIPING, REKEY, WIPING, WRONG_STATE, None),
        (WIPED, REKEY, WIPED, DONE, None),
        (BOUND, policy().body, BOUND, DONE, None),
        (FREEZING, policy().body, FREEZING, DONE, None),
        (FROZEN, policy().body, FROZEN, DONE, None),
        (THAWING, policy().body, THAWING, DONE, None),
        (WIPING, policy().body, WIPING, WRONG_STATE, None),
        (WIPED, policy().body, WIPED, WRONG_STATE, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, msgspec.Struct) else "",
)
def test_command_when_it_comes_in_a_stage_then_decided_so(
    stage: Stage, body: Body, after: Stage, result: CommandOutcome | None, effect: Effect | None
) -> None:
    decided = ordered(life(stage), command(body))
    found = (decided.life.stage, outcome(decided.life), decided.effect, decided.life.counter)
    assert found == (after, result, effect, 11)


@pytest.mark.parametrize("counter", [0, 9, 10])
def test_command_when_its_counter_was_used_then_nothing_changes(counter: int) -> None:
    assert ordered(life(), command(Freeze(), counter=counter)) == Decision(life())


@pytest.mark.parametrize("epoch", [PLACE.epoch - 1, PLACE.epoch + 1])
@pytest.mark.parametrize("body", [Freeze(), REBIND, wipe(ANNE, BERT).body, RENEWAL, policy().body, REKEY])
def test_command_when_for_another_epoch_then_refused_and_its_counter_not_taken(
    body: Body, epoch: int
) -> None:
    decided = ordered(life(), command(body, epoch=epoch))
    wrong = Result(THIS, CommandOutcome.WRONG_EPOCH)
    assert decided == Decision(msgspec.structs.replace(life(), results=(wrong,)))


def test_rekey_when_done_then_the_new_key_is_the_present_one_and_the_one_before_is_known() -> None:
    once = ordered(life(), command(REKEY)).life
    twice = ordered(once, command(Rekey(NONCE, some_keys(b"3")), counter=12, name=2)).life
    assert [(of.hub_keys, of.former_keys) for of in (life(), once, twice)] == [
        (None, None),
        (some_keys(b"2"), None),
        (some_keys(b"3"), some_keys(b"2")),
    ]


def test_rekey_when_being_wiped_then_the_keys_stay() -> None:
    assert ordered(life(WIPING), command(REKEY)).life.hub_keys is None


def test_rekey_when_wiped_then_it_counts_without_a_nonce_for_what_is_owed_still() -> None:
    decided = ordered(life(WIPED), command(Rekey(OLD_NONCE, some_keys(b"2"))))
    assert decided.life.hub_keys == some_keys(b"2")


@pytest.mark.parametrize(
    "body",
    [
        Rebind(OLD_NONCE, b""),
        Lease(OLD_NONCE, 1),
        policy(nonce=OLD_NONCE).body,
        Rekey(OLD_NONCE, some_keys(b"2")),
    ],
)
def test_command_when_it_answers_no_good_nonce_then_refused(body: Body) -> None:
    decided = ordered(life(FROZEN), command(body))
    found = (outcome(decided.life), decided.life.stage, decided.effect)
    assert found == (CommandOutcome.OLD_NONCE, FROZEN, None)


@pytest.mark.parametrize("version", [3, 4])
def test_policy_when_not_newer_then_refused(version: int) -> None:
    assert outcome(ordered(life(), policy(version=version)).life) is CommandOutcome.OLD_POLICY


@pytest.mark.parametrize("stage", STAGES)
def test_rebind_of_a_former_binding_when_its_nonce_is_good_then_refused_all_the_same(stage: Stage) -> None:
    decided = order_former(life(stage), command(REBIND), asked=ASKED, running=50_000)
    assert (outcome(decided.life), decided.life.stage, decided.effect) == (WRONG_STATE, stage, None)


def test_control_rebind_when_the_binding_is_not_known_to_be_a_former_one_then_it_thaws() -> None:
    assert isinstance(ordered(life(FROZEN), command(REBIND)).life.stage, Thawing)


def test_rebind_of_a_former_binding_when_heard_before_then_nothing_changes() -> None:
    refused = order_former(life(FROZEN), command(REBIND), asked=ASKED, running=50_000).life
    assert order_former(refused, command(REBIND), asked=ASKED, running=50_000) == Decision(refused)


@pytest.mark.parametrize("body", [Freeze(), wipe(ANNE, BERT).body])
def test_former_binding_when_frozen_or_wiped_then_decided_as_ever(body: Body) -> None:
    decided = order_former(life(FROZEN), command(body), asked=ASKED, running=50_000)
    assert decided == ordered(life(FROZEN), command(body))


def test_rebind_when_no_epoch_is_left_then_refused() -> None:
    last = msgspec.structs.replace(life(FROZEN), epoch=MAX_EPOCH)
    assert outcome(ordered(last, command(REBIND, epoch=MAX_EPOCH)).life) is WRONG_STATE


@pytest.mark.parametrize("final", [DONE, STARTED])
def test_command_when_done_and_signed_anew_then_nothing_changes(final: CommandOutcome) -> None:
    before = msgspec.structs.replace(life(), results=(Result(THIS, final),))
    assert ordered(before, command(Freeze(), counter=99)) == Decision(before)


def test_command_when_refused_and_signed_anew_then_decided_anew() -> None:
    refused = ordered(life(BOUND), command(REBIND)).life
    frozen = msgspec.structs.replace(refused, stage=FROZEN)
    assert isinstance(ordered(frozen, command(REBIND, counter=12)).life.stage, Thawing)


def test_results_when_more_than_are_remembered_then_the_newest() -> None:
    now = life(WIPED)
    for name in range(1, MAX_RESULTS + 4):
        now = ordered(now, command(Freeze(), counter=10 + name, name=name)).life
    assert [result.command[-1] for result in now.results] == list(range(4, MAX_RESULTS + 4))


def test_freeze_when_forgotten_and_signed_anew_after_a_rebind_then_its_epoch_refuses_it() -> None:
    rebound = msgspec.structs.replace(life(counter=40), epoch=PLACE.epoch + 1)
    assert outcome(ordered(rebound, command(Freeze(), counter=41)).life) is CommandOutcome.WRONG_EPOCH


def refused_wipes(count: int) -> Life:
    now = life()
    for n in range(count):
        now = ordered(now, wipe(ANNE, counter=11 + n, name=n + 1), running=50_000 + n).life
    return now


def test_wipe_when_not_approved_then_refused_and_counted() -> None:
    refused = refused_wipes(1)
    assert (outcome(refused), refused.stage) == (CommandOutcome.NOT_APPROVED, BOUND)
    assert refused.refused_wipes == (50_000,)


def test_wipe_when_too_many_were_refused_within_the_hour_then_not_looked_at() -> None:
    decided = ordered(refused_wipes(REFUSED_WIPES), wipe(ANNE, BERT, counter=90, name=90), running=53_599)
    assert (outcome(decided.life), decided.life.stage) == (CommandOutcome.TOO_OFTEN, BOUND)


def test_control_wipe_when_one_fewer_was_refused_then_started() -> None:
    before = refused_wipes(REFUSED_WIPES - 1)
    assert ordered(before, wipe(ANNE, BERT, counter=90, name=90), running=53_599).effect == Erase()


def test_wipe_when_the_hour_is_over_then_looked_at_again() -> None:
    later = 50_000 + WIPE_WINDOW
    decided = ordered(refused_wipes(REFUSED_WIPES), wipe(ANNE, BERT, counter=90, name=90), running=later)
    assert decided.effect == Erase()


def test_wipe_when_a_refused_one_is_replayed_then_not_counted_again() -> None:
    refused = refused_wipes(1)
    for _ in range(10):
        refused = ordered(refused, wipe(ANNE)).life
    assert refused.refused_wipes == (50_000,)


def test_wipes_when_refused_for_ever_then_the_record_holds_no_more_than_the_limit() -> None:
    assert len(refused_wipes(3 * REFUSED_WIPES).refused_wipes) == REFUSED_WIPES


def test_wipe_when_the_handset_has_no_roster_then_refused() -> None:
    assert outcome(ordered(life(terms=Terms()), wipe(ANNE, BERT)).life) is CommandOutcome.NOT_APPROVED


@pytest.mark.parametrize("stage", STAGES[:4], ids=repr)
def test_lease_when_lapsed_then_wiping(stage: Stage) -> None:
    wiping = msgspec.structs.replace(life(stage), stage=Wiping(None))
    assert tick(life(stage), Standing.LAPSED) == Decision(wiping, Erase())


@pytest.mark.parametrize("stage", STAGES[4:], ids=repr)
def test_lease_when_lapsed_after_a_wipe_then_nothing_changes(stage: Stage) -> None:
    assert tick(life(stage), Standing.LAPSED) == Decision(life(stage))


def test_lease_when_ended_then_freezing() -> None:
    freezing = msgspec.structs.replace(life(), stage=FREEZING)
    assert tick(life(), Standing.ENDED) == Decision(freezing, Seal())


@pytest.mark.parametrize("stage", STAGES[1:], ids=repr)
def test_lease_when_ended_and_no_longer_bound_then_nothing_changes(stage: Stage) -> None:
    assert tick(life(stage), Standing.ENDED) == Decision(life(stage))


@pytest.mark.parametrize("stands", [Standing.GOOD, Standing.WARNED])
def test_lease_when_it_holds_then_nothing_changes(stands: Standing) -> None:
    assert tick(life(), stands) == Decision(life())


@pytest.mark.parametrize(
    ("stage", "effect"), list(zip(STAGES, [None, Seal(), None, None, Erase(), None], strict=True)), ids=repr
)
def test_start_when_it_finds_a_stage_then_its_effect_again(stage: Stage, effect: Effect | None) -> None:
    assert resume(life(stage)) == effect


@pytest.mark.parametrize(
    ("stage", "after", "results"),
    [
        (BOUND, BOUND, ()),
        (FREEZING, Frozen(Cause.LEASE), ()),
        (Freezing(EARLIER), Frozen(Cause.COMMAND), (Result(EARLIER, DONE),)),
        (FROZEN, FROZEN, ()),
        (THAWING, BOUND, (Result(EARLIER, DONE),)),
        (WIPING, Wiped(Cause.COMMAND), (Result(EARLIER, DONE),)),
        (Wiping(None), Wiped(Cause.LEASE), ()),
        (WIPED, WIPED, ()),
    ],
    ids=repr,
)
def test_effect_when_done_then_the_next_stage(
    stage: Stage, after: Stage, results: tuple[Result, ...]
) -> None:
    ended = done(life(stage), stage)
    assert (ended.stage, ended.results) == (after, results)


def test_thaw_when_done_then_the_epoch_rises_by_one() -> None:
    assert done(life(THAWING), THAWING).epoch == PLACE.epoch + 1


def test_thaw_when_failed_then_frozen_as_before() -> None:
    ended = failed(life(THAWING), CommandOutcome.UNOPENED)
    assert (ended.stage, outcome(ended)) == (FROZEN, CommandOutcome.UNOPENED)


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != THAWING], ids=repr)
def test_failure_when_no_thaw_is_under_way_then_nothing_changes(stage: Stage) -> None:
    assert failed(life(stage), CommandOutcome.NO_ROOM) == life(stage)


@pytest.mark.parametrize(
    ("stage", "state", "cause"),
    [
        (BOUND, BindingState.BOUND, Cause.COMMAND),
        (FREEZING, BindingState.BOUND, Cause.LEASE),
        (Freezing(EARLIER), BindingState.BOUND, Cause.COMMAND),
        (FROZEN, BindingState.FROZEN, Cause.LEASE),
        (THAWING, BindingState.FROZEN, Cause.LEASE),
        (WIPING, BindingState.WIPING, Cause.COMMAND),
        (Wiping(None), BindingState.WIPING, Cause.LEASE),
        (WIPED, BindingState.WIPED, Cause.COMMAND),
    ],
    ids=repr,
)
def test_stage_when_reported_then_its_state_and_cause(
    stage: Stage, state: BindingState, cause: Cause
) -> None:
    assert (life(stage).state, life(stage).cause) == (state, cause)


@pytest.mark.parametrize("stage", STAGES, ids=repr)
def test_record_when_written_then_read_the_same(stage: Stage) -> None:
    assert read_life(write_life(life(stage))) == life(stage)


def test_record_when_as_large_as_can_be_then_within_its_limit() -> None:
    operators = tuple(Operator(bytes([n]) * 8, bytes([n]) * 32) for n in range(MAX_OPERATORS))
    results = tuple(Result(bytes([n]) * 16, DONE) for n in range(MAX_RESULTS))
    large = Life(
        b"h" * 8,
        b"b" * 8,
        MAX_EPOCH,
        THAWING,
        2**32 - 1,
        results,
        Terms(2**32 - 1, operators=operators),
        (2**33,) * REFUSED_WIPES,
        2**33,
    )
    assert len(write_life(large)) <= MAX_RECORD // 2
    assert read_life(write_life(large)) == large


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it ends early"),
        (write_life(life())[:-1], "it ends early"),
        (write_life(life()) + b"\x00", "bytes follow its end"),
    ],
    ids=["empty", "cut", "longer"],
)
def test_record_when_damaged_then_malformed(data: bytes, why: str) -> None:
    with pytest.raises(MalformedFrame, match=no_cbor(why)):
        read_life(data)


def test_record_when_placed_then_handset_binding_and_epoch() -> None:
    assert life().place == PLACE
