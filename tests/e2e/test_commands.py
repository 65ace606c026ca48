"""The agent's commands tell what to do next, and end every expected error in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from compline_edge.cli import app
from compline_edge.settings import EdgeSettings
from compline_edge.vault.identity import create_identity, join
from tests.edge_program import edge, environment
from tests.homes import HubKeys

NEXT = {
    "": ("compline-edge inspect FOLDER", "compline-edge init", "compline-hub enrol", "compline-edge join"),
    "inspect": ("--format", "--show-text", "exit status", ".jsonl"),
    "init": ("request file", "enrol"),
    "join": ("grant", "enrol"),
    "status": ("running agent", "--format"),
    "run": ("--recordings", "--hub", "Ctrl-C"),
    "models": ("list", "fetch"),
    "models list": ("fetched",),
    "models fetch": ("compline-edge models list", "no checksum that we could verify", "recorded"),
}
"""Commands, and words of their help that lead on."""


@pytest.fixture(autouse=True)
def _fresh_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("name", NEXT)
def test_help_when_asked_then_it_tells_what_to_do_next(name: str) -> None:
    told = command(*name.split(), "--help")
    assert told.exit_code == 0
    words = " ".join(told.output.replace("│", " ").split())
    assert [part for part in NEXT[name] if part not in words] == []


def test_help_when_asked_then_it_names_every_setting() -> None:
    told = command("--help").output
    assert [name for name in EdgeSettings.__struct_fields__ if name not in told] == []


def test_version_when_asked_as_a_program_then_it_is_told(tmp_path: Path) -> None:
    done = edge("--version", home=tmp_path / "home")
    assert (done.returncode, done.stdout, done.stderr) == (0, "compline-edge 0.1.0\n", "")


def test_init_when_done_twice_then_the_same_request_lies_there_and_the_way_on_is_told(tmp_path: Path) -> None:
    first = command("init", "--home", "phone")
    request = (tmp_path / "phone" / "request.json").read_bytes()
    second = command("init", "--home", "phone")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "compline-hub enrol request.json" in " ".join(first.stdout.split())
    assert (tmp_path / "phone" / "request.json").read_bytes() == request


def lines(result: Result) -> list[str]:
    return result.stderr.splitlines()


def expect_sentence(result: Result, *words: str) -> None:
    """One sentence on stderr with these words, exit status 1, and no traceback."""
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    (sentence,) = lines(result)
    assert sentence.startswith("Error: ")
    assert sentence.endswith(".")
    assert [word for word in words if word not in sentence] == []


def test_run_when_not_enrolled_then_it_says_to_join(tmp_path: Path) -> None:
    expect_sentence(command("run", "--recordings", str(tmp_path)), "join")


def test_run_when_not_enrolled_as_a_program_then_there_is_no_traceback(tmp_path: Path) -> None:
    done = edge("run", "--recordings", tmp_path, home=tmp_path / "home")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Error: This handset is not bound to a hub yet")


def test_run_when_no_folder_is_named_then_it_says_how() -> None:
    expect_sentence(command("run"), "--recordings")


def test_run_when_the_folder_is_missing_then_it_is_named() -> None:
    expect_sentence(command("run", "--recordings", "nowhere"), "nowhere", "create it")


def test_run_when_the_hub_address_has_no_port_then_it_says_what_to_write(tmp_path: Path) -> None:
    assert command("init", "--home", "phone").exit_code == 0
    join(tmp_path / "phone", HubKeys().grant(create_identity(tmp_path / "phone").handset))
    result = command("run", "--home", "phone", "--recordings", str(tmp_path), "--hub", "somewhere")
    expect_sentence(result, "host:port", "somewhere")


def test_join_when_the_file_is_no_grant_then_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    expect_sentence(command("join", "photo.jpg"), "photo.jpg", "enrol")


def test_join_when_the_file_is_missing_then_it_is_named() -> None:
    expect_sentence(command("join", "grant.json"), "grant.json", "No such file")


def test_settings_when_one_is_unknown_then_it_is_named_beside_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "compline.toml").write_text('[edge]\nlangage = "zh-CN"\n')
    result = command("run")
    assert result.exit_code == 1
    assert "langage" in result.stderr
    assert "longest_call_hours" in result.stderr


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[edge\n"], ids=["not-text", "not-toml"])
def test_settings_when_the_file_cannot_be_read_then_it_says_so(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(content)
    result = command("run", "--config", "own.toml")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert len(lines(result)) == 1


def test_settings_when_the_named_file_is_missing_then_it_says_so() -> None:
    expect_sentence(command("run", "--config", "own.toml"), "own.toml", "--config")


@pytest.mark.parametrize("language", ["xx", "../zh-CN/.."])
def test_inspect_when_the_language_is_unknown_then_those_that_are_there_are_named(
    language: str, tmp_path: Path
) -> None:
    (tmp_path / "chat.txt").write_text("x")
    expect_sentence(command("inspect", "--language", language, "chat.txt"), "zh-CN", "--language")


def test_inspect_when_the_models_folder_is_missing_then_it_is_named() -> None:
    expect_sentence(command("inspect", "--models", "nowhere", "chat.txt"), "nowhere", "--models")


def test_init_when_the_home_cannot_be_made_then_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    expect_sentence(command("init", "--home", str(tmp_path / "file" / "home")), "file")


def test_models_list_when_asked_then_the_shipped_one_is_installed() -> None:
    told = command("models", "list")
    assert told.exit_code == 0
    assert "installed  zh-ctc-telephone  zh-CN" in told.stdout


def test_models_fetch_when_the_name_is_unknown_then_the_names_are_told() -> None:
    expect_sentence(command("models", "fetch", "nothing"), "nothing", "vosk-model-small-cn-0.22")
