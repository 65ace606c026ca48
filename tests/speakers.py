"""Calls in one channel for tests: a reader whose seconds have a voice, and an encoder that hears which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from compline_edge.core.speaker_roles import SpeakerCalibration
from compline_edge.core.speech import SAMPLE_RATE, Channels, Samples
from compline_edge.core.voiceprint import Vector, Voiceprint
from tests.spoken import ScriptReader

WIDTH = 8
CALIBRATION = SpeakerCalibration(
    middle=0.5,
    slope=20.0,
    contrast_slope=10.0,
    switch_inside=0.05,
    switch_between=0.5,
    collector=0.9,
    other=0.1,
    two_voices=0.6,
)
OURS, THEIRS, NOBODYS = 9_000, -9_000, 300
"""Levels of the samples of a second in which the collector, the other side or both speak."""


def voice(place: int) -> Vector:
    """One of several voices that have nothing in common."""
    vector: Vector = np.eye(WIDTH, dtype=np.float32)[place]
    return vector


VOICE = Voiceprint(model=1, seconds=60.0, vector=voice(0))


class LevelEncoder:
    """Hears the voice from the level: a `VoiceEncoder`; a low level is as near to the one voice as to the other."""

    version = 1
    calibration = CALIBRATION

    def embed(self, samples: Samples) -> Vector:
        level = float(samples.mean())
        if abs(level) < 1_000:
            return np.asarray((voice(0) + voice(1) * np.sqrt(3.0)) / 2, dtype=np.float32)
        return voice(0) if level > 0 else voice(1)


@dataclass(slots=True)
class VoicedReader(ScriptReader):
    """A mono recording: `levels` says with which level each second is spoken."""

    levels: Mapping[int, int] | None = None

    def blocks(self) -> Iterator[Channels]:
        levels = self.levels or {}
        for second in range(self.seconds):
            level = levels.get(second, OURS) if second in self.scripts[0] else 0
            yield np.full((1, SAMPLE_RATE), level, dtype=np.int16)
