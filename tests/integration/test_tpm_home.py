"""A home whose keys lie in a TPM: made by the real command line, opened with it, and with nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from compline_edge.settings import EdgeSettings
from compline_edge.vault.errors import VaultLocked
from compline_edge.vault.home import Home, open_home
from compline_edge.wiring import slot_at
from tests.attacker import windows
from tests.edge_program import environment, program
from tests.homes import SystemClock
from tests.pairing_hub import pairing_hub
from tests.tpm import VARIABLE, running_tpm
from tests.verdicts import draft


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Paired by `join` with the setting in the environment."""
    home = tmp_path / "home"
    with running_tpm(tmp_path), pairing_hub(tmp_path) as hub:
        settings = environment(tmp_path, COMPLINE_EDGE_SLOT="tpm")
        code = hub.offer().invitation.code.text
        host, port = hub.address
        command = [program("compline-edge"), "join", code, "--hub", f"{host}:{port}", "--home", str(home)]
        subprocess.run(command, env=settings, check=True, capture_output=True, timeout=60)
        yield home


def opened(home: Path, slot: EdgeSettings) -> Home:
    return open_home(home, clock=SystemClock(), slot_at=slot_at(slot))


def test_home_when_made_with_a_tpm_then_it_opens_and_says_so(home: Path) -> None:
    with opened(home, EdgeSettings(slot="tpm")) as here:
        assert here.ledger.record(draft(), None).seq == 1
        assert here.binding.report(owed=1, last_seq=1).rollback_resistant


def test_home_when_made_with_a_tpm_then_no_file_holds_the_identity(home: Path) -> None:
    strings = windows(
        path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != "reserve"
    )
    with opened(home, EdgeSettings(slot="tpm")) as here:
        assert here.identity.signing.private_bytes_raw() not in strings


def test_home_when_opened_as_if_its_keys_were_files_then_locked(home: Path) -> None:
    with pytest.raises(VaultLocked, match="damaged"):
        opened(home, EdgeSettings(slot="file"))


def test_home_when_its_tpm_does_not_answer_then_locked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"swtpm:path={home / 'nobody'}")
    with pytest.raises(VaultLocked, match="No TPM answers"):
        opened(home, EdgeSettings(slot="tpm"))
