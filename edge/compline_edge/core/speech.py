"""What is heard: blocks of samples, utterances with times, posteriors over syllables."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from compline_shared.taxonomy import Role

SAMPLE_RATE = 16_000
"""Hz of every sample block after decoding."""

Samples = npt.NDArray[np.int16]
"""Mono samples, shape [n], 16 kHz."""

Channels = npt.NDArray[np.int16]
"""Samples of all channels of a recording, shape [channels, n], 16 kHz."""


@dataclass(frozen=True, slots=True)
class SpeechBlock:
    """Consecutive samples of one stretch of speech; `ends` closes the stretch."""

    start: float  # s from the start of the recording
    samples: Samples
    ends: bool


@dataclass(frozen=True, slots=True)
class Token:
    """One recognised unit: a character (Mandarin) or a word."""

    text: str
    syllable: str  # toneless pinyin, "" where the language has none
    start: float  # s
    end: float  # s
    confidence: float  # 0..1


@dataclass(frozen=True, slots=True)
class Utterance:
    """Text with speaker role, start and end."""

    text: str
    role: Role
    start: float  # s
    end: float  # s
    confidence: float  # 0..1, mean over the tokens
    tokens: tuple[Token, ...] = ()
    torn: bool = False  # a part of a sentence whose rest an unknown speaker may have said


@dataclass(frozen=True, slots=True)
class Posteriors:
    """Log-probabilities over the syllable inventory for consecutive steps of one stretch of speech."""

    start: float  # s, time of the first step
    step: float  # s a step
    log_probs: npt.NDArray[np.float32]  # [steps, syllables], column 0 is blank, rows sum to 1 after exp
    ends: bool  # the stretch of speech ends with these


@dataclass(frozen=True, slots=True)
class Heard:
    """What a transcriber says after some samples; any part may be empty."""

    partial: str = ""  # the text of the running utterance so far
    utterances: tuple[Utterance, ...] = field(default=())  # final
    posteriors: tuple[Posteriors, ...] = field(default=())
    greedy: tuple[Token, ...] = field(
        default=()
    )  # along the best path, as no language model has touched them
