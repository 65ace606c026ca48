"""`compline-edge voice`: enrols, says what is missing, forgets; `inspect --voice` knows the collector."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest
import soxr
from typer.testing import CliRunner, Result

from compline_edge.cli import app
from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.senses.recording import open_recording
from tests.edge_program import SAMPLE_DAY
from tests.homes import enrolled, opened

LABELS = json.loads((SAMPLE_DAY / "expected.json").read_text(encoding="utf-8"))
STEREO = [SAMPLE_DAY / call["path"] for call in LABELS["calls"] if call["channels"] == 2]


def channel(path: Path, place: int) -> Samples:
    with open_recording(path, limit_s=60.0) as call:
        return np.concatenate([block[place] for block in call.blocks() if len(block) > place])


def write(path: Path, *channels: Samples) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.stack(channels, axis=1).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings: one call's collector again and again, too little of him, with a lower voice, and worse."""
    folder = tmp_path_factory.mktemp("voices")
    ours = np.tile(channel(STEREO[0], 0), 4)
    theirs = np.asarray(soxr.resample(ours, 0.7 * SAMPLE_RATE, SAMPLE_RATE), dtype=np.int16)
    write(folder / "alone.wav", ours)
    write(folder / "short.wav", ours[: len(ours) // 4])
    write(folder / "both.wav", np.concatenate([ours, theirs]))
    noise = np.random.default_rng(1).normal(0.0, 700.0, len(ours))
    write(folder / "noisy.wav", np.clip(ours + noise, -32768, 32767).astype(np.int16))
    write(folder / "silent.wav", np.zeros(5 * SAMPLE_RATE, dtype=np.int16))
    turns = 20 * SAMPLE_RATE
    write(folder / "mixed.wav", np.concatenate([ours[:turns], theirs[:turns]]))
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return enrolled(tmp_path)


def voice(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["voice", *arguments, "--home", str(home)])


def test_voice_when_enrolled_then_status_says_so_until_it_is_forgotten(folder: Path, home: Path) -> None:
    assert "No voiceprint" in voice(home, "status").output
    result = voice(home, "enrol", "--agree", str(folder / "alone.wav"))
    assert result.exit_code == 0, result.output
    assert "s of speech" in voice(home, "status").output
    assert "deleted" in voice(home, "forget").output
    assert "No voiceprint" in voice(home, "status").output


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("short.wav", "more are needed"),
        ("both.wav", "more than one voice"),
        ("noisy.wav", "quiet place"),
        ("silent.wav", "Nobody speaks"),
    ],
)
def test_voice_when_the_recording_will_not_do_then_it_says_what_to_do_and_keeps_nothing(
    folder: Path, home: Path, name: str, sentence: str
) -> None:
    result = voice(home, "enrol", "--agree", str(folder / name))
    assert result.exit_code == 1
    assert sentence in result.stderr
    with opened(home) as here:
        assert here.vault.voiceprint() is None


def test_voice_when_it_is_not_agreed_to_then_nothing_is_kept(folder: Path, home: Path) -> None:
    result = CliRunner().invoke(
        app, ["voice", "enrol", str(folder / "alone.wav"), "--home", str(home)], input="n\n"
    )
    assert result.exit_code == 1
    assert "sensitive personal data" in result.output
    with opened(home) as here:
        assert here.vault.voiceprint() is None


def test_inspect_when_the_collectors_voice_is_given_then_a_call_of_one_channel_has_his_words(
    folder: Path,
) -> None:
    def said(*options: str) -> str:
        arguments = ["inspect", str(folder / "mixed.wav"), "-f", "jsonl", "--show-text", *options]
        return str(json.loads(CliRunner().invoke(app, arguments).stdout)["text"])

    assert "collector:" not in said()  # control: without it nobody knows
    known = said("--voice", str(folder / "alone.wav"))
    assert known.index("collector:") < known.index("other:")
