"""Every form in which phones store calls is decoded, at every rate, mono and stereo, whatever the file is called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.speech import SAMPLE_RATE, Channels
from compline_edge.senses.recording import open_recording
from tests.audio import ENCODINGS, VARIANTS, Encoding, encode, tone

IDS = [f"{encoding.name}-{rate}-{channels}" for encoding, rate, channels in VARIANTS]
HERTZ = (400, 900)
SECONDS = 2.0


def peaks(samples: Channels) -> list[int]:
    """The loudest frequency of each channel in its middle second, Hz."""
    middle = samples[:, SAMPLE_RATE // 2 : SAMPLE_RATE // 2 + SAMPLE_RATE].astype(np.float64)
    return [int(peak) for peak in np.argmax(np.abs(np.fft.rfft(middle, axis=1)), axis=1)]


def tones(channels: int, *, rate: int) -> Channels:
    return np.stack([tone(SECONDS, hertz=hertz, rate=rate) for hertz in HERTZ[:channels]])


@pytest.mark.parametrize(("encoding", "rate", "channels"), VARIANTS, ids=IDS)
def test_recording_when_encoded_for_real_then_its_channels_come_out_at_16_khz(
    encoding: Encoding, rate: int, channels: int, tmp_path: Path
) -> None:
    path = encode(
        tmp_path / f"call{encoding.suffix}", tones(channels, rate=rate), rate=rate, encoding=encoding
    )
    with open_recording(path) as recording:
        samples = np.concatenate(list(recording.blocks()), axis=1)
    assert peaks(samples) == list(HERTZ[:channels])
    assert samples.shape[1] / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.2)
    assert (recording.defect, recording.remark, recording.coverage) == (None, None, 100)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=[e.name for e in ENCODINGS])
def test_recording_when_renamed_then_it_is_read_by_content_and_remarked_on(
    encoding: Encoding, tmp_path: Path
) -> None:
    rate = encoding.rates[0]
    path = encode(tmp_path / "call.dat", tones(1, rate=rate), rate=rate, encoding=encoding)
    with open_recording(path) as recording:
        samples = np.concatenate(list(recording.blocks()), axis=1)
    assert peaks(samples) == [HERTZ[0]]
    assert recording.remark is not None
    assert "call.dat" in recording.remark


@pytest.mark.parametrize("channels", [4, 6])
def test_recording_when_it_has_more_than_two_channels_then_the_first_two_are_kept(
    channels: int, tmp_path: Path
) -> None:
    sides = np.stack([tone(SECONDS, hertz=400 + 500 * index, rate=16_000) for index in range(channels)])
    path = encode(tmp_path / "many.flac", sides, rate=16_000, encoding=ENCODINGS[-2])
    with open_recording(path) as recording:
        samples = np.concatenate(list(recording.blocks()), axis=1)
    assert peaks(samples) == [400, 900]


def test_recording_when_it_is_wide_band_amr_then_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "wide.amr"
    path.write_bytes(b"#!AMR-WB\n" + b"\x7c" * 100)  # a hundred frames without data, 20 ms each
    with open_recording(path) as recording:
        samples = np.concatenate(list(recording.blocks()), axis=1)
    assert (recording.info.codec, samples.shape[1]) == ("amrwb", 2 * SAMPLE_RATE)


def test_recording_when_a_large_tag_stands_before_it_then_the_tag_is_passed_over(tmp_path: Path) -> None:
    mp3 = next(e for e in ENCODINGS if e.suffix == ".mp3")
    path = encode(tmp_path / "call.mp3", tones(1, rate=16_000), rate=16_000, encoding=mp3)
    tag = b"ID3\x04\x00\x00" + bytes([0, 127, 127, 127]) + bytes(2**21 - 1)
    path.write_bytes(tag + path.read_bytes()[path.read_bytes().index(b"\xff\xf3") :])
    with open_recording(path) as recording:
        samples = np.concatenate(list(recording.blocks()), axis=1)
    assert peaks(samples) == [400]
    assert recording.defect is None
