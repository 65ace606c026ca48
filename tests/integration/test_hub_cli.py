"""The hub's commands as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from compline_hub.cli import app
from compline_hub.settings import HubSettings
from compline_shared.enrolment import read_grant, write_request
from tests.wire_handset import WireHandset


class Place:
    """A folder in which the commands run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "COMPLINE_HUB_DATA_DIR": str(folder / "data"),
            "COLUMNS": "200",
            "TERMINAL_WIDTH": "200",
        }

    def run(self, *arguments: str) -> Result:
        return CliRunner(env=self.environment).invoke(app, arguments)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


def test_enrol_when_a_request_comes_then_the_grant_is_for_its_owner_only(place: Place) -> None:
    handset = WireHandset()
    (place.folder / "request.json").write_bytes(write_request(handset.request))
    place.run("init")

    done = place.run("enrol", "request.json", "--name", "七号工位", "--out", "grant.json")

    grant = place.folder / "grant.json"
    assert done.exit_code == 0, done.stderr
    assert grant.stat().st_mode & 0o777 == 0o600
    assert read_grant(grant.read_bytes()).handset == handset.id
    assert "七号工位" in place.run("status").stdout


def test_enrol_when_the_handset_shall_discover_then_no_address_is_granted(place: Place) -> None:
    (place.folder / "request.json").write_bytes(write_request(WireHandset().request))
    place.run("init")

    place.run("enrol", "request.json", "--name", "x", "--out", "grant.json", "--discover")

    assert json.loads((place.folder / "grant.json").read_text())["mqtt_host"] is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["status"], "run `compline-hub init` first"),
        (["enrol", "none.json", "--name", "x", "--out", "g"], "none.json cannot be read"),
        (["serve", "--config", "none.toml"], "no settings file none.toml"),
    ],
)
def test_command_when_something_is_missing_then_one_sentence_says_what_to_do(
    place: Place, arguments: list[str], sentence: str
) -> None:
    done = place.run(*arguments)

    assert done.exit_code == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("out", ["nowhere/grant.json", "."], ids=["no-folder", "a-folder"])
def test_enrol_when_the_grant_cannot_be_written_then_it_is_said_and_nobody_is_enrolled(
    place: Place, out: str
) -> None:
    (place.folder / "request.json").write_bytes(write_request(WireHandset().request))
    place.run("init")

    done = place.run("enrol", "request.json", "--name", "Desk 7", "--out", out)

    assert (done.exit_code, isinstance(done.exception, SystemExit)) == (1, True)
    assert done.stderr.startswith(f"Error: {out}: ")
    assert len(done.stderr.splitlines()) == 1
    assert "No handset is enrolled yet" in place.run("status").stdout


@pytest.mark.parametrize(
    "name", ["a\x1b[2Jb", "a\nb", "a\u202eb"], ids=["escape", "line-end", "right-to-left"]
)
def test_enrol_when_the_name_has_unseen_characters_then_it_is_refused_and_not_echoed(
    place: Place, name: str
) -> None:
    (place.folder / "request.json").write_bytes(write_request(WireHandset().request))
    place.run("init")

    done = place.run("enrol", "request.json", "--name", name, "--out", "grant.json")

    assert done.exit_code == 1
    assert done.stderr == (
        "Error: A handset's name has no control or invisible characters; choose another with --name.\n"
    )
    assert done.stdout == ""


def test_enrol_when_the_name_looks_like_markup_then_it_is_shown_as_it_is(place: Place) -> None:
    (place.folder / "request.json").write_bytes(write_request(WireHandset().request))
    place.run("init")

    done = place.run("enrol", "request.json", "--name", "[/]七号　工位[red]", "--out", "grant.json")

    assert done.stdout.startswith("[/]七号　工位[red] is enrolled")
    assert "[/]七号　工位[red]" in place.run("status").stdout


def test_enrol_when_it_is_refused_then_an_earlier_grant_stays_as_it_was(place: Place) -> None:
    (place.folder / "request.json").write_bytes(write_request(WireHandset().request))
    (place.folder / "grant.json").write_text("earlier")
    place.run("init")

    done = place.run("enrol", "request.json", "--name", "", "--out", "grant.json")

    assert done.exit_code == 1
    assert (place.folder / "grant.json").read_text() == "earlier"


@pytest.mark.parametrize("command", ["init", "serve", "status"])
def test_command_when_the_data_folder_cannot_be_used_then_one_sentence_names_it(
    place: Place, command: str
) -> None:
    (place.folder / "file").touch()
    place.environment["COMPLINE_HUB_DATA_DIR"] = str(place.folder / "file" / "data")

    done = place.run(command)

    assert (done.exit_code, isinstance(done.exception, SystemExit)) == (1, True)
    assert done.stderr.startswith(f"Error: {place.folder}/file/data")
    assert len(done.stderr.splitlines()) == 1


def test_init_when_run_twice_then_the_fingerprint_stays(place: Place) -> None:
    first = place.run("init")

    again = place.run("init")

    assert (first.exit_code, again.stdout) == (0, first.stdout)
    assert {path.stat().st_mode & 0o777 for path in (place.folder / "data" / "keys").iterdir()} == {0o600}


def test_help_when_asked_then_it_teaches_the_first_steps(place: Place) -> None:
    done = place.run("--help")

    assert done.exit_code == 0
    assert all(
        step in done.stdout for step in ("compline-hub init", "compline-hub serve", "enrol", "127.0.0.1")
    )


def test_help_when_asked_then_it_names_every_setting(place: Place) -> None:
    told = place.run("--help").stdout

    assert [name for name in HubSettings.__struct_fields__ if name not in told] == []


def test_version_when_asked_then_it_is_told(place: Place) -> None:
    assert place.run("--version").stdout == "compline-hub 0.1.0\n"
