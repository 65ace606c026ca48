"""The speaker model that is shipped: tells two voices apart over telephone lines; refused when altered."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soxr

from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.core.voiceprint import centre
from compline_edge.senses.model_manifest import ModelDamaged
from compline_edge.senses.model_store import ModelStore, NoModel
from compline_edge.senses.recording import open_recording
from compline_edge.senses.speaker_model import SpeakerModel
from tests.judging_home import SPOKEN

MODELS = Path(__file__).parents[2] / "models"
MODEL = MODELS / "speaker-telephone"
LARGEST = 1_000_000  # bytes
WINDOW = 3 * SAMPLE_RATE // 2


@pytest.fixture(scope="module")
def encoder() -> SpeakerModel:
    return SpeakerModel(MODEL)


@pytest.fixture(scope="module")
def said() -> Samples:
    with open_recording(SPOKEN, limit_s=60.0) as call:
        channel = np.concatenate([block[0] for block in call.blocks()])
    frames = channel[: len(channel) // 320 * 320].reshape(-1, 320)
    loud = np.abs(frames.astype(np.int32)).mean(axis=1) > 200
    return np.asarray(frames[loud].reshape(-1), np.int16)


def windows(samples: Samples) -> list[Samples]:
    return [samples[at : at + WINDOW] for at in range(0, len(samples) - WINDOW, WINDOW)]


def another(samples: Samples, speed: float) -> Samples:
    """The same words in a higher or lower voice."""
    return np.asarray(soxr.resample(samples, speed * SAMPLE_RATE, SAMPLE_RATE), dtype=np.int16)


@pytest.mark.parametrize("speed", [0.75, 1.35])
def test_model_when_two_voices_say_the_same_then_each_is_nearer_to_its_own(
    encoder: SpeakerModel, said: Samples, speed: float
) -> None:
    ours = np.stack([encoder.embed(window) for window in windows(said)])
    theirs = np.stack([encoder.embed(window) for window in windows(another(said, speed))])
    half = len(ours) // 2
    print_ = centre(ours[:half])
    own, foreign = ours[half:] @ print_, theirs @ print_
    assert np.median(own) > encoder.calibration.middle > np.median(foreign)


def test_model_when_loudness_changes_then_the_voice_does_not(encoder: SpeakerModel, said: Samples) -> None:
    loud, soft = encoder.embed(said[:WINDOW]), encoder.embed((said[:WINDOW] // 4).astype(np.int16))
    assert float(loud @ soft) > 0.95


def test_model_when_weighed_then_it_is_small(encoder: SpeakerModel) -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < LARGEST
    assert encoder.version == json.loads((MODEL / "manifest.json").read_text())["version"]


def test_store_when_there_is_no_speaker_model_then_none_is_loaded_and_no_transcriber_is_made_of_one(
    tmp_path: Path,
) -> None:
    shutil.copytree(MODEL, tmp_path / "models" / "speaker-telephone")
    assert ModelStore((tmp_path / "nowhere",)).voice_encoder() is None
    assert ModelStore((tmp_path / "models",)).voice_encoder() is not None
    with pytest.raises(NoModel):
        ModelStore((tmp_path / "models",)).transcriber("und")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MODEL, tmp_path / "model"))


@pytest.mark.parametrize("name", ["model.npz", "calibration.json", "known_answers.json"])
def test_model_when_a_file_is_altered_then_it_is_refused_with_what_to_do(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ModelDamaged, match="git checkout"):
        SpeakerModel(copy)


def vouch(folder: Path, name: str, content: bytes) -> None:
    """Replace a file, the manifest agreeing."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_model_when_this_machine_computes_something_else_then_it_is_refused(copy: Path) -> None:
    known = json.loads((copy / "known_answers.json").read_text())
    known["vector"][3] += 0.01
    vouch(copy, "known_answers.json", json.dumps(known).encode())
    with pytest.raises(ModelDamaged, match="wrong results"):
        SpeakerModel(copy)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"\x93NUMPY"])
def test_model_when_its_numbers_are_none_then_it_is_refused(copy: Path, content: bytes) -> None:
    vouch(copy, "model.npz", content)
    with pytest.raises(ModelDamaged, match="no speaker model"):
        SpeakerModel(copy)
