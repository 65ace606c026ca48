"""Rotations that meet another command, another database or a pairing that broke off: no key is lost to any of them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from compline_hub import office
from compline_hub.core.authority import HubCertificates
from compline_hub.core.key_sets import KnownKey
from compline_hub.errors import HubNotReady, RotationRefused
from compline_hub.office import holding_keys, init_hub, open_hub, replacing_keys
from compline_hub.rotation import is_outdated, retire, rotate, state
from compline_hub.safekeeping import back_up, restore
from compline_hub.settings import HubSettings
from compline_hub.store.key_files import KeyFiles
from tests.branch_store import branch
from tests.simulated_handset import SimulatedHandset

SECRET = "correct horse battery"
DAY = 86_400


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    return HubSettings(data_dir=str(tmp_path / "hub"))


@pytest.fixture
def handset(tmp_path: Path) -> SimulatedHandset:
    with branch(tmp_path) as office:
        handset = office.simulated()
        office.meet(handset)
        return handset


def private(settings: HubSettings) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (settings.data / "keys").glob("*.key*")}


def all_met(tmp_path: Path, handset: SimulatedHandset) -> None:
    with branch(tmp_path) as office:
        office.clock.now += DAY
        office.meet(handset)
        office.certify(handset)
        retire(office.hub)


class _Killed(Exception):
    """The power failed."""


@pytest.mark.parametrize("kind", KnownKey)
def test_rotation_when_another_one_came_between_its_look_and_its_lock_then_that_ones_key_is_kept(
    tmp_path: Path, settings: HubSettings, kind: KnownKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where that other one was killed right after it told the database."""
    init_hub(settings)
    with branch(tmp_path) as here:
        here.simulated()
    looked: list[bool] = []

    @contextmanager
    def stalled(settings: HubSettings) -> Iterator[KeyFiles]:
        if not looked:
            looked.append(True)
            with monkeypatch.context() as power:
                power.setattr(KeyFiles, "end_rotation", _fails)
                with suppress(_Killed):
                    rotate(settings, kind, by="ada")
        with replacing_keys(settings) as files:
            yield files

    monkeypatch.setattr("compline_hub.rotation.replacing_keys", stalled)
    with pytest.raises(RotationRefused):
        rotate(settings, kind, by="bert")
    with open_hub(settings) as hub:
        assert state(hub).changed is kind
        retire(hub, even_so=state(hub).name)
    with open_hub(settings) as hub:
        assert hub.ring.sets.present.authorities[0] == hub.certificates.authority.der


def _fails(*_arguments: object, **_named: object) -> None:
    raise _Killed


