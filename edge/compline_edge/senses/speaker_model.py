"""The speaker model from its folder: a second or two of speech to one vector that tells voices apart."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from compline_edge.core.speaker_roles import SpeakerCalibration, parse_speaker_calibration
from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.core.supervector import WIDTH, Background, VoiceSpace
from compline_edge.core.voiceprint import MOST_WIDTH, Vector
from compline_edge.senses.model_manifest import ModelDamaged, decoded, read_checked, read_manifest
from compline_edge.senses.speaker_features import features

KIND = "speaker"
TOLERANCE = 0.001
"""Largest difference of a number to the known answer; machines differ by less than a tenth of it."""
_PATTERN_S: Final = 1.0


class KnownVoice(msgspec.Struct, frozen=True):
    """known_answers.json: the vector of the test pattern."""

    vector: list[float]


class SpeakerModel:
    """A speaker model from its folder, checked against its manifest and its known answer; a `VoiceEncoder`."""

    def __init__(self, folder: Path) -> None:
        """Load and check.

        Raises:
            ModelDamaged: the folder is incomplete, altered, or computes something else on this machine.
            BadSpeakerCalibration: its operating point cannot be used.
        """
        manifest = read_manifest(folder)
        self._version = manifest.version
        self._space = read_space(read_checked(folder, "model.npz", manifest), name=manifest.name)
        self._calibration = parse_speaker_calibration(read_checked(folder, "calibration.json", manifest))
        _check(self._space, read_checked(folder, "known_answers.json", manifest), name=manifest.name)

    @property
    def version(self) -> int:
        """Number of the model, 1..255; a voiceprint compares with its own model's vectors only."""
        return self._version

    @property
    def calibration(self) -> SpeakerCalibration:
        """What its cosines mean, and from where on a role is told."""
        return self._calibration

    def embed(self, samples: Samples) -> Vector:
        """Return the voice in a window of speech, int16 at 16 kHz; at least 0.2 s of them."""
        return self._space.place(features(samples))


def read_space(content: bytes, *, name: str) -> VoiceSpace:
    """Read model.npz.

    Raises:
        ModelDamaged: it is no speaker model.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {key: np.asarray(stored[key], dtype=np.float32) for key in stored.files}
        weights, means, variances = arrays["weights"], arrays["means"], arrays["variances"]
        middle, projection = arrays["middle"], arrays["projection"]
    except (ValueError, KeyError, OSError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ModelDamaged(f"model.npz of the model {name} holds no speaker model.") from error
    size = len(weights) * WIDTH
    fits = means.shape == variances.shape == (len(weights), WIDTH) and middle.shape == (size,)
    if not fits or projection.ndim != 2 or len(projection) != size or projection.shape[1] > MOST_WIDTH:
        raise ModelDamaged(
            f"model.npz of the model {name} holds no speaker model of {WIDTH} numbers a frame."
        )
    return VoiceSpace(Background(weights, means, variances), middle, projection)


def pattern() -> Samples:
    """A second of tones that every machine makes alike."""
    time = np.arange(int(_PATTERN_S * SAMPLE_RATE)) / SAMPLE_RATE
    tones = np.sum([np.sin(2 * np.pi * 110.0 * k * time + k) / k for k in range(1, 30)], axis=0)
    return np.asarray(4_000 * tones * (1 + 0.5 * np.sin(2 * np.pi * 3.0 * time)), dtype=np.int16)


def _check(space: VoiceSpace, content: bytes, *, name: str) -> None:
    known = decoded(content, KnownVoice, file="known_answers.json", model=name)
    found = space.place(features(pattern()))
    if len(found) != len(known.vector) or not np.allclose(found, known.vector, atol=TOLERANCE, rtol=0.0):
        raise ModelDamaged(
            f"This machine computes wrong results for the model {name}: "
            "update numpy and kaldi-native-fbank and start again."
        )
