"""The speaker model on TFLite: a second or two of speech to one vector that tells voices apart."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from compline_edge.core.speaker_roles import SpeakerCalibration, parse_speaker_calibration
from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.core.voiceprint import Vector
from compline_edge.senses.model_manifest import ModelDamaged, read_checked, read_manifest
from compline_edge.senses.speaker_features import BINS, features
from compline_edge.senses.tflite import open_interpreter

KIND = "speaker"
TOLERANCE = 0.01
"""Largest difference of a number to the known answer; runtimes differ by 0.0001 among themselves."""
LEAST_FRAMES: Final = 11
_PATTERN_S: Final = 1.0

Floats = npt.NDArray[np.float32]


class KnownVoice(msgspec.Struct, frozen=True):
    """known_answers.json: the vector of the test pattern."""

    vector: list[float]


class VoiceNetwork:
    """The network alone: features of a window to a vector."""

    def __init__(self, content: bytes, *, name: str) -> None:
        """Open it.

        Raises:
            ModelDamaged: it cannot run here, or is no speaker model.
        """
        self._interpreter = open_interpreter(content, name=name)
        source = self._interpreter.get_input_details()[0]
        if [int(size) for size in source["shape"]] != [1, 1, 1, BINS]:
            raise ModelDamaged(f"{name} has no input of {BINS} bands: it is no speaker model.")
        self._input = source["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._frames = 0
        self._lock = Lock()

    def run(self, window: Floats) -> Vector:
        """A unit vector of [frames, 40], at least `LEAST_FRAMES`; the last of an even number of frames is left out."""
        odd = np.ascontiguousarray(window[: len(window) - (len(window) + 1) % 2], dtype=np.float32)
        with self._lock:
            if len(odd) != self._frames:
                self._frames = len(odd)
                self._interpreter.resize_tensor_input(self._input, [1, 1, len(odd), BINS])
                self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(self._input, odd[None, None])
            self._interpreter.invoke()
            voice: Floats = self._interpreter.get_tensor(self._output)[0]
        return np.asarray(voice / max(1e-9, float(np.linalg.norm(voice))), dtype=np.float32)


class TfliteVoiceEncoder:
    """A speaker model from its folder, checked against its manifest and its known answer; a `VoiceEncoder`."""

    def __init__(self, folder: Path) -> None:
        """Load and check.

        Raises:
            ModelDamaged: the folder is incomplete, altered, or computes something else on this machine.
            BadSpeakerCalibration: its operating point cannot be used.
        """
        manifest = read_manifest(folder)
        self._version = manifest.version
        self.network = VoiceNetwork(read_checked(folder, "model.tflite", manifest), name=manifest.name)
        self._calibration = parse_speaker_calibration(read_checked(folder, "calibration.json", manifest))
        _check(self.network, read_checked(folder, "known_answers.json", manifest), name=manifest.name)

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
        return self.network.run(features(samples))


def pattern() -> Samples:
    """A second of tones that every machine makes alike."""
    time = np.arange(int(_PATTERN_S * SAMPLE_RATE)) / SAMPLE_RATE
    tones = sum(np.sin(2 * np.pi * 110.0 * k * time + k) / k for k in range(1, 30))
    return np.asarray(4_000 * tones * (1 + 0.5 * np.sin(2 * np.pi * 3.0 * time)), dtype=np.int16)


def _check(network: VoiceNetwork, content: bytes, *, name: str) -> None:
    try:
        known = msgspec.json.decode(content, type=KnownVoice)
    except msgspec.MsgspecError as error:
        raise ModelDamaged(f"known_answers.json of the model {name} is broken ({error}).") from error
    found = network.run(features(pattern()))
    if len(found) != len(known.vector) or not np.allclose(found, known.vector, atol=TOLERANCE, rtol=0.0):
        raise ModelDamaged(
            f"The TFLite runtime of this machine computes wrong results for the model {name}: "
            "update ai-edge-litert (or tflite-runtime) and start again."
        )
