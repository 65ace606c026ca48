"""Another command key: each handset gets it, whenever it comes, and the former one goes when none needs it any more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compline_hub.cli import app
from compline_hub.core.alarm import AlarmKind
from compline_hub.core.audit import Act
from compline_hub.core.orders import OrderState
from compline_hub.errors import HubBusy, HubNotReady, RotationRefused
from compline_hub.office import open_hub
from compline_hub.rotation import retire, rotate_command, state
from compline_hub.safekeeping import back_up, restore
from compline_hub.settings import HubSettings
from compline_hub.store.key_files import KeyFiles
from compline_shared.commands import Freeze, Lease, Rebind, Rekey, sign_command
from compline_shared.reports import BindingState
from tests.branch_store import Branch, branch
from tests.simulated_handset import SimulatedHandset

MONTHS = 100 * 86_400
SECRET = "correct horse battery"


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    return HubSettings(data_dir=str(tmp_path / "hub"))


@pytest.fixture
def handset(tmp_path: Path) -> SimulatedHandset:
    """Paired and heard under the first key."""
    with branch(tmp_path) as office:
        handset = office.simulated()
        office.meet(handset)
        handset.taken.clear()
        return handset


@contextmanager
def rotated(tmp_path: Path, settings: HubSettings, *, days: int = 1) -> Iterator[Branch]:
    """The hub after a rotation, some days later."""
    rotate_command(settings, by="ada")
    with branch(tmp_path) as office:
        office.clock.now += days * 86_400
        yield office


def bodies(handset: SimulatedHandset) -> list[type]:
    return [type(command.body) for command in handset.taken]


def former_file(settings: HubSettings) -> Path:
    return settings.data / "keys" / "command.key.old"


def test_rotation_when_the_handset_reports_then_it_gets_the_key_and_obeys_it(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    with rotated(tmp_path, settings) as office:
        office.meet(handset)
        order = office.orders.freeze("Desk 7", by="ada").order
        office.meet(handset)

        assert handset.life.command_key == office.hub.keys.command_public
        assert bodies(handset) == [Lease, Rekey, Freeze, Lease]
        assert office.now_of(order).state is OrderState.DONE
        assert handset.readable is None


def test_rotation_when_every_handset_has_the_key_then_the_former_one_is_destroyed_and_both_are_in_the_audit(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    with rotated(tmp_path, settings) as office:
        before = (retire(office.hub), former_file(settings).exists())
        office.meet(handset)
        after = (retire(office.hub), former_file(settings).exists())
        acts = [entry.act for entry in office.audited() if entry.detail == "command"]

    assert (before, after) == ((False, True), (True, False))
    assert acts == [Act.ROTATED, Act.KEY_DESTROYED]


def test_rotation_control_when_the_former_key_is_not_kept_then_the_handset_is_out_of_reach(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    """What keeping it is for."""
    rotate_command(settings, by="ada")
    KeyFiles(settings.data / "keys").forget_former()
    with branch(tmp_path) as office:
        office.orders.freeze("Desk 7", by="ada")
        office.meet(handset)
        assert (handset.readable is None, bodies(handset)) == (False, [])
        assert office.alarms() == {AlarmKind.KEY_LOST}


def test_rotation_when_one_handset_comes_months_later_then_it_holds_the_key_up_until_then(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    with branch(tmp_path) as office:
        late = office.simulated("Desk 8")
    with rotated(tmp_path, settings) as office:
        office.meet(handset)
        office.clock.now += MONTHS
        waiting = state(office.hub).waiting
        kept = not retire(office.hub)
        office.orders.freeze("Desk 8", by="ada")
        office.meet(late)
        frozen = late.readable is None
        office.meet(late)

        assert ([each.handset for each in waiting], kept, frozen) == (["Desk 8"], True, True)
        assert (retire(office.hub), state(office.hub).waiting) == (True, ())


def test_rotation_when_the_handsets_answer_is_lost_then_the_next_command_brings_it_out(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    with rotated(tmp_path, settings) as office:
        office.clock.now += 120
        office.hear(handset, handset.report())
        office.hand_over(handset)  # it has the key now, and the hub does not hear so
        order = office.orders.freeze("Desk 7", by="ada").order
        office.dispatch.send_due()

        assert office.hand_over(handset) == 1  # under the former key: to be answered, not obeyed
        assert handset.life.state is BindingState.BOUND
        office.meet(handset)
        assert (handset.life.state, handset.readable) == (BindingState.FROZEN, None)
        assert office.now_of(order).state is OrderState.DONE


def test_rotation_when_a_freeze_is_on_its_way_then_it_goes_first_under_the_former_key(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    with rotated(tmp_path, settings) as office:
        office.orders.freeze("Desk 7", by="ada")
        office.meet(handset)
        assert bodies(handset)[0] is Freeze
        office.meet(handset)
        assert (handset.readable, handset.life.command_key) == (None, office.hub.keys.command_public)


def test_rotation_when_a_rebind_waits_then_both_come_through(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    with branch(tmp_path) as office:
        office.orders.freeze("Desk 7", by="ada")
        office.meet(handset)
        office.orders.rebind("Desk 7", by="ada")
        handset.taken.clear()
    with rotated(tmp_path, settings) as office:
        office.meet(handset)
        assert bodies(handset) == [Lease, Rebind, Rekey]
        assert handset.readable is not None
        assert handset.life.command_key == office.hub.keys.command_public


def test_former_key_when_the_handset_has_the_new_one_then_what_it_signs_does_nothing(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    with branch(tmp_path) as office:
        former = office.hub.keys.command
    with rotated(tmp_path, settings) as office:
        office.meet(handset)
        stolen = replace(handset.taken[-1].place, epoch=handset.life.epoch)
        order = handset.taken[-1].__class__(
            bytes.fromhex(stolen.handset),
            bytes.fromhex(stolen.binding),
            stolen.epoch,
            handset.life.counter + 1,
            b"thief's freeze!!",
            Freeze(),
        )
        handset.take(sign_command(order, former))
        unmoved = handset.life.state
        handset.take(sign_command(order, office.hub.keys.command))  # a control: it is a sound freeze

    assert (unmoved, handset.life.state) == (BindingState.BOUND, BindingState.FROZEN)


def test_rotation_when_a_handset_is_paired_afterwards_then_it_begins_with_the_new_key(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    with rotated(tmp_path, settings) as office:
        office.meet(handset)
        office.simulated("Desk 8")
        assert retire(office.hub)


def test_rotation_when_a_handset_is_wiped_or_removed_then_it_holds_nothing_up(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    with branch(tmp_path) as office:
        lost = office.simulated("Desk 8")
        handset.pass_time(31 * 86_400)
        office.meet(handset)
    with rotated(tmp_path, settings) as office:
        before = [each.handset for each in state(office.hub).waiting]
        office.hub.enrolment.remove(lost.id)
        assert (before, retire(office.hub)) == (["Desk 8"], True)


def test_rotation_when_an_earlier_one_is_not_over_then_refused_until_it_is_finished_by_hand(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    rotate_command(settings, by="ada")
    with pytest.raises(RotationRefused, match="keys finish"):
        rotate_command(settings, by="ada")
    with open_hub(settings) as hub:
        retire(hub, by="ada", even_so=True)
    rotate_command(settings, by="ada")
    with branch(tmp_path) as office:
        office.meet(handset)
        assert (handset.life.command_key, office.alarms()) == (None, {AlarmKind.KEY_LOST})


def test_rotation_when_a_hub_works_then_it_is_refused(tmp_path: Path, settings: HubSettings) -> None:
    with branch(tmp_path), pytest.raises(HubBusy, match="stop it first"):
        rotate_command(settings, by="ada")


def test_rotation_when_done_three_times_then_the_handset_follows(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    for days in range(1, 4):
        with rotated(tmp_path, settings, days=days) as office:
            office.meet(handset)
            assert handset.life.command_key == office.hub.keys.command_public
            assert retire(office.hub)


def restored(settings: HubSettings, folder: Path) -> None:
    """The hub as it is now, by way of a backup file."""
    back_up(settings, folder / "backup", passphrase=SECRET, by="ada")
    (folder / "back").mkdir()
    there = HubSettings(data_dir=str(folder / "back" / "hub"))
    restore(there, folder / "backup", passphrase=SECRET, by="ada")


def test_restored_hub_when_its_backup_is_of_during_the_rotation_then_it_goes_on(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    rotate_command(settings, by="ada")
    restored(settings, tmp_path)
    with branch(tmp_path / "back") as office:
        office.meet(handset)
        assert (handset.life.command_key, retire(office.hub)) == (office.hub.keys.command_public, True)


def test_restored_hub_when_its_backup_is_older_than_the_rotation_then_it_says_that_it_lacks_the_key(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    restored(settings, tmp_path)
    with rotated(tmp_path, settings) as office:
        office.meet(handset)
    handset.taken.clear()
    with branch(tmp_path / "back") as office:
        order = office.orders.freeze("Desk 7", by="ada").order
        office.meet(handset)
        assert (office.alarms(), bodies(handset)) == ({AlarmKind.KEY_LOST}, [])
        assert office.now_of(order).pending


def test_hub_when_its_command_key_is_another_than_the_databases_then_it_does_not_start(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    shutil.copy(settings.data / "keys" / "command.key", tmp_path / "older")
    rotate_command(settings, by="ada")
    shutil.copy(tmp_path / "older", settings.data / "keys" / "command.key")
    with pytest.raises(HubNotReady, match="command key does not fit"), open_hub(settings):
        pass


def test_commands_when_typed_then_rotation_status_and_finish_tell_how_it_stands(
    tmp_path: Path, handset: SimulatedHandset
) -> None:
    environment = {"COMPLINE_HUB_DATA_DIR": str(tmp_path / "hub"), "COLUMNS": "220"}

    def typed(*arguments: str) -> str:
        done = CliRunner(env=environment).invoke(app, ["keys", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "never rotated" in typed("status")
    assert "kept for 1 handsets" in typed("rotate", "command")
    assert "Desk 7, last heard" in typed("status")
    assert "destroyed" in typed("finish", "command", "--yes")
    assert "No former key is kept" in typed("status")
