"""The emotion model on TFLite: some seconds of a voice to numbers, and numbers to feelings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from compline_edge.core.emotions import FEELINGS
from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.core.voice_frames import HOP_S, voice_frames
from compline_edge.core.voice_traits import TRAITS, loudness, spoken, voice_traits
from compline_edge.senses.features import WIDTH, FeatureStream, read_normalisation
from compline_edge.senses.model_manifest import ModelDamaged, decoded, read_checked, read_manifest
from compline_edge.senses.tflite import RowNetwork, wrong_results

KIND = "voice"
TOLERANCE = 0.05
"""Largest difference of a logit to the known answer."""
LISTENED: Final = 128
"""Numbers of one step of what listens."""
VOICE: Final = TRAITS + 2 * LISTENED
"""Numbers that a stretch of a voice is described by."""

_LEVEL: Final = -20.0
"""dBFS of the loud frames to which a voice is brought before it is listened to."""
_HOP: Final = round(HOP_S * SAMPLE_RATE)

Floats = npt.NDArray[np.float32]


class KnownVoice(msgspec.Struct, frozen=True):
    """known_answers.json: logits of the test sound, by itself and relative to a baseline of zeros."""

    alone: list[float]
    relative: list[float]


class VoiceNetwork:
    """The three networks alone: what listens, and what judges a voice by itself or relative to its baseline."""

    def __init__(
        self, *, listening: bytes, alone: bytes, relative: bytes, normalisation: bytes, name: str
    ) -> None:
        """Open them.

        Raises:
            ModelDamaged: one cannot run here, or is not what it should be.
        """
        self._shift, self._scale = read_normalisation(normalisation, name)
        self._listening = _opened(listening, name=name, width=(WIDTH, LISTENED))
        self._alone = _opened(alone, name=name, width=(VOICE, len(FEELINGS)))
        self._relative = _opened(relative, name=name, width=(VOICE, len(FEELINGS)))

    def describe(self, samples: Samples) -> Floats | None:
        """Return [VOICE] of one to five seconds of speech, [n] int16 at 16 kHz; None where no voice is in it."""
        frames = voice_frames(samples)
        traits = voice_traits(frames)
        if traits is None:
            return None
        inside = spoken(frames)
        part = samples[inside.start * _HOP : inside.stop * _HOP].astype(np.float32)
        louder = 10.0 ** ((_LEVEL - loudness(frames)) / 20.0)
        stream = FeatureStream(shift=self._shift, scale=self._scale)
        even = np.clip(np.rint(part * np.float32(louder)), -32_768, 32_767).astype(np.int16)
        stacks = np.concatenate([stream.feed(even), stream.finish()])
        steps = self._listening.run(stacks[None]).reshape(-1, LISTENED)
        return np.concatenate([traits.astype(np.float32), steps.mean(axis=0), steps.std(axis=0)])

    def judge(self, voices: Floats, baseline: Floats | None) -> Floats:
        """Return logits [n, feelings] of voices [n, VOICE], relative to the speaker's own baseline [VOICE] or alone.

        Alone, nothing is made of how loud the recording is.
        """
        if baseline is not None:
            return self._relative.run(voices - baseline)
        level_out = voices.copy()
        level_out[:, 0] = 0.0
        return self._alone.run(level_out)


class TfliteVoiceModel:
    """An emotion model from its folder, checked against its manifest and its known answers."""

    def __init__(self, folder: Path) -> None:
        """Load and check.

        Raises:
            ModelDamaged: the folder is incomplete, altered, or computes something else on this machine.
        """
        manifest = read_manifest(folder)
        self._version = manifest.version
        self._network = VoiceNetwork(
            listening=read_checked(folder, "listening.tflite", manifest),
            alone=read_checked(folder, "alone.tflite", manifest),
            relative=read_checked(folder, "relative.tflite", manifest),
            normalisation=read_checked(folder, "cmvn.json", manifest),
            name=manifest.name,
        )
        _check(self._network, read_checked(folder, "known_answers.json", manifest), name=manifest.name)

    @property
    def version(self) -> int:
        """Number of the model, 1..255."""
        return self._version

    def describe(self, samples: Samples) -> Floats | None:
        """Return what a voice is like over one to five seconds, [VOICE]; None where no voice is in it."""
        return self._network.describe(samples)

    def judge(self, voices: Floats, baseline: Floats | None) -> Floats:
        """Return logits [n, feelings] of voices [n, VOICE]."""
        return self._network.judge(voices, baseline)


def probe_sound() -> Samples:
    """Two seconds that sound somewhat like a voice, from arithmetic alone: what known answers are of."""
    at = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(160 + 50 * np.sin(2 * np.pi * 0.7 * at)) / SAMPLE_RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 20))
    beat = 0.55 + 0.45 * np.sin(2 * np.pi * 3.5 * at)
    return np.asarray(np.rint(4_000 * beat * tone), dtype=np.int16)


def _opened(content: bytes, *, name: str, width: tuple[int, int]) -> RowNetwork:
    found = RowNetwork(content, name=name)
    if found.width != width:
        raise ModelDamaged(f"{name} is no emotion model, or one of another version.")
    return found


def _check(network: VoiceNetwork, content: bytes, *, name: str) -> None:
    known = decoded(content, KnownVoice, file="known_answers.json", model=name)
    voice = network.describe(probe_sound())
    wanted = np.array([known.alone, known.relative], dtype=np.float32)
    if voice is not None:
        zero = np.zeros(VOICE, dtype=np.float32)
        found = np.stack([network.judge(voice[None], None)[0], network.judge(voice[None], zero)[0]])
        if found.shape == wanted.shape and np.allclose(found, wanted, atol=TOLERANCE, rtol=0.0):
            return
    raise wrong_results(name)
