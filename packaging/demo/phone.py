"""Plays the phone: puts recordings where its maker's recorder would, and writes one as the call goes on."""

from __future__ import annotations

import shutil
import struct
import threading
import time
import wave
from pathlib import Path

from sample_day import LIVE, Call, SampleDay

PIECE = 0.1
"""Seconds of sound that the recorder writes at a time."""


def arrive(source: Path, folder: Path, relative: str) -> Path:
    """Put a finished file into the phone's storage, complete from the first moment it is seen."""
    target = folder / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, partial)
    partial.rename(target)
    return target


def record_live(source: Path, target: Path, *, stop: threading.Event, pace: float = 1.0) -> float:
    """Write a WAV at the pace of the call, its sizes open until it is closed; returns when it began, Unix s."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(source), "rb") as call:
        rate, channels, width = call.getframerate(), call.getnchannels(), call.getsampwidth()
        frame = channels * width
        head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 0xFFFFFFFF, b"WAVE", b"fmt ", 16, 1, channels, rate,
                           rate * frame, frame, width * 8, b"data", 0xFFFFFFFF)  # fmt: skip
        begun = time.time()
        start = time.monotonic()
        written = 0
        with target.open("wb") as file:
            file.write(head)
            file.flush()
            while not stop.is_set() and (piece := call.readframes(round(rate * PIECE))):
                written += len(piece)
                due = start + written / frame / rate / pace
                time.sleep(max(0.0, due - time.monotonic()))
                file.write(piece)
                file.flush()
            file.seek(4)
            file.write(struct.pack("<I", 36 + written))
            file.seek(40)
            file.write(struct.pack("<I", written))
    return begun


class Phone(threading.Thread):
    """Feeds the day to one handset: a live call beside the finished recordings, then the chats."""

    def __init__(self, day: SampleDay, storage: Path, *, gap: float) -> None:
        super().__init__(name="phone", daemon=True)
        self._day = day
        self._storage = storage
        self._gap = gap  # s between arrivals
        self.stopping = threading.Event()
        self._recording = threading.Event()

    @property
    def recording(self) -> bool:
        """Whether the live call's recorder is writing now."""
        return self._recording.is_set()

    def run(self) -> None:
        """Play the day once."""
        live = next(call for call in self._day.calls if call.id == LIVE)
        recorder = threading.Thread(target=self._live, args=(live,), name="recorder", daemon=True)
        recorder.start()
        for call in self._day.calls:
            if call is not live and not self.stopping.wait(self._gap):
                arrive(call.recording, self._storage, call.path)
        for chat in self._day.chat_files:
            if not self.stopping.wait(self._gap):
                arrive(chat, self._storage, f"chats/{chat.name}")
        recorder.join()

    def _live(self, call: Call) -> None:
        self._recording.set()
        try:
            record_live(call.recording, self._storage / call.path, stop=self.stopping)
        finally:
            self._recording.clear()
