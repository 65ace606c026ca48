"""Bad recordings end in one clear sentence or in a defect, and never in silence about it."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.speech import SAMPLE_RATE
from compline_edge.senses.recording import (
    EmptyRecording,
    EncryptedRecording,
    Recording,
    RecordingError,
    UnreadableRecording,
    open_recording,
)
from compline_shared.taxonomy import Abstention
from tests.audio import ENCODINGS, Encoding, encode, encode_blocks, speechlike

BY_NAME = {encoding.name: encoding for encoding in ENCODINGS}
INDEX_AT_END = {"m4a-aac", "mp4-aac", "3gp-aac", "3gp-libopencore_amrnb"}
STREAMED = [encoding for encoding in ENCODINGS if encoding.name not in INDEX_AT_END]
INDEXED = [encoding for encoding in ENCODINGS if encoding.name in INDEX_AT_END]
KEY = "00112233445566778899aabbccddeeff"


def voice(
    path: Path, encoding: Encoding, *, seconds: float = 10.0, options: dict[str, str] | None = None
) -> Path:
    rate = encoding.rates[0]
    return encode(path, speechlike(seconds, rate=rate)[None], rate=rate, encoding=encoding, options=options)


def wav(*, body: bytes, stated: int, rate: int = 8_000, channels: int = 1) -> bytes:
    frame = 2 * channels
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * frame % 2**32, frame, 16)
    size = struct.pack("<I", min(2**32 - 1, 36 + stated))
    return b"RIFF" + size + b"WAVEfmt " + form + b"data" + struct.pack("<I", stated) + body


def read_through(recording: Recording) -> float:
    with recording:
        return sum(len(block[0]) for block in recording.blocks()) / SAMPLE_RATE


@pytest.mark.parametrize("encoding", STREAMED, ids=[e.name for e in STREAMED])
def test_recording_when_its_end_is_cut_off_then_the_readable_part_comes_and_the_defect_says_so(
    encoding: Encoding, tmp_path: Path
) -> None:
    path = voice(tmp_path / f"call{encoding.suffix}", encoding)
    os.truncate(path, int(path.stat().st_size * 0.6))
    recording = open_recording(path)
    assert 4.5 < read_through(recording) < 6.6
    assert recording.defect is Abstention.TRUNCATED
    assert recording.coverage < 100


@pytest.mark.parametrize("encoding", STREAMED, ids=[e.name for e in STREAMED])
def test_recording_when_it_is_whole_then_the_same_check_finds_no_defect(
    encoding: Encoding, tmp_path: Path
) -> None:
    recording = open_recording(voice(tmp_path / f"call{encoding.suffix}", encoding))
    read_through(recording)
    assert recording.defect is None


@pytest.mark.parametrize("encoding", INDEXED, ids=[e.name for e in INDEXED])
def test_recording_when_cut_off_before_its_index_then_a_sentence_says_so(
    encoding: Encoding, tmp_path: Path
) -> None:
    path = voice(tmp_path / f"call{encoding.suffix}", encoding)
    os.truncate(path, int(path.stat().st_size * 0.6))
    with pytest.raises(
        UnreadableRecording, match=r"^call\.\w+ cannot be read, it was cut off .*index.*copy it.*\.$"
    ):
        open_recording(path)


@pytest.mark.parametrize("options", [{"movflags": "+faststart"}, {"movflags": "+frag_keyframe+empty_moov"}])
def test_recording_when_its_index_stands_first_and_its_end_is_cut_off_then_the_rest_is_read(
    options: dict[str, str], tmp_path: Path
) -> None:
    path = voice(tmp_path / "call.mp4", BY_NAME["mp4-aac"], options=options)
    os.truncate(path, int(path.stat().st_size * 0.6))
    recording = open_recording(path)
    assert 4.5 < read_through(recording) < 6.6
    assert recording.defect is Abstention.TRUNCATED


@pytest.mark.parametrize(
    "name", ["m4a-aac", "aac-aac", "amr-libopencore_amrnb", "ogg-flac", "mp3-libmp3lame"]
)
def test_recording_when_its_middle_is_damaged_then_the_rest_is_read(name: str, tmp_path: Path) -> None:
    encoding = BY_NAME[name]
    path = voice(tmp_path / f"call{encoding.suffix}", encoding)
    data = bytearray(path.read_bytes())
    middle, hole = len(data) // 2, len(data) // 10
    data[middle : middle + hole] = np.random.default_rng(3).integers(0, 256, hole, np.uint8).tobytes()
    path.write_bytes(data)
    recording = open_recording(path)
    assert read_through(recording) > 6.5
    assert recording.defect is Abstention.TRUNCATED


@pytest.mark.parametrize("suffix", sorted({e.suffix for e in ENCODINGS}))
def test_recording_when_the_file_has_no_bytes_then_it_is_empty(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"call{suffix}"
    path.touch()
    with pytest.raises(EmptyRecording, match=r"^call\.\w+ is empty: .*\.$") as caught:
        open_recording(path)
    assert caught.value.abstention is Abstention.EMPTY


@pytest.mark.parametrize(
    "content",
    [wav(body=b"", stated=0), wav(body=b"", stated=1_000), b"#!AMR\n"],
    ids=["wav-of-nothing", "wav-that-promises", "amr-of-nothing"],
)
def test_recording_when_there_are_no_samples_then_it_is_empty(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    with pytest.raises(EmptyRecording, match=r"^call\.wav holds no sound: .*\.$"):
        open_recording(path)


@pytest.mark.parametrize("name", ["wav-pcm_s16le", "mp3-libmp3lame", "m4a-aac", "flac-flac", "ogg-libopus"])
def test_recording_when_it_lasts_zero_seconds_then_it_is_refused_by_name(name: str, tmp_path: Path) -> None:
    encoding = BY_NAME[name]
    path = tmp_path / f"call{encoding.suffix}"
    encode_blocks(path, iter(()), rate=encoding.rates[0], encoding=encoding, channels=1)
    assert path.stat().st_size
    with pytest.raises(RecordingError, match=r"^call\.\w+ .*\.$"):
        open_recording(path)


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04" + bytes(60),
        b"7z\xbc\xaf\x27\x1c" + bytes(60),
        b"Rar!\x1a\x07\x01\x00" + bytes(60),
        b"Salted__" + bytes(range(64)),
        b"-----BEGIN PGP MESSAGE-----\n\nhQEMA",
        b"\x85\x01\x0c\x03" + bytes(range(64)),
        b"\xc1\xc0\x4c\x03" + bytes(range(64)),
        b"\x8c\x0d\x04\x09" + bytes(range(64)),
        b"age-encryption.org/v1\n-> X25519 ",
    ],
    ids=["zip", "7z", "rar", "openssl", "pgp-armour", "pgp-key", "pgp-new", "pgp-password", "age"],
)
def test_recording_when_it_is_locked_then_it_is_encrypted(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "call.mp3"
    path.write_bytes(content)
    with pytest.raises(EncryptedRecording, match=r"^call\.mp3 is .*: unlock it .*\.$") as caught:
        open_recording(path)
    assert caught.value.abstention is Abstention.ENCRYPTED


def test_recording_when_its_track_is_encrypted_for_real_then_it_is_encrypted(tmp_path: Path) -> None:
    options = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": KEY, "encryption_kid": KEY}
    path = voice(tmp_path / "call.mp4", BY_NAME["mp4-aac"], options=options)
    with pytest.raises(EncryptedRecording, match="copy protection"):
        open_recording(path)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 40,
        b"Good morning.\n" * 500,
        b"#EXTM3U\n#EXTINF:10,\nother.wav\n",
        b"\x89PNG\r\n\x1a\n" + bytes(500),
        b"%PDF-1.7\n" + bytes(500),
        bytes(4_096),
        np.random.default_rng(5).integers(0, 256, 200_000, np.uint8).tobytes(),
    ],
    ids=["jpeg", "text", "playlist", "png", "pdf", "zeros", "noise"],
)
def test_recording_when_it_is_no_recording_then_a_sentence_names_the_file(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    with pytest.raises(
        UnreadableRecording, match=r"^call\.wav cannot be read, .*: check the file .*\.$"
    ) as caught:
        open_recording(path)
    assert caught.value.abstention is Abstention.UNREADABLE


@pytest.mark.parametrize(
    "make", [lambda p: None, lambda p: p.mkdir(), lambda p: os.mkfifo(p)], ids=["missing", "folder", "pipe"]
)
def test_recording_when_there_is_no_plain_file_then_it_is_unreadable(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    make(path)
    with pytest.raises(UnreadableRecording, match=r"^call\.wav .*: .*\.$"):
        open_recording(path)


@pytest.mark.parametrize(
    "content",
    [
        wav(body=bytes(3_200), stated=3_200, rate=1),
        wav(body=bytes(3_200), stated=3_200, rate=2**31 - 1),
        wav(body=bytes(60_000), stated=60_000, channels=300),
        wav(body=bytes(3_200), stated=3_200, channels=0),
        b"\x00\x00\x00\x14ftypM4A \x00\x00\x00\x00M4A \xf0\x00\x00\x00moov" + bytes(100),
        b"fLaC" + b"\x06\xff\xff\xff" * 3 + bytes(100),
        b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(1_000),
        b"RIFF\x00\x00\x00\x00WAVE" + b"LIST\x00\x00\x00\xdc" + wav(body=bytes(3_200), stated=3_200)[12:],
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        wav(body=b"", stated=0)[:12] + b"junk\x00\x00\x00\x00" * 5_000,
    ],
    ids=[
        "1-hertz",
        "2-gigahertz",
        "300-channels",
        "no-channels",
        "huge-index",
        "huge-pictures",
        "huge-tag",
        "huge-list",
        "cut-header",
        "endless-header",
    ],
)
def test_recording_when_its_header_is_absurd_then_it_is_refused_at_once(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    with pytest.raises(UnreadableRecording, match=r"^call\.wav .*\.$"):
        open_recording(path)


@pytest.mark.parametrize("channels", [8, 9, 16, 64])
def test_recording_when_it_has_as_many_channels_as_a_mixing_desk_then_two_are_kept(
    channels: int, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(body=bytes(2 * channels * 8_000), stated=2 * channels * 8_000, channels=channels))
    with open_recording(path) as recording:
        shapes = [block.shape for block in recording.blocks()]
    assert shapes == [(2, 16_000)]


@pytest.mark.parametrize("stated", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_recording_when_the_recorder_never_wrote_the_size_then_all_is_read_without_defect(
    stated: int, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(body=bytes(32_000), stated=stated))
    recording = open_recording(path)
    assert read_through(recording) == 2.0
    assert recording.defect is None


def test_recording_when_nobody_knows_its_coding_then_it_is_unreadable(tmp_path: Path) -> None:
    path = voice(tmp_path / "call.webm", BY_NAME["webm-libopus"], seconds=1)
    path.write_bytes(path.read_bytes().replace(b"A_OPUS", b"A_XXXX"))
    with pytest.raises(
        UnreadableRecording, match=r"^call\.webm is coded in a way that cannot be read: .*\.$"
    ):
        open_recording(path)


def test_recording_when_its_size_needs_64_bits_then_that_is_what_it_states(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    small = wav(body=bytes(32_000), stated=0xFFFFFFFF)
    sizes = b"ds64" + struct.pack("<IQQQI", 28, 64_080, 64_000, 32_000, 0)
    path.write_bytes(b"RF64\xff\xff\xff\xffWAVE" + sizes + small[12:])
    recording = open_recording(path)
    assert read_through(recording) == 2.0
    assert (recording.info.duration, recording.defect) == (4.0, Abstention.TRUNCATED)


def test_recording_when_it_lasts_ten_hours_then_only_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    ten_hours = 36_000 * 16_000
    path.write_bytes(wav(body=b"", stated=ten_hours))
    os.truncate(path, 44 + ten_hours)  # a sparse file
    recording = open_recording(path, limit_s=60)
    assert read_through(recording) == 60.0
    assert recording.defect is Abstention.TOO_LONG
    assert (recording.info.duration, recording.coverage) == (36_000.0, 0)


def test_recording_when_it_is_longer_than_the_limit_without_saying_so_then_it_stops_there(
    tmp_path: Path,
) -> None:
    recording = open_recording(voice(tmp_path / "call.amr", BY_NAME["amr-libopencore_amrnb"]), limit_s=4)
    assert read_through(recording) == 4.0
    assert recording.defect is Abstention.TOO_LONG
    assert 35 <= recording.coverage <= 60


def test_recording_when_it_lasts_exactly_the_limit_then_nothing_is_amiss(tmp_path: Path) -> None:
    recording = open_recording(voice(tmp_path / "call.wav", BY_NAME["wav-pcm_s16le"], seconds=4), limit_s=4)
    assert read_through(recording) == 4.0
    assert recording.defect is None


def test_recording_when_its_header_promises_ten_hours_and_lies_then_it_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(body=bytes(32_000), stated=36_000 * 16_000))
    recording = open_recording(path)
    assert read_through(recording) == 2.0
    assert recording.defect is Abstention.TRUNCATED


def test_recording_when_silent_then_it_decodes_to_silence(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "call.m4a", np.zeros((1, 32_000), np.int16), rate=16_000, encoding=BY_NAME["m4a-aac"]
    )
    with open_recording(path) as recording:
        loudest = max(int(np.abs(block).max()) for block in recording.blocks())
    assert loudest <= 1


def test_recording_when_damaged_then_nothing_is_written_to_standard_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = voice(tmp_path / "call.m4a", BY_NAME["m4a-aac"])
    data = bytearray(path.read_bytes())
    data[4_000:9_000] = bytes(5_000)
    path.write_bytes(data)
    read_through(open_recording(path))
    assert capfd.readouterr() == ("", "")
