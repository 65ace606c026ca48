"""Another key of the hub: each handset gets it, whenever it comes, and the former one goes when nobody needs it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compline_hub.cli import app
from compline_hub.core.alarm import AlarmKind
from compline_hub.core.audit import Act
from compline_hub.core.key_sets import KnownKey
from compline_hub.core.orders import OrderState
from compline_hub.errors import HubBusy, HubNotReady, RotationRefused
from compline_hub.office import open_hub
from compline_hub.rotation import retire, rotate, state
from compline_hub.safekeeping import back_up, restore
from compline_hub.settings import HubSettings
from compline_hub.store.key_files import KeyFiles
from compline_shared.certificates import read_certificate
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
def rotated(
    tmp_path: Path, settings: HubSettings, kind: KnownKey = KnownKey.COMMAND, *, days: int = 1
) -> Iterator[Branch]:
    """The hub after a rotation, some days later."""
    rotate(settings, kind, by="ada")
    with branch(tmp_path) as office:
        office.clock.now += days * 86_400
        yield office


def bodies(handset: SimulatedHandset) -> list[type]:
    return [type(command.body) for command in handset.taken]


def former_file(settings: HubSettings, kind: KnownKey = KnownKey.COMMAND) -> Path:
    return settings.data / "keys" / f"{kind.value}.key.old"


@pytest.mark.parametrize("kind", KnownKey)
def test_rotation_when_the_handset_reports_then_it_gets_the_keys_and_obeys_under_them(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset, kind: KnownKey
) -> None:
    before = handset.keys
    with rotated(tmp_path, settings, kind) as office:
        office.meet(handset)
        order = office.orders.freeze("Desk 7", by="ada").order
        office.meet(handset)

        assert before != handset.keys == office.hub.ring.sets.present
        assert bodies(handset) == [Lease, Rekey, Freeze, Lease]
        assert office.now_of(order).state is OrderState.DONE
        assert handset.readable is None


@pytest.mark.parametrize("kind", [KnownKey.COMMAND, KnownKey.SIGNING, KnownKey.SEALING])
def test_rotation_when_every_handset_has_the_key_then_the_former_one_is_destroyed_and_both_are_in_the_audit(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset, kind: KnownKey
) -> None:
    with rotated(tmp_path, settings, kind) as office:
        before = (retire(office.hub), former_file(settings, kind).exists())
        office.meet(handset)
        after = (retire(office.hub), former_file(settings, kind).exists())
        acts = [entry.act for entry in office.audited() if entry.detail == kind.value]

    assert (before, after) == ((False, True), (True, False))
    assert acts == [Act.ROTATED, Act.KEY_DESTROYED]


def test_rotation_control_when_the_former_key_is_not_kept_then_the_hub_does_not_start(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    """It would be out of reach for every handset that knows no other."""
    rotate(settings, KnownKey.COMMAND, by="ada")
    KeyFiles(settings.data / "keys").forget_former()
    with pytest.raises(HubNotReady, match="keys do not fit"), open_hub(settings):
        pass


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
        assert (handset.readable, handset.keys) == (None, office.hub.ring.sets.present)


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
        assert handset.keys == office.hub.ring.sets.present


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
    rotate(settings, KnownKey.COMMAND, by="ada")
    with pytest.raises(RotationRefused, match="keys finish"):
        rotate(settings, KnownKey.COMMAND, by="ada")
    with open_hub(settings) as hub:
        retire(hub, by="ada", even_so=state(hub).name)
    rotate(settings, KnownKey.COMMAND, by="ada")
    with branch(tmp_path) as office:
        office.meet(handset)
        assert (handset.life.hub_keys, office.alarms()) == (None, {AlarmKind.KEY_LOST})


def test_rotation_when_a_hub_works_then_it_is_refused(tmp_path: Path, settings: HubSettings) -> None:
    with branch(tmp_path), pytest.raises(HubBusy, match="stop it first"):
        rotate(settings, KnownKey.COMMAND, by="ada")


def test_rotation_when_of_one_key_after_another_then_the_handset_follows(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    kinds = [KnownKey.COMMAND, KnownKey.SEALING, KnownKey.COMMAND, KnownKey.SIGNING]
    for days, kind in enumerate(kinds, start=1):
        with rotated(tmp_path, settings, kind, days=days) as office:
            office.meet(handset)
            assert handset.keys == office.hub.ring.sets.present
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
    rotate(settings, KnownKey.COMMAND, by="ada")
    restored(settings, tmp_path)
    with branch(tmp_path / "back") as office:
        office.meet(handset)
        assert (handset.keys, retire(office.hub)) == (office.hub.ring.sets.present, True)


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


@pytest.mark.parametrize("name", ["command", "signing", "sealing", "ca"])
def test_hub_when_one_of_its_keys_is_another_than_the_databases_then_it_does_not_start(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset, name: str
) -> None:
    shutil.copy(settings.data / "keys" / "escrow.key", tmp_path / "another")
    rotate(settings, KnownKey.COMMAND, by="ada")
    shutil.copy(tmp_path / "another", settings.data / "keys" / f"{name}.key")
    with pytest.raises(HubNotReady, match="keys do not fit"), open_hub(settings):
        pass


def test_commands_when_typed_then_rotation_status_and_finish_tell_how_it_stands(
    tmp_path: Path, handset: SimulatedHandset
) -> None:
    environment = {"COMPLINE_HUB_DATA_DIR": str(tmp_path / "hub"), "COLUMNS": "220"}

    def typed(*arguments: str) -> str:
        done = CliRunner(env=environment).invoke(app, ["keys", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    status = typed("status")
    assert "never rotated" in status
    authority = read_certificate((tmp_path / "hub" / "keys" / "ca.crt").read_bytes())
    ends = time.strftime("%Y-%m-%d", time.localtime(authority.not_after))
    assert f"The authority ends on {ends}." in status
    assert "another command key: the former one is kept for 1 handset." in typed("rotate", "command").lower()
    assert "Desk 7: does not know it yet, last heard" in typed("status")
    assert "destroyed" in typed("finish", "--yes")
    assert "No former key is kept" in typed("status")
