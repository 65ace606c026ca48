"""The files of a released text classifier, and the manifest that vouches for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from models.manifests import pretty, vouch
from models.text.corpus import Sample
from models.text.graph import graph

from compline_edge.core.text_calibration import Calibration
from compline_edge.core.text_features import CATEGORIES
from compline_edge.senses.text_model import KIND, KnownTexts, TextNetwork
from compline_shared.taxonomy import Role

NAME = "zh-text"
VERSION = 1
LANGUAGE = "zh-CN"
KNOWN = (
    "您好，这里是贷后服务中心，本次通话会录音",
    "再不还钱就让你单位的人都晓得",
    "钱打到我自己的卡上就行",
    "加我私人微信聊，这边有录音",
)
TOLERANCE = 1e-3
"""Largest difference of a logit from torch's, of the same rounded table."""

Floats = npt.NDArray[np.float32]


class ReleaseError(ValueError):
    """The written model does not compute what was trained."""


def write_network(folder: Path, weights: Mapping[str, Floats]) -> TextNetwork:
    """Write model.tflite and open it."""
    folder.mkdir(parents=True, exist_ok=True)
    content = graph(weights)
    (folder / "model.tflite").write_bytes(content)
    return TextNetwork(content, name=NAME)


def check(network: TextNetwork, samples: Sequence[Sample], trained: Floats) -> float:
    """Compare the file with torch, [samples, outputs]; the largest difference.

    Raises ReleaseError above TOLERANCE.
    """
    found = [network.run(sample.text, sample.role) for sample in samples]
    worst = max(
        float(np.abs(logits - wanted).max())
        for logits, wanted in zip(found, trained, strict=True)
        if logits is not None
    )
    if worst > TOLERANCE:
        raise ReleaseError(f"the TFLite file differs from torch by {worst:.5f}, more than {TOLERANCE}")
    return worst


def write_rest(folder: Path, network: TextNetwork, calibration: Calibration) -> None:
    """Write calibration.json and known_answers.json, then the manifest; disguises.json is there already."""
    answers = [network.run(text, Role.COLLECTOR) for text in KNOWN]
    known = KnownTexts(
        texts=list(KNOWN),
        logits=[[round(float(each), 5) for each in logits] for logits in answers if logits is not None],
    )
    (folder / "calibration.json").write_bytes(pretty(msgspec.to_builtins(calibration)))
    (folder / "known_answers.json").write_bytes(pretty(msgspec.to_builtins(known)))
    write_manifest(folder)


def write_manifest(folder: Path) -> None:
    """Write manifest.json of what lies in the folder."""
    vouch(
        folder,
        ("model.tflite", "calibration.json", "known_answers.json", "disguises.json"),
        name=NAME,
        version=VERSION,
        kind=KIND,
        language=LANGUAGE,
        categories=[category.code for category in CATEGORIES],
    )
