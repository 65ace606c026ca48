"""Sound that is still happening comes at its time and ends when its recorder is done."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.speech import SAMPLE_RATE
from compline_edge.senses.growing import GrowingWav
from compline_edge.senses.paced import PacedAudio
from compline_edge.senses.recording import EmptyRecording, UnreadableRecording, open_recording
from compline_shared.taxonomy import Abstention
from tests.audio import ENCODINGS, Encoding, encode, tone

BY_NAME = {encoding.name: encoding for encoding in ENCODINGS}
FOLLOWED = [BY_NAME[f"wav-pcm_{coding}"] for coding in ("s16le", "alaw", "mulaw")]


class Writer:
    """A clock under which a recorder writes on whenever the reader waits."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.time = 0.0
        self.steps = list(steps)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds
        for step in self.steps[:1]:
            step()
        self.steps = self.steps[1:]


def append(path: Path, data: bytes) -> Callable[[], object]:
    def act() -> None:
        with path.open("ab") as file:
            file.write(data)

    return act


def close(path: Path, *, at: int, size: int) -> Callable[[], object]:
    def act() -> None:
        with path.open("r+b") as file:
            os.pwrite(file.fileno(), struct.pack("<I", size), at)

    return act


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_paced_audio_when_read_then_each_block_comes_when_it_would_have_been_said(
    speed: float, tmp_path: Path
) -> None:
    path = encode(
        tmp_path / "a.wav", tone(1.05, hertz=400, rate=16_000)[None], rate=16_000, encoding=FOLLOWED[0]
    )
    clock = Writer()
    with PacedAudio(open_recording(path), clock=clock, speed=speed, wait=clock.wait) as reader:
        times = [(round(clock.time * speed, 6), block.shape[1]) for block in reader.blocks()]
    assert times == [(round(0.1 * n, 6), 1_600) for n in range(1, 11)] + [(1.05, 800)]


@pytest.mark.parametrize("encoding", FOLLOWED, ids=[e.name for e in FOLLOWED])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_growing_wav_when_its_recorder_closes_then_all_of_it_has_been_heard(
    encoding: Encoding, rate: int, tmp_path: Path
) -> None:
    path = encode(tmp_path / "whole.wav", tone(2, hertz=400, rate=rate)[None], rate=rate, encoding=encoding)
    data = path.read_bytes()
    size_at = data.index(b"data") + 4
    size = struct.unpack("<I", data[size_at : size_at + 4])[0]
    header, body = data[:size_at] + bytes(4), data[size_at + 4 :]
    growing = tmp_path / "growing.wav"
    growing.write_bytes(header[:10])
    third = len(body) // 3 + 1  # not a whole number of samples
    clock = Writer(
        append(growing, header[10:]),
        append(growing, body[:third]),
        append(growing, body[third:]),
        close(growing, at=size_at, size=size),
    )
    with GrowingWav(growing, clock=clock, wait=clock.wait) as reader:
        samples = np.concatenate(list(reader.blocks()), axis=1)
    spectrum = np.abs(np.fft.rfft(samples[0, 8_000:24_000].astype(np.float64)))
    assert int(np.argmax(spectrum)) == 400
    assert samples.shape[1] == pytest.approx(2 * SAMPLE_RATE, abs=20)
    assert clock.time < 1.0  # it did not wait to be idle


def test_growing_wav_when_nothing_more_is_written_then_it_ends_after_the_idle_time(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "a.wav", tone(1, hertz=400, rate=16_000)[None], rate=16_000, encoding=FOLLOWED[0]
    )
    data = path.read_bytes()
    close(path, at=data.index(b"data") + 4, size=0xFFFFFFFF)()
    clock = Writer()
    with GrowingWav(path, clock=clock, idle_s=3.0, wait=clock.wait) as reader:
        heard = sum(block.shape[1] for block in reader.blocks())
    assert heard == SAMPLE_RATE
    assert 3.0 < clock.time < 3.2
    assert reader.defect is None


def test_growing_wav_when_it_stays_behind_its_header_then_it_is_truncated(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "a.wav", tone(1, hertz=400, rate=16_000)[None], rate=16_000, encoding=FOLLOWED[0]
    )
    os.truncate(path, path.stat().st_size - 8_000)
    clock = Writer()
    with GrowingWav(path, clock=clock, wait=clock.wait) as reader:
        heard = sum(block.shape[1] for block in reader.blocks())
    assert heard == SAMPLE_RATE - 4_000
    assert reader.defect is Abstention.TRUNCATED


def test_growing_wav_when_it_reaches_the_limit_then_it_is_too_long(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "a.wav", tone(3, hertz=400, rate=16_000)[None], rate=16_000, encoding=FOLLOWED[0]
    )
    clock = Writer()
    with GrowingWav(path, clock=clock, limit_s=2.0, wait=clock.wait) as reader:
        heard = sum(block.shape[1] for block in reader.blocks())
    assert heard == 2 * SAMPLE_RATE
    assert reader.defect is Abstention.TOO_LONG


def test_growing_wav_when_it_stays_empty_then_a_sentence_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.touch()
    clock = Writer()
    with pytest.raises(EmptyRecording, match=r"^a\.wav stays empty: .*\.$"):
        GrowingWav(path, clock=clock, wait=clock.wait)


@pytest.mark.parametrize(
    "content",
    [
        b"#!AMR\n" + bytes(20),
        b"RIFF\x00\x00\x00\x00WAVEdata\x00\x00\x00\x00",
        b"RIFF\x00\x00\x00\x00WAVEfmt " + struct.pack("<IHHIIHH", 16, 0x11, 1, 8000, 4000, 256, 4),
        b"RIFF\x00\x00\x00\x00WA",
    ],
    ids=["no-wav", "no-format", "adpcm", "cut-header"],
)
def test_growing_wav_when_it_cannot_be_followed_then_a_sentence_says_so(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    clock = Writer()
    with pytest.raises(UnreadableRecording, match=r"^a\.wav .*: .*\.$"):
        GrowingWav(path, clock=clock, wait=clock.wait)


def test_growing_wav_when_there_is_no_file_then_a_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecording, match=r"^a\.wav cannot be opened .*\.$"):
        GrowingWav(tmp_path / "a.wav", clock=Writer())
