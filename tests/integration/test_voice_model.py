"""The shipped emotion model: it loads, describes and judges; a damaged or swapped one is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.emotions import FEELINGS
from compline_edge.core.speech import SAMPLE_RATE
from compline_edge.senses.model_manifest import ModelDamaged
from compline_edge.senses.model_store import ModelStore
from compline_edge.senses.voice_model import VOICE, TfliteVoiceModel, probe_sound

MODELS = Path(__file__).parents[2] / "models"
SHIPPED = MODELS / "zh-emotion"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "zh-emotion"))


def _agree(folder: Path, name: str) -> None:
    """Make the manifest name what now lies in the folder."""
    import hashlib

    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    content = (folder / name).read_bytes()
    manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def test_model_when_shipped_then_it_describes_and_judges_any_number_of_pieces() -> None:
    model = TfliteVoiceModel(SHIPPED)
    pieces = [model.describe(probe_sound()[: round(seconds * SAMPLE_RATE)]) for seconds in (1.2, 1.6, 2.0)]
    voices = np.stack([piece for piece in pieces if piece is not None])

    assert voices.shape == (3, VOICE)
    for baseline in (None, voices[0]):
        logits = model.judge(voices, baseline)
        assert logits.shape == (3, len(FEELINGS))
        assert np.isfinite(logits).all()


def test_model_when_a_voice_is_its_own_baseline_then_what_recordings_share_is_gone() -> None:
    model = TfliteVoiceModel(SHIPPED)
    loud, soft = (model.describe((probe_sound() * gain).astype(np.int16)) for gain in (1.0, 0.1))
    assert loud is not None
    assert soft is not None
    assert np.allclose(model.judge(loud[None], None), model.judge(soft[None], None), atol=2.0)
    assert not np.allclose(model.judge(loud[None], soft), model.judge(loud[None], loud), atol=0.01)


@pytest.mark.parametrize(
    "samples", [np.zeros(32_000, np.int16), np.zeros(0, np.int16)], ids=["silence", "nothing"]
)
def test_model_when_there_is_no_voice_then_nothing_is_described(samples: np.ndarray) -> None:
    assert TfliteVoiceModel(SHIPPED).describe(samples) is None


@pytest.mark.parametrize(
    "name", ["listening.tflite", "alone.tflite", "relative.tflite", "cmvn.json", "known_answers.json"]
)
def test_model_when_a_file_is_altered_then_the_sentence_says_how_to_restore_it(
    folder: Path, name: str
) -> None:
    with (folder / name).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    with pytest.raises(ModelDamaged, match="git checkout"):
        TfliteVoiceModel(folder)


def test_model_when_judges_are_swapped_though_the_manifest_agrees_then_the_known_answer_tells(
    folder: Path,
) -> None:
    (folder / "alone.tflite").write_bytes((folder / "relative.tflite").read_bytes())
    _agree(folder, "alone.tflite")
    with pytest.raises(ModelDamaged, match="wrong results"):
        TfliteVoiceModel(folder)


def test_model_when_another_network_lies_there_then_it_is_refused(folder: Path) -> None:
    (folder / "listening.tflite").write_bytes((MODELS / "zh-ctc-telephone" / "model.tflite").read_bytes())
    _agree(folder, "listening.tflite")
    with pytest.raises(ModelDamaged, match="no emotion model"):
        TfliteVoiceModel(folder)


@pytest.mark.parametrize("content", [b"{}", b'{"shift": [0.0], "scale": [1.0]}'], ids=["broken", "too short"])
def test_model_when_its_normalisation_is_not_its_own_then_it_is_refused(folder: Path, content: bytes) -> None:
    (folder / "cmvn.json").write_bytes(content)
    _agree(folder, "cmvn.json")
    with pytest.raises(ModelDamaged, match=r"cmvn\.json"):
        TfliteVoiceModel(folder)


def test_store_when_asked_for_a_language_without_one_then_there_is_none() -> None:
    assert ModelStore([MODELS]).voice_model("de-DE") is None
    found = ModelStore([MODELS]).voice_model("zh-CN")
    assert found is not None
    assert found.version == 1
