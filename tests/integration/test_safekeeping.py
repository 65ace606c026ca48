"""Backup, restore and rotation of the hub's secrets, and what each refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from typer.testing import CliRunner

from compline_hub.cli import app
from compline_hub.core.audit import Act
from compline_hub.core.offer import OfferState
from compline_hub.core.orders import OrderState
from compline_hub.errors import (
    AuditBroken,
    BadBackup,
    FolderInUse,
    HubBusy,
    HubNotReady,
    WrongPassphrase,
)
from compline_hub.office import open_hub
from compline_hub.safekeeping import back_up, restore, rotate_escrow
from compline_hub.service.restoring import COUNTER_STEP
from compline_hub.settings import HubSettings
from compline_hub.store.archive import write_archive
from compline_hub.store.key_files import KeyFiles
from compline_hub.store.sealed_stream import OpeningReader, SealingWriter
from compline_shared.errors import ComplineError
from compline_shared.ids import HandsetId
from compline_shared.sealed_file import CHUNK
from tests.branch_store import Branch, branch

SECRET = "correct horse battery"


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    return HubSettings(data_dir=str(tmp_path / "hub"))


def elsewhere(folder: Path) -> HubSettings:
    return HubSettings(data_dir=str(folder / "restored" / "hub"))


def saved(office: Branch, folder: Path) -> Path:
    back_up(office.hub.settings, folder / "backup", passphrase=SECRET, by="ada")
    return folder / "backup"


def test_restore_when_the_backup_was_taken_while_the_hub_ran_then_the_branch_goes_on(tmp_path: Path) -> None:
    with branch(tmp_path) as office:
        handset = office.simulated()
        key = handset.readable
        office.orders.freeze("Desk 7", by="ada")
        office.meet(handset)
        backup = saved(office, tmp_path)

    restore(elsewhere(tmp_path), backup, passphrase=SECRET, by="ada")

    with branch(tmp_path / "restored") as office:
        order = office.orders.rebind("Desk 7", by="ada").order
        office.meet(handset)
        assert handset.readable == key
        assert office.now_of(order).state is OrderState.DONE
        assert Act.RESTORED in [entry.act for entry in office.audited()]
        office.hub.auditing.verify()


def test_restore_when_the_handset_lived_on_then_a_freeze_holds_before_it_ever_reported(
    tmp_path: Path,
) -> None:
    with branch(tmp_path) as office:
        handset = office.simulated()
        backup = saved(office, tmp_path)
        for _ in range(5):
            handset.pass_time(3_600)
            office.meet(handset)

    restore(elsewhere(tmp_path), backup, passphrase=SECRET, by="ada")

    with branch(tmp_path / "restored") as office:
        office.orders.freeze("Desk 7", by="ada")
        office.dispatch.send_due()
        office.hand_over(handset)
        assert handset.readable is None
        assert handset.life.counter > COUNTER_STEP


def test_backup_when_written_then_only_its_owner_reads_it_and_no_secret_stands_in_it(tmp_path: Path) -> None:
    with branch(tmp_path) as office:
        backup = saved(office, tmp_path)

    data = backup.read_bytes()
    assert backup.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "backup.part").exists()
    for key in (tmp_path / "hub" / "keys").glob("*.key"):
        assert key.read_bytes() not in data
    assert b"SQLite format 3" not in data


def test_restore_when_the_folder_is_not_empty_then_it_is_refused_and_stays(tmp_path: Path) -> None:
    with branch(tmp_path) as office:
        backup = saved(office, tmp_path)
    there = elsewhere(tmp_path)
    there.data.mkdir(parents=True)
    (there.data / "mine").write_text("x")

    with pytest.raises(FolderInUse, match="not empty"):
        restore(there, backup, passphrase=SECRET, by="ada")

    assert [path.name for path in there.data.iterdir()] == ["mine"]


def cut(data: bytes) -> bytes:
    return data[:-1]


def flipped(data: bytes) -> bytes:
    return data[:-9_000] + bytes([data[-9_000] ^ 1]) + data[-8_999:]


def chunk_gone(data: bytes) -> bytes:
    whole = (len(data) - 85) // (CHUNK + 16)  # all but the last
    return data[: 84 + whole * (CHUNK + 16)]


def foreign(_data: bytes) -> bytes:
    return b"PK\x03\x04" + bytes(200)


@pytest.mark.parametrize("damage", [cut, flipped, chunk_gone, foreign])
def test_restore_when_the_backup_is_damaged_then_nothing_is_there_afterwards(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    with branch(tmp_path) as office:
        backup = saved(office, tmp_path)
    backup.write_bytes(damage(backup.read_bytes()))

    with pytest.raises(BadBackup):
        restore(elsewhere(tmp_path), backup, passphrase=SECRET, by="ada")

    assert list((tmp_path / "restored").iterdir()) == []


def test_restore_when_the_passphrase_is_wrong_then_it_says_so(tmp_path: Path) -> None:
    with branch(tmp_path) as office:
        backup = saved(office, tmp_path)

    with pytest.raises(WrongPassphrase):
        restore(elsewhere(tmp_path), backup, passphrase="another passphrase", by="ada")


def tampered_audit(folder: Path) -> None:
    _execute(folder / "hub.db", "UPDATE audit SET who = 'nobody'")


def other_escrow_key(folder: Path) -> None:
    (folder / "keys" / "escrow.key").write_bytes(bytes(32))


def missing_key(folder: Path) -> None:
    (folder / "keys" / "command.key").write_bytes(b"short")


def _execute(database: Path, statement: str) -> None:
    connection = sqlite3.connect(database)
    with connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("harm", "error"),
    [(tampered_audit, AuditBroken), (other_escrow_key, BadBackup), (missing_key, HubNotReady)],
)
def test_restore_when_what_was_backed_up_is_not_sound_then_nothing_is_there_afterwards(
    tmp_path: Path, harm: Callable[[Path], None], error: type[ComplineError]
) -> None:
    with branch(tmp_path) as office:
        office.simulated()
        office.orders.freeze("Desk 7", by="ada")
    data = tmp_path / "hub"
    harm(data)
    files = [(f"keys/{path.name}", path) for path in (data / "keys").iterdir()]
    write_archive(tmp_path / "backup", [*files, ("hub.db", data / "hub.db")], passphrase=SECRET)

    with pytest.raises(error):
        restore(elsewhere(tmp_path), tmp_path / "backup", passphrase=SECRET, by="ada")

    assert list((tmp_path / "restored").iterdir()) == []


@pytest.mark.parametrize("name", ["../evil.key", "/etc/evil", "keys/../../evil.key", "keys/evil.sh"])
def test_restore_when_a_name_climbs_out_then_it_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    write_archive(tmp_path / "backup", [(name, tmp_path / "file")], passphrase=SECRET)

    with pytest.raises(BadBackup, match="does not know"):
        restore(elsewhere(tmp_path), tmp_path / "backup", passphrase=SECRET, by="ada")


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_stream_when_sealed_then_it_opens_to_the_same_bytes(tmp_path: Path, length: int) -> None:
    plain = bytes(range(256)) * (length // 256) + bytes(length % 256)
    with (tmp_path / "s").open("wb") as sealed, SealingWriter(sealed, passphrase=SECRET) as writer:
        writer.write(plain)

    with (tmp_path / "s").open("rb") as source:
        reader = OpeningReader(source, passphrase=SECRET)
        assert reader.read(length + 1) == plain


def test_stream_when_read_on_after_damage_then_it_never_passes_for_its_end(tmp_path: Path) -> None:
    with (tmp_path / "s").open("wb") as sealed, SealingWriter(sealed, passphrase=SECRET) as writer:
        writer.write(bytes(2 * CHUNK))
    data = bytearray((tmp_path / "s").read_bytes())
    data[-1] ^= 1
    (tmp_path / "s").write_bytes(data)

    with (tmp_path / "s").open("rb") as source:
        reader = OpeningReader(source, passphrase=SECRET)
        for _ in range(2):
            with pytest.raises(BadBackup, match="damaged"):
                reader.drain()


def test_rotation_when_done_then_the_old_key_opens_nothing_and_every_secret_is_the_same(
    tmp_path: Path,
) -> None:
    with branch(tmp_path) as office:
        handsets = [office.simulated(name) for name in ("Desk 7", "Desk 8")]
        key = handsets[0].readable
        office.orders.freeze("Desk 7", by="ada")
        office.meet(handsets[0])
        office.orders.rebind("Desk 7", by="ada")
        office.dispatch.send_due()  # now the next epoch's secrets are in escrow too
        old = office.hub.keys
        settings = office.hub.settings

    count = rotate_escrow(settings, by="ada")

    with branch(tmp_path) as office:
        assert count == 3
        assert office.hub.keys.escrow != old.escrow
        assert not (settings.data / "keys" / "escrow.key.next").exists()
        binding = office.binding(handsets[0])
        with pytest.raises(InvalidTag):
            old.open_escrow(binding.escrow, binding=binding.id)
        office.meet(handsets[0])
        assert handsets[0].readable == key
        assert Act.ROTATED in [entry.act for entry in office.audited()]


def unfinished(office: Branch) -> list[str]:
    """Give out two codes, of which a handset takes one."""
    given = [office.hub.pairing.offer(handset_name=name, collector_name=name) for name in ("A", "B")]
    with office.hub.store.transaction() as ledger:
        offer = ledger.offers.offer(given[1].offer)
        assert offer is not None
        ledger.offers.put(offer.taken_by(HandsetId("00" * 8)))
    return [one.offer for one in given]


def states(office: Branch, offers: list[str]) -> list[OfferState]:
    with office.hub.store.transaction() as ledger:
        kept = [ledger.offers.offer(offer) for offer in offers]
    return [offer.state for offer in kept if offer is not None and offer.sealed is None]


def test_rotation_when_pairing_codes_are_open_or_taken_then_they_are_called_off(
    tmp_path: Path, settings: HubSettings
) -> None:
    with branch(tmp_path) as office:
        offers = unfinished(office)

    rotate_escrow(settings, by="ada")

    with branch(tmp_path) as office:
        assert states(office, offers) == [OfferState.WITHDRAWN] * 2


def test_restore_when_pairing_codes_were_open_or_taken_then_they_are_called_off(tmp_path: Path) -> None:
    with branch(tmp_path) as office:
        offers = unfinished(office)
        backup = saved(office, tmp_path)
        control = states(office, offers)

    restore(elsewhere(tmp_path), backup, passphrase=SECRET, by="ada")

    with branch(tmp_path / "restored") as office:
        assert states(office, offers) == [OfferState.WITHDRAWN] * 2
    assert control == []


def test_rotation_when_a_hub_works_then_it_is_refused(tmp_path: Path, settings: HubSettings) -> None:
    with branch(tmp_path), open_hub(settings), pytest.raises(HubBusy, match="stop it first"):
        rotate_escrow(settings, by="ada")


def test_hub_when_neither_escrow_key_fits_then_it_says_so_and_does_not_start(
    tmp_path: Path, settings: HubSettings
) -> None:
    with branch(tmp_path) as office:
        office.simulated()
    KeyFiles(settings.data / "keys").stage("escrow")
    (settings.data / "keys" / "escrow.key").write_bytes(bytes(32))

    with pytest.raises(HubNotReady, match="does not fit its database"), open_hub(settings):
        pass


def test_commands_when_typed_then_backup_restore_and_rotation_tell_what_they_did(tmp_path: Path) -> None:
    (tmp_path / "pass").write_text(SECRET)
    phrase = ["--passphrase-file", str(tmp_path / "pass")]

    def run(data: str, *arguments: str) -> str:
        environment = {"COMPLINE_HUB_DATA_DIR": str(tmp_path / data), "COLUMNS": "220"}
        done = CliRunner(env=environment).invoke(app, arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    run("hub", "init")

    assert "and the database" in run("hub", "backup", str(tmp_path / "b"), *phrase)
    assert "The hub is back" in run("new", "restore", str(tmp_path / "b"), *phrase)
    assert "0 secrets" in run("new", "keys", "rotate", "escrow")
    assert "The audit holds: 2 entries" in run("new", "audit", "verify")
    assert "rotated" in run("new", "audit", "list")


def test_rotation_when_of_a_key_that_nobody_can_replace_then_it_is_refused_with_why(tmp_path: Path) -> None:
    done = CliRunner(env={"COMPLINE_HUB_DATA_DIR": str(tmp_path), "COLUMNS": "220"}).invoke(
        app, ["keys", "rotate", "branch"]
    )

    assert done.exit_code == 2
    assert "nobody could tell which verdicts are of one case" in " ".join(
        done.output.replace("│", " ").split()
    )
