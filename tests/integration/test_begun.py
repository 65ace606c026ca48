"""Running recordings noticed on a real file system while their recorder keeps writing."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from compline_edge.senses.begun import begun

WITHIN = 20.0  # s
OPEN = 0xFFFFFFFF


def header(size: int) -> bytes:
    return struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", size, b"WAVE", b"fmt ", 16, 1, 1, 8_000, 16_000, 2, 16, b"data",
                       size)  # fmt: skip


class Recorder(threading.Thread):
    """Writes a WAV in small pieces without a pause, its size left open, until told to stop."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.stopping = threading.Event()
        self.begun = threading.Event()

    def run(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("wb") as file:
            file.write(header(OPEN))
            while not self.stopping.wait(0.02):
                file.write(bytes(320))
                file.flush()
                self.begun.set()


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def first(folder: Path, stop: threading.Event) -> Path | None:
    """The first recording that is noticed, or None when none is within the time."""
    timer = threading.Timer(WITHIN, stop.set)
    timer.start()
    found = next(begun(folder, stop=stop), None)
    timer.cancel()
    return found


def test_begun_when_the_recorder_was_already_writing_then_the_call_is_noticed(
    tmp_path: Path, stop: threading.Event
) -> None:
    recorder = Recorder(tmp_path / "call.wav")
    recorder.start()
    recorder.begun.wait(WITHIN)
    found = first(tmp_path, stop)
    recorder.stopping.set()
    assert found == recorder.path


def test_begun_when_a_call_starts_in_a_new_folder_in_a_new_folder_then_it_is_noticed(
    tmp_path: Path, stop: threading.Event
) -> None:
    recorder = Recorder(tmp_path / "Music" / "Call Recordings" / "call.wav")
    later = threading.Timer(0.5, recorder.start)
    later.start()
    found = first(tmp_path, stop)
    recorder.stopping.set()
    assert found == recorder.path


def test_begun_when_a_finished_recording_is_copied_in_then_the_running_one_is_noticed_alone(
    tmp_path: Path, stop: threading.Event
) -> None:
    (tmp_path / "a-finished.wav").write_bytes(header(320) + bytes(320))
    recorder = Recorder(tmp_path / "b-running.wav")
    recorder.start()
    found = first(tmp_path, stop)
    recorder.stopping.set()
    assert found == recorder.path
