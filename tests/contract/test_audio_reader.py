"""Every reader of sound keeps the port's promises: shapes, order, times, no invented defect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.speech import SAMPLE_RATE, Channels
from compline_edge.ports import AudioReader
from compline_edge.senses.growing import GrowingWav
from compline_edge.senses.paced import PacedAudio
from compline_edge.senses.recording import open_recording
from tests.audio import ENCODINGS, encode, tone

PCM = ENCODINGS[0]
SECONDS = 2.53


class WaitingClock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds


def decoded(path: Path) -> AudioReader:
    return open_recording(path)


def paced(path: Path) -> AudioReader:
    clock = WaitingClock()
    return PacedAudio(open_recording(path), clock=clock, wait=clock.wait)


def growing(path: Path) -> AudioReader:
    clock = WaitingClock()
    return GrowingWav(path, clock=clock, wait=clock.wait)


READERS = [decoded, paced, growing]


def stereo(path: Path) -> Path:
    sides = [tone(SECONDS, hertz=hertz, rate=SAMPLE_RATE) for hertz in (400, 900)]
    return encode(path / "two.wav", np.stack(sides), rate=SAMPLE_RATE, encoding=PCM)


def all_blocks(reader: AudioReader) -> list[Channels]:
    with reader:
        return list(reader.blocks())


@pytest.mark.parametrize("opened", READERS)
def test_blocks_when_read_through_then_each_is_int16_of_two_channels_and_bounded(
    opened: Callable[[Path], AudioReader], tmp_path: Path
) -> None:
    blocks = all_blocks(opened(stereo(tmp_path)))
    assert {(b.dtype, b.shape[0]) for b in blocks} == {(np.dtype(np.int16), 2)}
    assert all(0 < b.shape[1] <= 16_000 for b in blocks)


@pytest.mark.parametrize("opened", READERS)
def test_blocks_when_joined_then_they_are_the_recording_in_order(
    opened: Callable[[Path], AudioReader], tmp_path: Path
) -> None:
    joined = np.concatenate(all_blocks(opened(stereo(tmp_path))), axis=1)
    assert np.array_equal(joined[0], tone(SECONDS, hertz=400, rate=SAMPLE_RATE))
    assert np.array_equal(joined[1], tone(SECONDS, hertz=900, rate=SAMPLE_RATE))


@pytest.mark.parametrize("opened", READERS)
def test_defect_when_the_recording_is_whole_then_there_is_none(
    opened: Callable[[Path], AudioReader], tmp_path: Path
) -> None:
    reader = opened(stereo(tmp_path))
    all_blocks(reader)
    assert reader.defect is None


@pytest.mark.parametrize("opened", READERS)
def test_info_when_opened_then_it_says_what_the_container_says(
    opened: Callable[[Path], AudioReader], tmp_path: Path
) -> None:
    with opened(stereo(tmp_path)) as reader:
        info = reader.info
    assert (info.container, info.codec, info.sample_rate, info.channels) == (
        "wav",
        "pcm_s16le",
        SAMPLE_RATE,
        2,
    )
