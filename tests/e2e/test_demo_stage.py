"""The demo's programs touch nothing of a real branch that is set up where the demo is started."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from programs import stage
from tests.edge_program import program

Surroundings = Callable[[Path, pytest.MonkeyPatch], None]


def settings_file(branch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compline.toml of the real branch in the current folder."""
    (branch / "compline.toml").write_text(
        f'[hub]\ndatabase = "sqlite:///{branch}/branch.db"\n'
        f'[edge]\nchats = ["{branch}/chats"]\nremove_sealed_originals = true\n'
    )


def variables(branch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the real branch in the environment."""
    monkeypatch.setenv("COMPLINE_HUB_DATABASE", f"sqlite:///{branch}/branch.db")
    monkeypatch.setenv("COMPLINE_EDGE_CHATS", f'["{branch}/chats"]')
    monkeypatch.setenv("COMPLINE_EDGE_REMOVE_SEALED_ORIGINALS", "true")


@pytest.fixture(params=[settings_file, variables], ids=["file", "environment"])
def branch(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder and home of a real branch, current for this process, whose settings name its database."""
    folder = tmp_path / "branch"
    (folder / "chats").mkdir(parents=True)
    surround: Surroundings = request.param
    surround(folder, monkeypatch)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    return folder


def test_stage_when_a_real_branch_is_set_up_beside_it_then_only_its_own_folder_is_written(
    branch: Path, tmp_path: Path
) -> None:
    before = sorted(branch.rglob("*"))

    with stage(tmp_path / "demo") as running:
        running.check()

    assert sorted(branch.rglob("*")) == before
    assert (tmp_path / "demo" / "hub" / "hub.db").is_file()


def test_hub_when_started_plainly_beside_a_real_branch_then_the_branch_is_written(branch: Path) -> None:
    """The control: these surroundings do lead a program astray that takes them over."""
    subprocess.run([program("compline-hub"), "init"], check=True, capture_output=True)

    assert (branch / "branch.db").is_file()
