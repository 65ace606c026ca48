"""The life of a binding in any order of events keeps its promises, and each broken rule is caught."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from msgspec.structs import replace

from compline_edge.core import binding_life
from compline_edge.core.binding_life import (
    Bound,
    Decision,
    Effect,
    Freezing,
    Frozen,
    Life,
    Seal,
    Stage,
    Thawing,
    Wiping,
    done,
    order,
    tick,
)
from compline_edge.core.lease import Account, Standing
from compline_shared.commands import Command, Freeze
from tests.binding_world import LAST, World

SETTINGS = settings(
    max_examples=200, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
CONTROL = settings(
    SETTINGS,
    max_examples=10_000,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    print_blob=False,
    database=None,
)
Asked = Mapping[bytes, Account]


class TakesOldCounters(World):
    @staticmethod
    def decide(life: Life, command: Command, *, asked: Asked, running: int) -> Decision:
        decided = order(replace(life, counter=0), command, asked=asked, running=running)
        return replace_life(decided, counter=max(life.counter, decided.life.counter))


class ForgetsResults(World):
    @staticmethod
    def decide(life: Life, command: Command, *, asked: Asked, running: int) -> Decision:
        return order(replace(life, results=()), command, asked=asked, running=running)


class TakesAnyEpoch(World):
    @staticmethod
    def decide(life: Life, command: Command, *, asked: Asked, running: int) -> Decision:
        return order(life, replace(command, epoch=life.epoch), asked=asked, running=running)


class TakesAnyBinding(World):
    @staticmethod
    def decide(life: Life, command: Command, *, asked: Asked, running: int) -> Decision:
        return order(life, replace(command, binding=life.binding), asked=asked, running=running)


class TakesAnyNonce(World):
    @staticmethod
    def decide(life: Life, command: Command, *, asked: Asked, running: int) -> Decision:
        return order(life, command, asked=EveryNonce(), running=running)


class EveryNonce(dict[bytes, Account]):
    def __contains__(self, nonce: object) -> bool:
        return True

    def __missing__(self, nonce: bytes) -> Account:
        return LAST


class LetsTheCounterFall(World):
    @staticmethod
    def decide(life: Life, command: Command, *, asked: Asked, running: int) -> Decision:
        return replace_life(order(life, command, asked=asked, running=running), counter=command.counter)


class FreezesWhatIsBeingWiped(World):
    @staticmethod
    def decide(life: Life, command: Command, *, asked: Asked, running: int) -> Decision:
        if isinstance(life.stage, Wiping) and isinstance(command.body, Freeze):
            return Decision(replace(life, stage=Freezing(command.id)), Seal())
        return order(life, command, asked=asked, running=running)


class ThawsByItself(World):
    @staticmethod
    def lapse(life: Life, standing: Standing) -> Decision:
        if isinstance(life.stage, Frozen) and standing is Standing.GOOD:
            return Decision(replace(life, stage=Bound()))
        return tick(life, standing)


class NeverBeginsAgain(World):
    @staticmethod
    def start(life: Life) -> Effect | None:
        return None


class TakesAnyEndForTheWipes(World):
    @staticmethod
    def end(life: Life, begun: Stage) -> Life:
        return done(life, life.stage)


class KeepsTheEpoch(World):
    @staticmethod
    def end(life: Life, begun: Stage) -> Life:
        ended = done(life, begun)
        return replace(ended, epoch=life.epoch) if isinstance(life.stage, Thawing) else ended


class ActsBeforeItWrites(World):
    def hear(self, it: Command, kill: str = "none") -> None:
        decided = order(self.life, it, asked=self.asked, running=self.running)
        if decided.effect is not None:
            self.carry_out(decided.effect)
        if kill == "none":
            super().hear(it)
        else:
            self.die()


def replace_life(decided: Decision, *, counter: int) -> Decision:
    return Decision(replace(decided.life, counter=counter), decided.effect)


@pytest.mark.parametrize(
    "broken",
    [
        TakesOldCounters,
        ForgetsResults,
        TakesAnyEpoch,
        TakesAnyBinding,
        TakesAnyNonce,
        LetsTheCounterFall,
        FreezesWhatIsBeingWiped,
        ThawsByItself,
        NeverBeginsAgain,
        TakesAnyEndForTheWipes,
        KeepsTheEpoch,
        ActsBeforeItWrites,
    ],
)
def test_world_when_control_rule_is_broken_then_the_invariants_fail(broken: type[World]) -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(broken, settings=CONTROL)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("APPROVERS", 1),
        ("approvers", lambda command, roster: {each.operator for each in command.body.approvals}),
    ],
)
def test_world_when_control_approvals_are_not_checked_then_the_invariants_fail(
    name: str, broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding_life, name, broken)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(World, settings=CONTROL)


World.TestCase.settings = SETTINGS
TestWorld = World.TestCase


@pytest.mark.prove
@pytest.mark.timeout(2_000)
def test_world_when_played_for_long_then_the_invariants_hold() -> None:
    run_state_machine_as_test(World, settings=settings(SETTINGS, max_examples=10_000))
