"""kill -9 before changes of files during backup, restore and rotation: the old or the new state, nothing between."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from compline_hub.core.key_sets import KnownKey
from compline_hub.core.keys import HubKeys
from compline_hub.errors import HubNotReady
from compline_hub.office import open_hub
from compline_hub.rotation import rotate
from compline_hub.safekeeping import back_up, restore, rotate_escrow
from compline_hub.settings import HubSettings
from compline_shared.certificates import read_certificate
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.p256 import point_of
from tests.branch_store import branch
from tests.killed_hub import PASSPHRASE

LONGEST = 60
"""More file changes than any of the three makes."""


class Killing:
    """The program that dies for us, made once."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.killed_hub"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, action: str, data: Path, backup: Path, *, at: int) -> bool:
        """Run an action and kill it before its ``at``-th change; False where it came to its end first."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{action}\t{data}\t{backup}\t{at}\n")
        self.process.stdin.flush()
        ended = int(self.process.stdout.readline())
        assert ended in (0, -signal.SIGKILL)
        return ended != 0

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def killed() -> Iterator[Killing]:
    killing = Killing()
    yield killing
    killing.close()


def secrets_of(settings: HubSettings) -> list[str]:
    """What the hub's escrow opens to, told by its public halves."""
    with open_hub(settings) as hub:
        hub.auditing.verify()
        with hub.store.transaction() as ledger:
            bindings = ledger.bindings()
        opened = [hub.keys.open_escrow(binding.escrow, binding=binding.id) for binding in bindings]
        return sorted(secrets.freeze_public.hex() for secrets in opened)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> HubSettings:
    folder = tmp_path_factory.mktemp("killed")
    with branch(folder) as office:
        for name in ("Desk 7", "Desk 8"):
            office.simulated(name)
        return office.hub.settings


def points(step: int) -> list[int]:
    return list(range(1, LONGEST, step))


def test_rotation_when_killed_anywhere_then_every_secret_still_opens(
    hub: HubSettings, tmp_path: Path, killed: Killing
) -> None:
    expected = secrets_of(hub)
    kills = 0
    for at in points(1):
        data = tmp_path / f"hub{at}"
        shutil.copytree(hub.data, data)
        survived = not killed("rotate", data, tmp_path / "none", at=at)
        assert secrets_of(HubSettings(data_dir=str(data))) == expected, at
        assert not (data / "keys" / "escrow.key.next").exists()
        if survived:
            break
        kills += 1
    assert kills >= 5


def test_rotation_control_when_the_key_is_replaced_before_the_secrets_then_a_kill_loses_them(
    hub: HubSettings, tmp_path: Path, killed: Killing
) -> None:
    """What the order of the steps is for."""
    data = tmp_path / "hub"
    shutil.copytree(hub.data, data)

    assert killed("broken escrow", data, tmp_path / "none", at=0)

    with pytest.raises(InvalidTag):
        secrets_of(HubSettings(data_dir=str(data)))


def test_backup_when_killed_anywhere_then_the_older_one_or_the_new_one_is_there_whole(
    hub: HubSettings, tmp_path: Path, killed: Killing
) -> None:
    backup = tmp_path / "backup"
    back_up(hub, backup, passphrase=PASSPHRASE, by="ada")
    older = backup.read_bytes()
    kills = 0
    for at in points(3):
        ended = not killed("backup", hub.data, backup, at=at)
        if backup.read_bytes() != older:
            there = tmp_path / "check" / str(at)
            restore(HubSettings(data_dir=str(there)), backup, passphrase=PASSPHRASE, by="ada")
            older = backup.read_bytes()
        if ended:
            break
        kills += 1
    assert kills >= 3


def test_restore_when_killed_anywhere_then_nothing_is_there_or_the_whole_hub(
    hub: HubSettings, tmp_path: Path, killed: Killing
) -> None:
    backup, expected = tmp_path / "backup", secrets_of(hub)
    back_up(hub, backup, passphrase=PASSPHRASE, by="ada")
    kills = 0
    for at in points(6):
        settings = HubSettings(data_dir=str(tmp_path / str(at) / "hub"))
        ended = not killed("restore", settings.data, backup, at=at)
        if not settings.data.exists():
            restore(settings, backup, passphrase=PASSPHRASE, by="ada")
        assert secrets_of(settings) == expected, at
        if ended:
            break
        kills += 1
    assert kills >= 3


def test_rotation_when_done_twice_then_each_has_another_key(hub: HubSettings, tmp_path: Path) -> None:
    data = tmp_path / "hub"
    shutil.copytree(hub.data, data)
    settings = HubSettings(data_dir=str(data))
    keys = set()
    for _ in range(2):
        assert rotate_escrow(settings, by="ada") == 2
        keys.add((data / "keys" / "escrow.key").read_bytes())
    assert len(keys) == 2


Public = tuple[HubPublicKeys, HubPublicKeys | None, HubKeys]


