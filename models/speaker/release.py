"""The files of a released speaker model, and the manifest that vouches for them."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np
from models.manifests import pretty, vouch

from compline_edge.core.speaker_roles import SpeakerCalibration
from compline_edge.core.supervector import VoiceSpace
from compline_edge.senses.speaker_features import features
from compline_edge.senses.speaker_model import KIND, pattern, read_space

NAME = "speaker-telephone"
VERSION = 1
LANGUAGE = "und"


def rounded(space: VoiceSpace) -> tuple[bytes, VoiceSpace]:
    """Return the model's file, its projection in 16 bits, and the model that it is read as."""
    unit = float(np.abs(space.projection).max())
    stored = io.BytesIO()
    np.savez(
        stored,
        weights=space.background.weights.astype(np.float32),
        means=space.background.means.astype(np.float32),
        variances=space.background.variances.astype(np.float32),
        middle=space.middle.astype(np.float32),
        projection=(space.projection / unit).astype(np.float16),  # the length of a vector says nothing
    )
    return stored.getvalue(), read_space(stored.getvalue(), name=NAME)


def write(folder: Path, content: bytes, calibration: SpeakerCalibration) -> None:
    """Write model.npz, calibration.json, known_answers.json and manifest.json."""
    folder.mkdir(parents=True, exist_ok=True)
    vector = read_space(content, name=NAME).place(features(pattern()))
    written = {
        "model.npz": content,
        "calibration.json": pretty(msgspec.to_builtins(calibration)),
        "known_answers.json": pretty({"vector": [round(float(value), 5) for value in vector]}),
    }
    for name, stored in written.items():
        (folder / name).write_bytes(stored)
    vouch(folder, written, name=NAME, version=VERSION, kind=KIND, language=LANGUAGE)
