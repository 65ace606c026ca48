"""The hub as a person runs it: commands, signals, kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.running_hub import free_port

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
