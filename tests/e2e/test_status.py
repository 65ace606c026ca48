"""`compline-edge status` as a process, beside an agent and without one: right in each state, and it touches nothing."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from compline_edge.clock import BootClock
from compline_edge.core.binding_life import Bound
from compline_edge.core.lease import Reading
from compline_edge.former_files import FormerFiles
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.home import open_home
from compline_edge.vault.identity import create_identity, join
from compline_edge.vault.life_files import LifeFiles
from compline_edge.vault.tpm_slot import TpmSlot
from compline_shared.lease import HOUR
from tests.edge_program import edge
from tests.homes import HubKeys, SystemClock, bytes_under
from tests.lives import LifeHub, obey, roster_grant
from tests.successor import put, succeed, unbind
from tests.tpm import running_tpm
from tests.verdicts import draft


class Running:
    """Real time, on which a lease has begun that many hours ago."""

    def __init__(self, hours: float) -> None:
        self._seconds = hours * HOUR

    def reading(self) -> Reading:
        now = BootClock().reading()
        return Reading(now.boot_id, max(0.0, now.boot), now.wall - self._seconds)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return made(tmp_path / "home", begun=0.0)


def made(home: Path, *, begun: float) -> Path:
    request = create_identity(home)
    join(home, roster_grant(request.handset), clock=Running(begun))
    return home


def status(home: Path, *arguments: str) -> CompletedProcess[str]:
    return edge("status", "--home", str(home), *arguments, home=home.parent / "user")


def row(home: Path) -> dict[str, Any]:
    done = status(home, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    return dict(json.loads(done.stdout))


def test_status_when_an_agent_runs_then_it_tells_what_is_owed(home: Path) -> None:
    with open_home(home, clock=SystemClock()) as here:
        here.ledger.record(draft(), None)
        here.ledger.record(draft(), None)
        here.outbox.settle(1, now=0.0)
        said = row(home)
    assert (said["state"], said["cause"], said["epoch"], said["owed"]) == ("bound", None, 1, 1)
    assert (said["hub"], said["slot"], said["policy"]) == ("东门营业部", "file", 0)
    assert said["lease"]["freezes_in_s"] == pytest.approx(72 * HOUR, abs=60)


def test_status_when_no_agent_runs_then_no_file_changes(home: Path) -> None:
    open_home(home, clock=SystemClock()).close()
    before = bytes_under(home)
    status(home)
    assert bytes_under(home) == before


def test_status_when_a_change_was_cut_off_then_it_is_left_to_the_agent(home: Path) -> None:
    (folder,) = (home / "bindings").iterdir()
    files = LifeFiles(folder, FileSlot(folder / "vault.slot"))
    (folder / "life.next").write_bytes((folder / "life").read_bytes()[:-1] + b"?")
    before = bytes_under(home)
    assert (row(home)["state"], files.life.stage) == ("bound", Bound())
    assert bytes_under(home) == before


def test_status_when_the_vault_is_gone_then_it_does_not_matter(home: Path) -> None:
    open_home(home, clock=SystemClock()).close()
    for name in ("vault.db", "secret", "vault.wrap"):
        next((home / "bindings").glob(f"*/{name}")).unlink()
    assert row(home)["state"] == "bound"


def test_status_when_frozen_then_it_says_by_what_and_how_it_ends(home: Path) -> None:
    hub = LifeHub.of(create_identity(home))
    with open_home(home, clock=SystemClock()) as here:
        hub.hear(here)
        obey(here, hub.freeze())
        said = row(home)
        shown = " ".join(status(home).stdout.split())
    assert (said["state"], said["cause"]) == ("frozen", "command")
    assert "已解除绑定" in said["told"][0]
    assert "used; destroys after 29 d 23 h of running" in shown
    assert "freezes in" not in shown


def test_status_when_files_of_a_former_collector_were_left_alone_then_it_says_how_many(
    home: Path, tmp_path: Path
) -> None:
    put(tmp_path / "phone" / "a.txt", "您好\n")
    put(tmp_path / "phone" / "b.wav", b"RIFF")
    unbind(home)
    succeed(home)
    with open_home(home, clock=SystemClock()) as here:
        before = row(home)
        FormerFiles(here).settle([tmp_path / "phone"], clock=SystemClock())
        said = row(home)
        shown = " ".join(status(home).stdout.split())
    assert (before["left_alone"], len(before["told"]), said["left_alone"]) == (0, 2, 2)
    assert "2个文件未作判定" in said["told"][2]
    assert "Left alone: 2 files from before this binding" in shown


def test_status_when_wiped_then_no_lease_is_left(home: Path) -> None:
    hub = LifeHub.of(create_identity(home))
    with open_home(home, clock=SystemClock()) as here:
        hub.hear(here)
        obey(here, hub.wipe())
    said = row(home)
    assert (said["state"], said["lease"]) == ("wiped", None)


def test_status_when_the_lease_ran_on_without_an_agent_then_it_counts_until_now(tmp_path: Path) -> None:
    said = row(made(tmp_path / "home", begun=30.0))
    assert said["lease"]["used_s"] == pytest.approx(30 * HOUR, abs=60)
    assert "约41小时" in said["told"][0]


def test_status_when_printed_for_people_then_both_languages_and_what_happens_when(home: Path) -> None:
    shown = " ".join(status(home).stdout.split())
    for words in ("state bound", "epoch 1", "0 min used; warns in 23 h 59 min", "租期正常", "The lease is good",
                  "key slot file", "密钥保存在文件里", "owed 0 verdicts"):  # fmt: skip
        assert words in shown


def test_status_when_the_keys_are_in_a_tpm_then_it_says_what_that_means(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_tpm(tmp_path):
        request = create_identity(home, slot_at=TpmSlot)
        join(home, HubKeys().grant(request.handset), slot_at=TpmSlot)
        (tmp_path / "compline.toml").write_text('[edge]\nslot = "tpm"\n')
        shown = status(home, "--config", str(tmp_path / "compline.toml")).stdout
    assert "tpm" in shown
    assert "密钥保存在本机的安全芯片里" in shown


def test_status_when_not_joined_then_it_says_what_to_do_next(tmp_path: Path) -> None:
    request = create_identity(tmp_path / "home")
    said = row(tmp_path / "home")
    assert (said["handset"], said["state"]) == (request.handset, "unbound")
    assert "compline-edge join" in said["told"][1]


def test_status_when_there_is_no_home_then_one_sentence(tmp_path: Path) -> None:
    done = status(tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert "compline-edge join CODE" in done.stderr


def test_status_when_files_were_put_back_then_one_sentence(home: Path) -> None:
    (folder,) = (home / "bindings").iterdir()
    (folder / "life").write_bytes((folder / "life").read_bytes()[:-1] + b"?")
    done = status(home)
    assert (done.returncode, done.stdout) == (1, "")
    assert "put back a copy" in done.stderr
