"""A hub that came back from an old backup, and the handset that lived on meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from compline_hub.core.alarm import AlarmKind
from compline_hub.core.orders import Order, OrderState, Reason
from compline_hub.errors import OrderRefused
from compline_hub.service.intake import Taken
from compline_shared.lease import LeaseTimes
from compline_shared.reports import BindingState
from tests.branch_store import Branch, branch
from tests.postgres_server import Database
from tests.refusals import not_taken
from tests.simulated_handset import SimulatedHandset
from tests.wire_handset import drafts

Act = Callable[[Branch, SimulatedHandset], object]


def freeze(office: Branch, handset: SimulatedHandset) -> Order:
    order = office.orders.freeze("Desk 7", by="ada").order
    office.meet(handset)
    return order


def rebind(office: Branch, handset: SimulatedHandset) -> Order:
    order = office.orders.rebind("Desk 7", by="ada").order
    office.meet(handset)
    return order


def order_rebind(office: Branch, handset: SimulatedHandset) -> None:
    """A rebind whose secrets were made and sent, and whose end the backup did not see."""
    office.orders.rebind("Desk 7", by="ada")
    office.dispatch.send_due()


@dataclass(frozen=True, slots=True)
class Branches:
    """The branch as it is, and as a backup brings it back."""

    folder: Path
    database: Database

    def opened(self) -> AbstractContextManager[Branch]:
        return branch(self.folder, database=self.database.url)

    @contextmanager
    def restored(
        self, *, before: tuple[Act, ...] = (), after: tuple[Act, ...]
    ) -> Iterator[tuple[Branch, SimulatedHandset]]:
        """What happened before the backup is known to the hub, what happened after it only to the handset."""
        with self.opened() as office:
            handset = office.simulated()
            for act in before:
                act(office, handset)
        shutil.copytree(self.folder / "hub", self.folder / "backup" / "hub")
        backup = self.database.copied()
        with self.opened() as office:
            office.post.sent.clear()
            for act in after:
                act(office, handset)
        with branch(self.folder / "backup", database=backup.url) as office:
            yield office, handset


@pytest.fixture
def branches(tmp_path: Path, database: Database) -> Branches:
    return Branches(tmp_path, database)


def test_freeze_when_the_handsets_counter_is_ahead_then_it_is_signed_anew_above_it_and_done(
    branches: Branches,
) -> None:
    with branches.restored(after=(freeze, rebind, freeze, rebind)) as (office, handset):
        order = office.orders.freeze("Desk 7", by="ada").order
        office.dispatch.send_due()
        office.hand_over(handset)
        ignored = handset.readable is not None

        office.meet(handset)

        assert ignored
        assert handset.readable is None
        assert office.now_of(order).state is OrderState.DONE


def test_binding_when_it_was_frozen_after_the_backup_then_the_hub_leaves_it_frozen_and_alarms(
    branches: Branches,
) -> None:
    """The hub has forgotten the freeze, not undone it."""
    with branches.restored(after=(freeze,)) as (office, handset):
        office.meet(handset)
        left_frozen = handset.readable is None

        rebind(office, handset)

        assert left_frozen
        assert office.alarms() == {AlarmKind.UNKNOWN_ORDER}
        assert handset.readable is not None


def test_epoch_when_the_backup_has_its_secrets_then_it_is_taken_from_the_report(branches: Branches) -> None:
    with branches.restored(before=(freeze, order_rebind), after=(lambda o, h: o.meet(h),)) as (
        office,
        handset,
    ):
        known = office.binding(handset).epoch

        office.meet(handset)
        taken = office.binding(handset).epoch
        freeze(office, handset)
        rebind(office, handset)

        assert (known, taken, office.binding(handset).epoch) == (1, 2, 3)
        assert handset.readable is not None
        assert office.alarms() == set()


def test_epoch_when_the_backup_lacks_its_secrets_then_the_hub_alarms_and_the_handset_works_on(
    branches: Branches,
) -> None:
    with branches.restored(after=(freeze, rebind)) as (office, handset):
        handset.pass_time(30 * 3_600)
        office.meet(handset)
        handset.judge(*drafts(3))
        outcome = office.hear(handset, handset.frame())

        assert office.alarms() == {AlarmKind.SECRETS_LOST}
        assert handset.account.used == 0
        assert isinstance(outcome, Taken)
        assert len(outcome.answer.links) == 3


def test_epoch_when_the_backup_lacks_its_secrets_then_a_freeze_holds_and_a_rebind_says_what_to_do(
    branches: Branches,
) -> None:
    with branches.restored(after=(freeze, rebind)) as (office, handset):
        office.meet(handset)

        order = freeze(office, handset)
        with pytest.raises(OrderRefused, match=not_taken(Reason.SECRETS_LOST)):
            office.orders.rebind("Desk 7", by="ada")

        assert office.now_of(order).state is OrderState.DONE
        assert handset.readable is None


def test_policy_when_the_handset_has_a_newer_one_then_it_is_numbered_above_it(branches: Branches) -> None:
    def policies(office: Branch, handset: SimulatedHandset) -> None:
        for hours in (10, 20, 30):
            office.orders.policy(LeaseTimes(warn=hours * 3_600), by="ada")
            office.meet(handset)

    with branches.restored(after=(policies,)) as (office, handset):
        (given,) = office.orders.policy(LeaseTimes(warn=5 * 3_600), by="ada")
        office.meet(handset)

        assert office.now_of(given.order).state is OrderState.DONE
        assert handset.life.terms.times.warn == 5 * 3_600


def test_files_when_put_back_to_before_the_freeze_then_the_hub_freezes_them_again_and_alarms(
    branches: Branches,
) -> None:
    with branches.opened() as office:
        handset = office.simulated()
        office.meet(handset)
        life, files = handset.life, handset.files
        freeze(office, handset)

        handset.life, handset.files = life, files
        office.meet(handset)

        assert office.alarms() == {AlarmKind.SET_BACK}
        assert handset.life.state is BindingState.FROZEN
        assert handset.readable is None


def test_report_when_an_old_one_is_played_again_then_it_brings_no_lease_and_an_alarm(
    branches: Branches,
) -> None:
    with branches.opened() as office:
        handset = office.simulated()
        old = handset.report()
        for _ in range(9):  # more reports than the hub remembers
            handset.pass_time(3_600)
            office.meet(handset)
        office.post.sent.clear()

        office.hear(handset, old)

        assert office.post.sent == []
        assert office.alarms() == {AlarmKind.SET_BACK}


def deliver(office: Branch, handset: SimulatedHandset) -> None:
    """Three more verdicts, and their receipts."""
    handset.judge(*drafts(3))
    for _ in range(2):
        for seq in range(handset.settled + 1, len(handset.verdicts) + 1):
            office.hear(handset, handset.frame(seq, seq))
        office.hand_over(handset)


def test_verdicts_when_the_hub_has_lost_them_then_it_asks_again_though_the_handset_has_nothing_new(
    branches: Branches,
) -> None:
    with branches.restored(before=(deliver,), after=(deliver,)) as (office, handset):
        settled, had = handset.settled, office.binding(handset).up_to
        office.meet(handset)
        asked = handset.settled
        for seq in range(asked + 1, 7):
            office.hear(handset, handset.frame(seq, seq))

        assert (settled, had, asked) == (6, 3, 3)
        assert office.binding(handset).up_to == 6
        assert office.alarms() == set()


def test_verdicts_control_when_nobody_asks_then_the_handset_never_learns_that_they_were_lost(
    branches: Branches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline_hub.service.intake.asked_again", lambda _binding, settled: None)
    with branches.restored(before=(deliver,), after=(deliver,)) as (office, handset):
        office.meet(handset)
        assert (handset.settled, office.binding(handset).up_to) == (6, 3)
