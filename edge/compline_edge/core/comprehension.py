"""How well the recogniser follows speech, told by its own posteriors: whether it is Mandarin that can be understood."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from compline_edge.core.ctc_decoding import BLANK
from compline_edge.core.points_file import read_points
from compline_edge.core.speech import SAMPLE_RATE, Heard, SpeechBlock
from compline_shared.errors import ComplineError

PASSAGE_S: Final = 8.0
"""Seconds of speech that are judged together, at least."""
ENOUGH_TO_TELL: Final = 5.0
"""Seconds of speech below which nothing is said of how well it was understood."""
FACTS: Final = ("rate", "clarity", "sure", "unsure", "entropy", "wavering", "spoken", "foreign")
"""Of the tokens along the best path, before a language model reads them: syllables a second · mean confidence · shares
above 0.8 and below 0.3 · then mean entropy over syllables where no blank is likelier (nats) · share of steps whose
blank lies between 0.1 and 0.9 · share of steps that are not blank · share of tokens that are no Chinese character."""

MAX_BYTES: Final = 100_000
_SURE, _UNSURE = 0.8, 0.3
_WAVERS: Final = (0.1, 0.9)


class BadDoubt(ComplineError):
    """What was measured of the recogniser's doubt cannot be used; restore models/doubt or run its calibrate.py."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """A logistic regression on the facts of a passage; above 0 it is rather so than not."""

    bias: float
    weights: dict[str, float]  # by fact

    def log_odds(self, facts: Sequence[float]) -> float:
        """Natural-log odds for the facts in the order of `FACTS`."""
        return self.bias + sum(
            self.weights.get(name, 0.0) * fact for name, fact in zip(FACTS, facts, strict=True)
        )


class DoubtPoints(msgspec.Struct, frozen=True, kw_only=True):
    """models/doubt/points.json: measured on development speech for one recogniser."""

    model: str  # name of the recogniser whose posteriors were measured
    weights: str  # SHA-256 of its weights then, in hexadecimal digits
    followed: Scale  # Mandarin that it follows, against everything else
    clear: float  # mean token confidence below which it has not followed, whatever else
    another_language: Scale  # speech in another language, against Mandarin that is too poor


@dataclass(frozen=True, slots=True)
class Passage:
    """Some seconds of speech, and how the recogniser fared with them."""

    stretches: tuple[tuple[float, float], ...]  # s, of speech
    speech: float  # s
    tokens: int
    clarity: float  # mean token confidence, 0..1
    facts: tuple[float, ...] | None  # in the order of FACTS; None: a recogniser without posteriors


class Following:
    """Collects passages of one channel, in order; a few numbers for each stretch of speech are kept."""

    def __init__(self) -> None:
        self._closed: list[Passage] = []
        self._open = _Sums()
        self._running: Passage | None = (
            None  # as it was when a stretch of speech last ended: tokens come only then
        )

    def feed(self, block: SpeechBlock, heard: Heard) -> None:
        """Take speech with what was heard in it."""
        self._open.take(block, heard)
        if not block.ends:
            return
        self._running = self._open.passage()
        if self._open.speech >= PASSAGE_S:
            self._closed.append(self._running)
            self._open, self._running = _Sums(), None

    def finish(self, heard: Heard) -> None:
        """Take what the end of the call brings."""
        if self._open.speech:
            self._open.hear(heard)
            self._running = self._open.passage()

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The passages so far, the running one last."""
        return (*self._closed, *((self._running,) if self._running else ()))


def parse_doubt(content: bytes) -> DoubtPoints:
    """Read points.json.

    Raises:
        BadDoubt: it is too large, broken, or names a fact that does not exist.
    """
    found = read_points(
        content, DoubtPoints, most=MAX_BYTES, file="points.json", restore="models/doubt", refusal=BadDoubt
    )
    for scale in (found.followed, found.another_language):
        unknown = next((name for name in scale.weights if name not in FACTS), None)
        if unknown is not None:
            raise BadDoubt(f'points.json names "{unknown}", which is no fact; restore models/doubt.')
        if not all(math.isfinite(number) for number in (scale.bias, *scale.weights.values())):
            raise BadDoubt("points.json holds a number that is not finite; restore models/doubt.")
    if not 0 <= found.clear <= 1:
        raise BadDoubt("points.json: clear is a confidence of 0 to 1; restore models/doubt.")
    return found


class _Sums:
    """The passage that is being collected."""

    def __init__(self) -> None:
        self.speech = 0.0  # s
        self._stretches: list[tuple[float, float]] = []
        self._steps = self._wavering = self._spoken = 0
        self._entropy = 0.0
        self._tokens = self._syllables = self._sure = self._unsure = 0
        self._confidence = 0.0

    def take(self, block: SpeechBlock, heard: Heard) -> None:
        seconds = len(block.samples) / SAMPLE_RATE
        self.speech += seconds
        end = block.start + seconds
        if self._stretches and block.start - self._stretches[-1][1] < 0.05:
            self._stretches[-1] = (self._stretches[-1][0], end)
        else:
            self._stretches.append((block.start, end))
        self.hear(heard)

    def hear(self, heard: Heard) -> None:
        for piece in heard.posteriors:
            blank = np.exp(piece.log_probs[:, BLANK])
            rows = piece.log_probs[blank < 0.5, 1:]
            self._steps += blank.size
            self._wavering += int(np.count_nonzero((blank > _WAVERS[0]) & (blank < _WAVERS[1])))
            self._spoken += len(rows)
            self._entropy -= float((np.exp(rows) * rows).sum())
        read = (token for utterance in heard.utterances for token in utterance.tokens)
        for token in heard.greedy if heard.posteriors else read:
            self._tokens += 1
            self._syllables += bool(token.syllable)
            self._confidence += token.confidence
            self._sure += token.confidence > _SURE
            self._unsure += token.confidence < _UNSURE

    def passage(self) -> Passage:
        tokens = max(1, self._tokens)
        clarity = self._confidence / tokens
        facts = (
            self._syllables / self.speech if self.speech else 0.0,
            clarity,
            self._sure / tokens,
            self._unsure / tokens,
            self._entropy / max(1, self._spoken),
            self._wavering / max(1, self._steps),
            self._spoken / max(1, self._steps),
            1 - self._syllables / tokens,
        )
        told = facts if self._steps else None
        return Passage(tuple(self._stretches), self.speech, self._tokens, clarity, told)
