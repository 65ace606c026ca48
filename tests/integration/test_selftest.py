"""`compline-edge selftest`: right on what is shipped, and names what is damaged with what to do."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compline_edge.cli import app

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of what is shipped and used."""
    for name in (
        "zh-ctc-telephone",
        "zh-ngram",
        "zh-text",
        "zh-emotion",
        "speaker-telephone",
        "lexicons",
        "rules",
        "spotter",
        "doubt",
    ):
        shutil.copytree(MODELS / name, tmp_path / "models" / name)
    return tmp_path / "models"


def selftest(models: Path) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, ["selftest", "--models", str(models)])
    return result.exit_code, result.output.splitlines()


def test_selftest_when_all_is_whole_then_every_line_is_ok(models: Path) -> None:
    status, lines = selftest(models)
    assert status == 0
    assert len(lines) >= 8
    assert all(line.startswith("ok ") for line in lines)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("zh-ctc-telephone/model.tflite", "model zh-ctc-telephone"),
        ("zh-ngram/ngram.bin", "model zh-ngram"),
        ("zh-text/model.tflite", "model zh-text"),
        ("speaker-telephone/model.npz", "model speaker-telephone"),
        ("zh-emotion/cmvn.json", "model zh-emotion"),
        ("spotter/thresholds.json", "spotter's thresholds"),
        ("doubt/points.json", "points of doubt"),
        ("lexicons/zh-CN/starter.lex", "lexicon of zh-CN"),
        ("rules/zh-CN/base.rules", "rules of zh-CN"),
    ],
)
def test_selftest_when_a_file_is_damaged_then_it_is_named_and_the_rest_is_tried(
    models: Path, name: str, part: str
) -> None:
    path = models / name
    path.write_bytes(b"{" + path.read_bytes()[1:-400])
    status, lines = selftest(models)
    failed = [line for line in lines if line.startswith("FAILED")]
    assert status == 1
    assert any(part in line for line in failed)
    assert any(line.startswith("ok ") for line in lines)


def test_selftest_when_there_is_no_models_folder_then_it_says_which(tmp_path: Path) -> None:
    status, lines = selftest(tmp_path / "nowhere")
    assert status == 1
    assert any("nowhere is not a folder" in line for line in lines)


def test_selftest_when_the_recognisers_weights_are_others_then_it_says_what_to_measure_again(
    models: Path,
) -> None:
    before = next(line for line in selftest(models)[1] if "points of doubt" in line)
    path = models / "doubt" / "points.json"
    points = json.loads(path.read_text())
    path.write_text(json.dumps({**points, "weights": "0" * 64}))
    manifest = json.loads((models / "doubt" / "manifest.json").read_text())
    manifest["files"]["points.json"] = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    (models / "doubt" / "manifest.json").write_text(json.dumps(manifest))
    after = next(line for line in selftest(models)[1] if "points of doubt" in line)
    assert ("other weights" in before, "other weights" in after) == (False, True)
