"""Listens to recordings of the collector for his voiceprint; nothing of it is kept here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from compline_edge.core.loudness import CLIPPED
from compline_edge.core.speaker_roles import Window
from compline_edge.core.speech import SAMPLE_RATE, Samples, SpeechBlock
from compline_edge.core.voice_enrolment import MOST, Refused, Spoken, enrolled
from compline_edge.core.voiceprint import Voiceprint
from compline_edge.mixed_hearing import windows_of
from compline_edge.ports import VoiceEncoder
from compline_edge.senses.recording import open_recording
from compline_edge.senses.voice_activity import WebrtcVoiceActivity

LIMIT_S = 3_600.0
"""Seconds of one recording that are listened to."""
_FRAME = SAMPLE_RATE * 3 // 100


def enrol(paths: Sequence[Path], encoder: VoiceEncoder, *, collector_channel: int) -> Voiceprint | Refused:
    """Make a voiceprint of what is said in recordings, of a stereo one in the collector's channel.

    Raises:
        RecordingError: one of them cannot be read.
    """
    heard = _Enrolment(encoder)
    for path in paths:
        with open_recording(path, limit_s=LIMIT_S) as recording:
            one = _Recorded()
            for block in recording.blocks():
                one.take(block[collector_channel if len(block) > 1 else 0])
                if heard.seconds + one.speech >= MOST:
                    break
        heard.add(one)
    spoken = Spoken(heard.windows, heard.dynamic, heard.clipped)
    return enrolled(spoken, model=encoder.version, calibration=encoder.calibration)


@dataclass(slots=True)
class _Recorded:
    """One recording so far: stretches of speech, and how loud and how clean it is."""

    activity: WebrtcVoiceActivity = field(default_factory=WebrtcVoiceActivity)
    stretches: list[tuple[float, list[Samples]]] = field(default_factory=list)
    levels: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = field(default_factory=list)
    clipped: int = 0
    samples: int = 0
    ended: bool = True

    @property
    def speech(self) -> float:
        return sum(len(part) for _, parts in self.stretches for part in parts) / SAMPLE_RATE

    def take(self, samples: Samples) -> None:
        self.clipped += int((np.abs(samples.astype(np.int32)) >= CLIPPED).sum())
        self.samples += len(samples)
        frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
        self.levels.append(10 * np.log10((frames**2).mean(axis=1) + 1.0))
        self._keep(self.activity.feed(samples))

    def close(self) -> None:
        self._keep(self.activity.finish())

    def _keep(self, blocks: Sequence[SpeechBlock]) -> None:
        for block in blocks:
            if self.ended:
                self.stretches.append((block.start, []))
            self.stretches[-1][1].append(block.samples)
            self.ended = block.ends


@dataclass(slots=True)
class _Enrolment:
    """All recordings together, the worst of them telling how good they are."""

    encoder: VoiceEncoder
    windows: list[Window] = field(default_factory=list)
    dynamic: float = 99.0  # dB
    clipped: float = 0.0

    @property
    def seconds(self) -> float:
        return sum(window.share for window in self.windows)

    def add(self, one: _Recorded) -> None:
        one.close()
        if not one.stretches:
            return
        levels = np.concatenate(one.levels)
        soft, loud = np.quantile(levels, [0.1, 0.9])
        self.dynamic = min(self.dynamic, float(loud - soft))
        self.clipped = max(self.clipped, one.clipped / max(1, one.samples))
        for start, parts in one.stretches:
            self.windows += windows_of(np.concatenate(parts), start, self.encoder)
