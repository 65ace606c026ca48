"""The files of a released model: weights, tokens, normalisation and the manifest that vouches for them."""

from __future__ import annotations

import json
from pathlib import Path

from models.eval.pinyin_error import Cmvn
from models.manifests import digests
from models.train.fbank import BINS, SAMPLE_RATE, SPLICE, STRIDE
from models.train.flatbuffer import check, export
from models.train.network import LEFT_CONTEXT, RIGHT_CONTEXT, Weights
from models.train.reference import Base

from compline_edge.senses.ctc_transcriber import known_answer

NAME = "zh-ctc-telephone"
VERSION = 1
LANGUAGE = "zh-CN"
SIGNIFICANT = 8


def release(folder: Path, *, base: Base, student: Weights, cmvn: Cmvn) -> float:
    """Write model.tflite, tokens.txt, cmvn.json and manifest.json; the largest difference from torch.

    `student` is rounded as the file holds it (`flatbuffer.rounded`). Raises ExportError where the written model
    would not compute what was trained.
    """
    tflite = export(base.tflite, base.weights, student)
    difference = check(tflite, student)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.tflite").write_bytes(tflite)
    (folder / "tokens.txt").write_text("\n".join(base.tokens) + "\n", encoding="utf-8")
    normalisation = {"shift": _short(cmvn.shift.tolist()), "scale": _short(cmvn.scale.tolist())}
    (folder / "cmvn.json").write_text(json.dumps(normalisation) + "\n")
    (folder / "manifest.json").write_text(json.dumps(manifest(folder), indent=2) + "\n")
    return difference


def manifest(folder: Path) -> dict[str, object]:
    """What a reader needs to load and feed the model, with the SHA-256 and size of each file."""
    files = digests(folder, ("model.tflite", "tokens.txt", "cmvn.json"))
    return {
        "name": NAME,
        "version": VERSION,
        "kind": "ctc",
        "language": LANGUAGE,
        "step_ms": 30,
        "left_context": LEFT_CONTEXT,
        "right_context": RIGHT_CONTEXT,
        "blank": 0,
        "features": {
            "sample_rate": SAMPLE_RATE,
            "scale": 32768,
            "window": "hamming",
            "window_ms": 25,
            "shift_ms": 10,
            "dither": 0.0,
            "preemphasis": 0.97,
            "bins": BINS,
            "low_hz": 20,
            "high_hz": 8000,
            "splice_left": SPLICE,
            "splice_right": SPLICE,
            "stride": STRIDE,
        },
        "files": files,
        "known_answer": known_answer(folder),
    }


def _short(values: list[float]) -> list[float]:
    return [float(f"{value:.{SIGNIFICANT}g}") for value in values]
