"""Calls by script for tests: what reads, hears, transcribes and judges voices, each as its port promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import numpy as np
import numpy.typing as npt

from compline_edge.core.emotions import FEELINGS
from compline_edge.core.speech import SAMPLE_RATE, Channels, Heard, Samples, SpeechBlock, Token, Utterance
from compline_edge.core.syllables import SYLLABLES, reading
from compline_edge.ports import AudioInfo, TranscriberStream
from compline_shared.rule import Feeling
from compline_shared.taxonomy import Abstention, Role

Script = Mapping[int, str]
"""What is said in which second; a second without words is silent."""
Floats = npt.NDArray[np.float32]
LEVEL = 8_000  # of the samples of a second with words


@dataclass(slots=True)
class ScriptReader:
    """A recording with one channel a script, which may end before what its container states."""

    scripts: Sequence[Script]
    seconds: int
    stated: float | None = None
    broken: Abstention | None = None
    sample_rate: int = SAMPLE_RATE  # Hz, as recorded

    @property
    def info(self) -> AudioInfo:
        stated = self.seconds if self.stated is None else self.stated
        return AudioInfo("wav", "pcm_s16le", self.sample_rate, len(self.scripts), float(stated))

    @property
    def defect(self) -> Abstention | None:
        return self.broken

    def blocks(self) -> Iterator[Channels]:
        for second in range(self.seconds):
            levels = [[LEVEL if second in script else 0] for script in self.scripts]
            yield np.repeat(np.array(levels, dtype=np.int16), SAMPLE_RATE, axis=1)

    def __enter__(self) -> ScriptReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class SoundIsSpeech:
    """Voice activity that takes every block with any sound in it for one stretch of speech."""

    def __init__(self) -> None:
        self._samples = 0

    def feed(self, samples: Samples) -> Sequence[SpeechBlock]:
        start = self._samples / SAMPLE_RATE
        self._samples += len(samples)
        return [SpeechBlock(start, samples, ends=True)] if samples.any() else []

    def finish(self) -> Sequence[SpeechBlock]:
        return []


@dataclass(frozen=True, slots=True)
class ScriptTranscriber:
    """Hears in each second what the script of the role says, every character with the same confidence."""

    scripts: Mapping[Role, Script]
    confidence: float = 0.9
    version: int = 1
    language: str = "zh-CN"

    def open(self, role: Role) -> TranscriberStream:
        return ScriptStream(role, self.scripts[role], self.confidence)


@dataclass(frozen=True, slots=True)
class ScriptStream:
    role: Role
    script: Script
    confidence: float

    def feed(self, block: SpeechBlock) -> Heard:
        text, length = self.script[round(block.start)], len(block.samples) / SAMPLE_RATE
        if not text:
            return Heard()
        step = length / len(text)
        tokens = tuple(
            Token(
                char,
                SYLLABLES[reading(char)],
                block.start + place * step,
                block.start + (place + 1) * step,
                self.confidence,
            )
            for place, char in enumerate(text)
        )
        end = block.start + length
        return Heard(utterances=(Utterance(text, self.role, block.start, end, self.confidence, tokens),))

    def finish(self) -> Heard:
        return Heard()


@dataclass(slots=True)
class ByLoudness:
    """A voice model that takes loud for angry, and silence for no voice."""

    version: int = 1
    lengths: list[int] = field(default_factory=list)  # samples of each piece that it was to describe

    def describe(self, samples: Samples) -> Floats | None:
        self.lengths.append(len(samples))
        loud = float(np.abs(samples.astype(np.int32)).mean())
        return np.array([loud], dtype=np.float32) if loud else None

    def judge(self, voices: Floats, baseline: Floats | None) -> Floats:
        over = voices[:, 0] - (5_000 if baseline is None else baseline[0] + 2_000)
        logits = np.full((len(voices), len(FEELINGS)), -100.0, np.float32)
        logits[:, FEELINGS.index(Feeling.ANGRY)], logits[:, FEELINGS.index(Feeling.NEUTRAL)] = (
            over / 500,
            -over / 500,
        )
        return logits