def test_hub_when_opened_for_the_second_round_while_a_command_waits_with_it_then_it_need_not_wait(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    """`unbind --wait` has the hub open for minutes, and waits for the very hub that is being opened anew."""
    rotate(settings, KnownKey.CA, by="ada")
    with open_hub(settings) as waiting:
        all_met(tmp_path, handset)
        with open_hub(settings) as served:
            assert served.certificates.authority.der == handset.keys.authorities[1]
            assert is_outdated(waiting)


def test_hub_when_the_second_round_begins_while_it_is_being_opened_then_it_opens_with_the_new_authority(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command is typed at the moment at which the running hub goes on."""
    rotate(settings, KnownKey.CA, by="ada")
    began: list[bool] = []

    def late(settings: HubSettings, files: KeyFiles) -> None:
        office.end_staged(settings, files)
        if not began:
            began.append(True)
            all_met(tmp_path, handset)

    monkeypatch.setattr("compline_hub.office.end_rotations", late)
    with open_hub(settings) as hub:
        assert hub.certificates.authority.der == handset.keys.authorities[1]


def test_hub_when_many_open_it_at_once_and_its_certificates_are_due_then_all_get_the_same(
    settings: HubSettings,
) -> None:
    init_hub(settings)
    for name in ("tls.crt", "link.crt"):
        (settings.data / "keys" / name).unlink()

    def shown(_: int) -> HubCertificates:
        with open_hub(settings) as hub:
            return hub.certificates

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(shown, range(16)))) == 1


def test_hub_control_when_somebody_has_it_open_then_its_keys_are_not_to_be_had_alone(
    settings: HubSettings,
) -> None:
    init_hub(settings)
    with open_hub(settings), pytest.raises(Exception, match="stop it first"):
        rotate(settings, KnownKey.COMMAND, by="ada")
    with holding_keys(settings.data, alone=True):
        pass


@pytest.mark.parametrize("kind", KnownKey)
@pytest.mark.parametrize("how_old", ["of before the rotation", "of before there were sets", "empty"])
def test_hub_when_its_database_is_older_than_its_keys_then_it_does_not_start_or_harms_none_of_them(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset, kind: KnownKey, how_old: str
) -> None:
    """As where PostgreSQL is brought back from another moment than the keys."""
    older, newer = tmp_path / "older.db", tmp_path / "newer.db"
    shutil.copy(settings.data / "hub.db", older)
    rotate(settings, kind, by="ada")
    keys = private(settings)
    shutil.copy(settings.data / "hub.db", newer)
    for path in settings.data.glob("hub.db*"):
        path.unlink()
    if how_old != "empty":
        shutil.copy(older, settings.data / "hub.db")
    if how_old == "of before there were sets":
        _forget_sets(settings)

    with suppress(HubNotReady), open_hub(settings):
        pass

    assert private(settings).items() >= keys.items()
    for path in settings.data.glob("hub.db*"):
        path.unlink()
    shutil.copy(newer, settings.data / "hub.db")
    all_met(tmp_path, handset)
    with open_hub(settings) as hub:
        assert hub.ring.sets.present == handset.keys or hub.ring.sets.former == handset.keys


def _forget_sets(settings: HubSettings) -> None:
    with closing(sqlite3.connect(settings.data / "hub.db")) as database:
        database.execute("DELETE FROM key_sets")
        database.commit()


def test_rotation_when_a_pairing_broke_off_and_the_phone_was_paired_for_another_then_nobody_waits_for_the_first(
    tmp_path: Path, settings: HubSettings
) -> None:
    with branch(tmp_path) as office:
        handset = SimulatedHandset()
        office.hub.enrolment.enrol(handset.request, name="Desk 7", collector="Li Wie")
        handset.join(office.hub.enrolment.enrol(handset.request, name="Desk 7", collector="Li Wei"))
        office.meet(handset)
    rotate(settings, KnownKey.COMMAND, by="ada")
    with branch(tmp_path) as office:
        before = [waiting.handset for waiting in state(office.hub).waiting]
        office.clock.now += DAY
        office.meet(handset)
        assert (before, retire(office.hub)) == (["Desk 7"], True)


def test_finish_when_the_rotation_went_on_meanwhile_then_the_round_that_nobody_was_asked_about_stays(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    rotate(settings, KnownKey.CA, by="ada")
    with open_hub(settings) as asked:
        shown = state(asked)
        with branch(tmp_path) as served:
            served.clock.now += DAY
            served.meet(handset)
            retire(served.hub)
        with pytest.raises(RotationRefused, match="decide anew"):
            retire(asked, even_so=shown.name)
        assert (shown.first_round, state(asked).first_round) == (True, False)
        assert state(asked).changed is KnownKey.CA


def test_restored_hub_when_its_backup_is_of_the_first_round_and_the_hub_went_on_then_finish_brings_it_back(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    """The handset takes servers of the new authority alone by now; the backup holds its key."""
    rotate(settings, KnownKey.CA, by="ada")
    back_up(settings, tmp_path / "backup", passphrase=SECRET, by="ada")
    for _ in range(2):
        all_met(tmp_path, handset)
    known = handset.keys
    (tmp_path / "back").mkdir()
    there = HubSettings(data_dir=str(tmp_path / "back" / "hub"))
    restore(there, tmp_path / "backup", passphrase=SECRET, by="ada")
    with open_hub(there) as hub:
        shown = hub.certificates.authority.der
        retire(hub, even_so=state(hub).name)
    with branch(tmp_path / "back") as office:
        assert shown not in known.authorities
        assert office.hub.certificates.authority.der in known.authorities
        assert office.hub.ring.sets.present == known
