"""Orders over a wire that loses, repeats and reorders: after quiet, the handset is as the branch wants it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from compline_hub import rotation
from compline_hub.core import commanding, reporting
from compline_hub.core.key_sets import KnownKey
from compline_hub.core.orders import Order, OrderKind
from compline_hub.core.standing import Case
from compline_hub.errors import OrderRefused, RotationRefused
from compline_shared.reports import BindingState
from compline_shared.topics import up
from tests.branch_store import branch
from tests.wire_handset import drafts

HOUR = 3_600
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # thousands of commits, and no power cut here


class Orders(RuleBasedStateMachine):
    """One branch and one handset; the wire holds what is on its way."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self._running = contextlib.ExitStack()
        self.folder = Path(self._running.enter_context(tempfile.TemporaryDirectory(dir=MEMORY)))
        shutil.copytree(self.template, self.folder, dirs_exist_ok=True)
        self._serving = self._running.enter_context(contextlib.ExitStack())
        self.office = self._serving.enter_context(branch(self.folder))
        self.handset = self.office.simulated()
        self.key = self.handset.readable
        self.wanted = BindingState.BOUND
        self.up: list[bytes] = []

    @rule()
    def freeze(self) -> None:
        with contextlib.suppress(OrderRefused):
            self.office.orders.freeze("Desk 7", by="ada")
            self.wanted = BindingState.FROZEN

    @rule()
    def rebind(self) -> None:
        with contextlib.suppress(OrderRefused):
            self.office.orders.rebind("Desk 7", by="ada")
            self.wanted = BindingState.BOUND

    @rule()
    def report(self) -> None:
        self.up.append(self.handset.report())

    @rule(at=st.integers(0, 9), again=st.booleans())
    def hub_hears(self, at: int, again: bool) -> None:
        if self.up:
            frame = self.up[at % len(self.up)] if again else self.up.pop(at % len(self.up))
            self.office.intake.take([(up(self.handset.id), frame)])

    @rule(at=st.integers(0, 9), again=st.booleans())
    def handset_hears(self, at: int, again: bool) -> None:
        sent = self.office.post.sent
        if sent:
            _, frame = sent[at % len(sent)] if again else sent.pop(at % len(sent))
            self.handset.take(frame)
            self.up.append(self.handset.report())

    @rule()
    def lose_all(self) -> None:
        self.up.clear()
        self.office.post.sent.clear()

    @rule()
    def restart(self) -> None:
        self.handset.restart()

    @rule(hours=st.integers(1, 24))
    def pass_time(self, hours: int) -> None:
        self.handset.pass_time(hours * HOUR)
        self.office.clock.now += hours * HOUR
        self.office.dispatch.send_due()

    def teardown(self) -> None:
        try:
            self.lose_all()
            for _ in range(3):
                self.office.clock.now += HOUR
                self.office.meet(self.handset, rounds=20)
            self.settled()
        finally:
            self._running.close()

    def settled(self) -> None:
        case = self.office.binding(self.handset)
        with self.office.hub.store.transaction() as ledger:
            pending = ledger.book.pending(case.id)
        assert list(pending) == []
        assert self.handset.life.state is self.wanted
        assert self.handset.readable == (self.key if self.wanted is BindingState.BOUND else None)
        assert case.epoch == self.handset.life.epoch
        assert case.next_escrow is None or self.wanted is BindingState.FROZEN


class Rotations(Orders):
    """The same while the hub replaces its keys, and the handset owes verdicts that it sealed to whichever it knew."""

    def __init__(self) -> None:
        super().__init__()
        self.sealed: list[bytes] = []  # a batch for each verdict, as the outbox holds them
        self.office.certify(self.handset)

    @rule()
    def judge(self) -> None:
        if self.handset.readable is not None:
            self.handset.judge(*drafts(1))
            seq = len(self.handset.verdicts)
            self.sealed.append(self.handset.frame(seq, seq))

    @rule()
    def send(self) -> None:
        self.up += self.sealed[self.handset.settled :]

    @rule()
    def renew_certificate(self) -> None:
        self.office.certify(self.handset)

    @rule(kind=st.sampled_from(KnownKey))
    def rotate(self, kind: KnownKey) -> None:
        settings = self.office.hub.settings
        self._serving.close()
        with contextlib.suppress(RotationRefused):
            rotation.rotate(settings, kind, by="ada")
        self.open_hub()

    @rule()
    def retire(self) -> None:
        rotation.retire(self.office.hub)
        if rotation.is_outdated(self.office.hub):
            self._serving.close()
            self.open_hub()

    def open_hub(self) -> None:
        now, sent = self.office.clock.now, self.office.post.sent
        self.office = self._serving.enter_context(branch(self.folder))
        self.office.clock.now, self.office.post.sent = now, sent

    def settled(self) -> None:
        """Nothing was lost on the way through any rotation, and each comes to its end."""
        for _ in range(3):
            self.office.clock.now += HOUR
            self.office.meet(self.handset, rounds=20)
            self.office.certify(self.handset)
            for frame in self.sealed[self.handset.settled :]:
                self.office.hear(self.handset, frame)
            self.office.hand_over(self.handset)
            self.retire()
        assert rotation.retire(self.office.hub)
        assert self.handset.keys == self.office.hub.ring.sets.present
        assert self.office.binding(self.handset).up_to == self.handset.settled == len(self.sealed)
        super().settled()