def keys_of(data: Path) -> Public:
    """The present set, the former one, and the private keys, after a start; the audit is whole."""
    with open_hub(HubSettings(data_dir=str(data))) as hub:
        hub.auditing.verify()
        return hub.ring.sets.present, hub.ring.sets.former, hub.keys


def former_files(data: Path) -> set[str]:
    return {path.name for path in (data / "keys").glob("*.key.old")}


@pytest.mark.parametrize("kind", ["command", "signing", "sealing"])
def test_rotation_when_killed_anywhere_then_the_old_key_or_the_new_one_with_the_old_beside_it(
    hub: HubSettings, tmp_path: Path, kind: str, killed: Killing
) -> None:
    old, *_ = keys_of(hub.data)
    kills, renewed = 0, 0
    for at in points(1):
        data = tmp_path / f"hub{at}"
        shutil.copytree(hub.data, data)
        survived = not killed(kind, data, tmp_path / "none", at=at)
        present, former, _ = keys_of(data)
        assert former == (None if present == old else old), at
        assert former_files(data) == (set() if present == old else {f"{kind}.key.old"}), at
        assert not list((data / "keys").glob("*.next"))
        renewed += present != old
        if survived:
            break
        kills += 1
    assert kills >= 8
    assert renewed >= 2  # it survived, and at least one kill came after the commit


def test_rotation_control_when_the_key_is_replaced_before_the_database_knows_then_the_hub_does_not_start(
    hub: HubSettings, tmp_path: Path, killed: Killing
) -> None:
    """What the order of the steps is for."""
    data = tmp_path / "hub"
    shutil.copytree(hub.data, data)

    assert killed("broken command", data, tmp_path / "none", at=0)

    with pytest.raises(HubNotReady, match="do not fit"):
        keys_of(data)


def test_former_key_when_its_destruction_is_killed_anywhere_then_it_is_kept_or_gone_as_the_database_says(
    hub: HubSettings, tmp_path: Path, killed: Killing
) -> None:
    rotating = tmp_path / "rotating"
    shutil.copytree(hub.data, rotating)
    rotate(HubSettings(data_dir=str(rotating)), KnownKey.COMMAND, by="ada")
    kills = 0
    for at in points(1):
        data = tmp_path / f"hub{at}"
        shutil.copytree(rotating, data)
        survived = not killed("retire", data, tmp_path / "none", at=at)
        _, former, keys = keys_of(data)
        assert (former is not None) == (keys.former_command is not None) == bool(former_files(data))
        if survived:
            break
        kills += 1
    assert kills >= 1


def test_authority_when_any_step_of_its_rotation_is_killed_then_the_next_start_issues_as_the_database_says(
    hub: HubSettings, tmp_path: Path, killed: Killing
) -> None:
    """Begun, second round, end: each is killed at each change, and then gone on with."""
    steps = ("ca", "retire", "open", "retire")
    stands = tmp_path / "stands"
    shutil.copytree(hub.data, stands)
    old, *_ = keys_of(stands)
    counts = []
    for number, step in enumerate(steps):
        kills = 0
        for at in points(1):
            data = tmp_path / f"{number}-{at}"
            shutil.copytree(stands, data)
            survived = not killed(step, data, tmp_path / "none", at=at)
            present, _, keys = keys_of(data)
            with open_hub(HubSettings(data_dir=str(data))) as opened:
                shown = opened.certificates
            assert point_of(keys.ca) == read_certificate(present.authorities[0]).point, (step, at)
            assert shown.server.issued_by(shown.authority), (step, at)
            assert shown.authority.der == present.authorities[0], (step, at)
            assert (data / "keys" / "ca.key.next").exists() or len(present.authorities) == 1, (step, at)
            if survived:
                break
            kills += 1
        counts.append(kills)
        assert not killed(step, stands, tmp_path / "none", at=0)
    present, former, _ = keys_of(stands)

    assert (former, len(present.authorities)) == (None, 1)
    assert present.authorities != old.authorities
    assert min(counts[0], counts[2]) >= 8, counts
    assert min(counts[1], counts[3]) >= 1, counts


def test_tls_keys_when_their_rotation_is_killed_anywhere_then_the_hub_shows_certificates_of_the_keys_that_it_has(
    hub: HubSettings, tmp_path: Path, killed: Killing
) -> None:
    old, kills = keys_of(hub.data)[2], 0
    for at in points(5):
        data = tmp_path / f"hub{at}"
        shutil.copytree(hub.data, data)
        survived = not killed("rotate-tls", data, tmp_path / "none", at=at)
        with open_hub(HubSettings(data_dir=str(data))) as opened:
            keys, shown = opened.keys, opened.certificates
        assert (shown.server.point, shown.link.point) == (point_of(keys.tls), point_of(keys.link)), at
        assert not list((data / "keys").glob("*.next"))
        if survived:
            assert point_of(old.tls) != point_of(keys.tls)
            break
        kills += 1
    assert kills >= 3
