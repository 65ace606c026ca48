"""What becomes of a binding: who may change it, and what stays as it is."""

from __future__ import annotations

import msgspec
import pytest

from compline_edge.core.binding_life import (
    Decision,
    Freezing,
    Life,
    Stage,
    Terms,
    Thawing,
    Wiped,
    Wiping,
    done,
    order,
)
from compline_shared.commands import Command, Freeze, Lease, Operator, Policy, Wipe, approvers
from compline_shared.reports import Cause, CommandOutcome
from tests.bindings import (
    ANNE,
    ASKED,
    BERT,
    CARA,
    ELSEWHERE,
    NONCE,
    OLD_NONCE,
    ROSTER,
    TERMS,
    approved,
    command,
    life,
    operator,
    policy,
    wipe,
)


def ordered(of: Life, command: Command) -> Decision:
    return order(of, command, asked=ASKED, running=50_000)


def outcome(decision: Decision) -> CommandOutcome:
    """What the newest command came to."""
    return decision.life.results[-1].outcome


@pytest.mark.parametrize("by", [(), (ANNE,), (ANNE, ANNE), (ANNE, b"operatrD")], ids=repr)
def test_roster_when_changed_with_fewer_than_two_approvals_then_refused(by: tuple[bytes, ...]) -> None:
    decided = ordered(life(), policy(*by, operators=ROSTER[:2]))
    assert (outcome(decided), decided.life.terms) == (CommandOutcome.NOT_APPROVED, TERMS)


def test_roster_when_changed_with_two_approvals_then_in_force() -> None:
    decided = ordered(life(), policy(ANNE, BERT, operators=ROSTER[1:]))
    assert (outcome(decided), decided.life.terms.operators) == (CommandOutcome.DONE, ROSTER[1:])


def test_roster_when_changed_by_those_whom_it_brings_then_refused() -> None:
    newcomers = (operator(CARA), operator(b"operatrD"))
    decided = ordered(
        life(terms=Terms(4, operators=ROSTER[:2])), policy(CARA, b"operatrD", operators=newcomers)
    )
    assert outcome(decided) is CommandOutcome.NOT_APPROVED


@pytest.mark.parametrize("known", [0, 1])
def test_roster_when_the_handset_has_none_yet_then_the_hub_names_it(known: int) -> None:
    decided = ordered(life(terms=Terms(operators=ROSTER[:known])), policy(operators=ROSTER))
    assert decided.life.terms.operators == ROSTER


@pytest.mark.parametrize("left", [0, 1])
def test_roster_when_it_would_shrink_below_two_then_refused_though_approved(left: int) -> None:
    decided = ordered(life(), policy(ANNE, BERT, operators=ROSTER[:left]))
    assert (outcome(decided), decided.life.terms) == (CommandOutcome.NOT_APPROVED, TERMS)


def test_control_roster_when_shrunk_below_two_then_the_hub_names_it_alone() -> None:
    shrunk = life(terms=Terms(4, operators=ROSTER[:1]))
    decided = ordered(shrunk, policy(operators=(operator(b"operatrD"),)))
    assert outcome(decided) is CommandOutcome.DONE


def test_terms_when_two_operators_share_a_key_then_refused() -> None:
    with pytest.raises(ValueError, match="of their own"):
        Terms(operators=(operator(ANNE), Operator(BERT, operator(ANNE).key)))


def test_control_shared_key_when_not_refused_then_one_person_approves_as_two() -> None:
    made = policy(ANNE, BERT)
    assert isinstance(made.body, Policy)
    key = operator(ANNE).key
    stolen = policy(ANNE)
    assert isinstance(stolen.body, Policy)
    signature = stolen.body.approvals[0].signature
    twice = Policy(
        made.body.nonce,
        made.body.version,
        made.body.times,
        made.body.operators,
        (stolen.body.approvals[0], type(stolen.body.approvals[0])(BERT, signature)),
    )
    both = Command(made.handset, made.binding, made.epoch, made.counter, made.id, twice)
    assert len(approvers(both, {ANNE: key, BERT: key})) == 2


def renewal(hub_time: int, *, nonce: bytes = NONCE, counter: int = 11, name: int = 1) -> Command:
    return command(Lease(nonce, hub_time), counter=counter, name=name)


@pytest.mark.parametrize(("told", "kept"), [(1_795_000_009, 1_795_000_009), (5, 1_795_000_000)])
def test_hub_time_when_a_renewal_tells_it_then_the_latest_is_kept(told: int, kept: int) -> None:
    before = msgspec.structs.replace(life(), hub_time=1_795_000_000)
    assert ordered(before, renewal(told)).life.hub_time == kept


def test_hub_time_when_the_renewal_answers_an_old_nonce_then_not_believed() -> None:
    assert ordered(life(), renewal(1_795_000_009, nonce=OLD_NONCE)).life.hub_time == 0


def test_wipe_when_another_found_it_under_way_then_both_are_done_at_its_end() -> None:
    first = ordered(life(), wipe(ANNE, BERT)).life
    second = ordered(first, wipe(ANNE, BERT, counter=12, name=2)).life
    assert [result.outcome for result in done(second, second.stage).results] == [CommandOutcome.DONE] * 2


@pytest.mark.parametrize("begun", [Freezing(None), Thawing(bytes(16), Cause.LEASE)], ids=repr)
def test_effect_when_a_wipe_came_in_between_then_its_end_is_not_the_wipes(begun: Stage) -> None:
    wiping = ordered(life(begun), wipe(ANNE, BERT)).life
    assert isinstance(done(wiping, begun).stage, Wiping)


def test_control_effect_when_it_is_the_wipes_own_then_wiped() -> None:
    wiping = ordered(life(Freezing(None)), wipe(ANNE, BERT)).life
    assert isinstance(done(wiping, wiping.stage).stage, Wiped)


@pytest.mark.parametrize(
    "moved",
    [
        approved(command(Wipe(approvals=()), binding=ELSEWHERE), ANNE, BERT),
        msgspec.structs.replace(wipe(ANNE, BERT), handset=ELSEWHERE),
    ],
    ids=["binding", "handset"],
)
def test_command_when_for_another_handset_or_binding_then_nothing_changes(moved: Command) -> None:
    assert ordered(life(), moved) == Decision(life())


def test_commands_of_another_epoch_when_replayed_in_turn_then_nothing_to_write() -> None:
    frames = [command(Freeze(), name=name, epoch=9) for name in (1, 2)]
    once = ordered(ordered(life(), frames[0]).life, frames[1]).life
    assert [ordered(once, frame).life for frame in frames] == [once, once]