def play(template: Path, *, examples: int, world: type[Orders] = Orders) -> None:
    machine = type("Played", (world,), {"template": template})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        ),
    )


def play_once(template: Path, *steps: str) -> None:
    """The same machine along one path that the broken variants trip over."""
    machine = type("Played", (Orders,), {"template": template})()
    for step in steps:
        match step:
            case "freeze":
                machine.freeze()
            case "rebind":
                machine.rebind()
            case "restart":
                machine.restart()
            case "meet":
                machine.office.meet(machine.handset)
            case "send":
                machine.office.dispatch.send_due()
            case "take":
                machine.handset_hears(0, again=False)
            case _:
                machine.handset.pass_time(73 * HOUR)
    machine.teardown()


@pytest.fixture
def template(tmp_path: Path) -> Path:
    with branch(tmp_path):
        pass
    return tmp_path


LONG = (pytest.mark.prove, pytest.mark.timeout(1_800))


@pytest.mark.parametrize("examples", [60, pytest.param(2_000, marks=LONG)])
def test_orders_when_the_wire_misbehaves_then_after_quiet_the_handset_is_as_wanted(
    template: Path, examples: int
) -> None:
    play(template, examples=examples)


@pytest.mark.parametrize("examples", [30, pytest.param(1_000, marks=LONG)])
def test_keys_when_replaced_in_the_middle_of_it_all_then_no_verdict_is_lost_and_the_handset_is_as_wanted(
    template: Path, examples: int
) -> None:
    play(template, examples=examples, world=Rotations)


def test_keys_control_when_a_former_sealing_key_waits_for_nobody_who_owes_then_verdicts_are_lost(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Case, "owes", property(lambda _case: False))
    machine = type("Played", (Rotations,), {"template": template})()
    machine.judge()
    machine.office.meet(machine.handset)
    machine.rotate(KnownKey.SEALING)
    machine.office.clock.now += HOUR
    machine.office.meet(machine.handset)
    machine.retire()
    with pytest.raises(AssertionError):
        machine.teardown()


def test_orders_control_when_a_rebind_keeps_the_counter_that_was_used_then_the_handset_stays_frozen(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = commanding._placed

    def stubborn(case: Case, order: Order) -> tuple[Case, int]:
        return (case, order.counter) if order.counter else placed(case, order)

    monkeypatch.setattr(commanding, "_placed", stubborn)
    with pytest.raises(AssertionError):
        play_once(template, "freeze", "meet", "restart", "rebind", "send", "take")


def test_orders_control_when_what_a_handset_freezes_by_itself_is_left_so_then_it_is_caught(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = reporting._contradicted

    def forgetful(case: Case, *arguments: object, **named: object) -> object:
        after, alarms = decide(case, *arguments, **named)  # type: ignore[arg-type]
        return (case if after.pending(OrderKind.REBIND) else after), alarms

    monkeypatch.setattr(reporting, "_contradicted", forgetful)
    with pytest.raises(AssertionError):
        play_once(template, "three days")


def test_orders_when_a_rebind_that_was_recalled_comes_through_all_the_same_then_the_next_one_still_has_its_turn(
    template: Path,
) -> None:
    """Freeze, rebind, freeze, rebind; the first rebind reaches the handset after the second freeze was ordered."""
    machine = type("Played", (Orders,), {"template": template})()
    machine.freeze()
    machine.pass_time(1)
    machine.rebind()
    machine.handset_hears(0, again=True)
    machine.hub_hears(0, again=False)
    machine.freeze()
    machine.handset_hears(2, again=False)
    machine.rebind()
    machine.teardown()


def test_orders_control_when_nothing_is_broken_then_both_plays_end_as_wanted(template: Path) -> None:
    play_once(template, "freeze", "meet", "restart", "rebind", "send", "take")
    play_once(template, "three days")
