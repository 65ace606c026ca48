"""The agent's commands tell what to do next, and end every expected error in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from compline_edge.cli import app
from compline_edge.settings import EdgeSettings
from tests.edge_program import edge, environment
from tests.homes import enrolled

NEXT = {
    "": ("compline-edge inspect FOLDER", "compline-hub pair", "compline-edge join CODE", "compline-edge run"),
    "inspect": ("--format", "--show-text", "exit status", ".jsonl"),
    "join": ("16 characters", "--hub"),
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
    result = command(
        "run", "--home", str(enrolled(tmp_path)), "--recordings", str(tmp_path), "--hub", "somewhere"
    )
    expect_sentence(result, "host:port", "somewhere")


@pytest.mark.parametrize(
    "code", ["", "K7Q2", "K7Q2-M8X4-T0ZB-3HWU", "K7Q2-M8X4-T0ZB-3HWN-X", "compline:?at=x"]
)
def test_join_when_it_is_no_code_then_it_says_what_one_looks_like(code: str) -> None:
    expect_sentence(command("join", code), "16 letters and digits")


@pytest.mark.parametrize("address", ["somewhere", "host:", "host:0", "host:65536", ":8462"])
def test_join_when_the_address_is_none_then_it_says_what_to_write(address: str) -> None:
    expect_sentence(command("join", "K7Q2-M8X4-T0ZB-3HWN", "--hub", address), "host:port")


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


def test_join_when_the_home_cannot_be_made_then_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = str(tmp_path / "file" / "home")
    expect_sentence(command("join", "K7Q2-M8X4-T0ZB-3HWN", "--hub", "127.0.0.1:1", "--home", home), "file")


def test_models_list_when_asked_then_the_shipped_one_is_installed() -> None:
    told = command("models", "list")
    assert told.exit_code == 0
    assert "installed  zh-ctc-telephone  zh-CN" in told.stdout


def test_models_fetch_when_the_name_is_unknown_then_the_names_are_told() -> None:
    expect_sentence(command("models", "fetch", "nothing"), "nothing", "vosk-model-small-cn-0.22")
