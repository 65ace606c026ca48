"""The hub as a person runs it: commands, signals, kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from compline_shared.enrolment import read_grant, write_request
from tests.running_hub import free_port
from tests.wire_handset import WireHandset

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "compline-hub")


class Place:
    """A folder with settings in which the commands run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("COMPLINE_")},
            "COMPLINE_HUB_DATA_DIR": str(folder / "data"),
            "COMPLINE_HUB_PORT": str(self.port),
            "COMPLINE_HUB_MQTT_PORT": str(free_port()),
            "COMPLINE_HUB_ADVERTISE": "false",
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """The hub's process, from when it says that it runs; ended at the latest at the end of the block."""
        with (self.folder / "stderr").open("ab") as errors:
            server = subprocess.Popen(
                [PROGRAM, "serve"],
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert server.stdout is not None
        try:
            assert b"runs. Page:" in server.stdout.readline()
            yield server
        finally:
            server.terminate()
            server.wait(timeout=30)
            server.stdout.close()


def children(process: subprocess.Popen[bytes]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_serve_when_told_to_end_then_it_leaves_no_process_behind(place: Place) -> None:
    with place.serving() as hub:
        (broker,) = children(hub)
        hub.send_signal(signal.SIGTERM)

        assert hub.wait(timeout=30) == 0
        assert not runs(broker)


def test_serve_when_interrupted_with_a_page_open_then_it_ends_within_seconds(place: Place) -> None:
    with (
        place.serving() as hub,
        httpx.Client(timeout=30) as web,
        web.stream("GET", f"http://127.0.0.1:{place.port}/api/stream") as stream,
    ):
        lines = stream.iter_lines()
        next(lines)
        hub.send_signal(signal.SIGINT)

        assert hub.wait(timeout=10) == 0


def test_serve_when_it_was_killed_then_it_starts_again_over_its_orphaned_broker(place: Place) -> None:
    with place.serving() as hub:
        (orphan,) = children(hub)
        hub.kill()
        hub.wait(timeout=30)
        assert runs(orphan)

    with place.serving() as again:
        assert httpx.get(f"http://127.0.0.1:{place.port}/healthz").status_code == 200
        assert not runs(orphan)
        assert len(children(again)) == 1


def test_serve_when_the_broker_dies_then_the_hub_says_so_and_ends(place: Place) -> None:
    with place.serving() as hub:
        (broker,) = children(hub)
        os.kill(broker, signal.SIGKILL)

        hub.wait(timeout=30)

    assert "Error: The broker ended by itself" in (place.folder / "stderr").read_text()


def test_enrol_when_a_request_comes_then_the_grant_is_for_its_owner_only(place: Place) -> None:
    handset = WireHandset()
    (place.folder / "request.json").write_bytes(write_request(handset.request))
    place.run("init")

    done = place.run("enrol", "request.json", "--name", "七号工位", "--out", "grant.json")

    grant = place.folder / "grant.json"
    assert done.returncode == 0, done.stderr
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

    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_init_when_run_twice_then_the_fingerprint_stays(place: Place) -> None:
    first = place.run("init")

    again = place.run("init")

    assert (first.returncode, again.stdout) == (0, first.stdout)
    assert {path.stat().st_mode & 0o777 for path in (place.folder / "data" / "keys").iterdir()} == {0o600}


def test_help_when_asked_then_it_teaches_the_first_steps(place: Place) -> None:
    done = place.run("--help")

    assert done.returncode == 0
    assert all(
        step in done.stdout for step in ("compline-hub init", "compline-hub serve", "enrol", "127.0.0.1")
    )


def test_version_when_asked_then_it_is_told(place: Place) -> None:
    assert place.run("--version").stdout == "compline-hub 0.1.0\n"
