"""From per-step token probabilities to symbols: greedy with times, and a small prefix beam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLANK = 0
"""Index of the blank in every inventory."""

FLOOR = -18.0
"""Lowest log-probability that is kept: below it the model says nothing."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol of the best path."""

    index: int
    first: int  # step
    last: int  # step, inclusive
    confidence: float  # 0..1, the highest probability on its steps


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One reading of a stretch, without blanks and repeats."""

    indices: tuple[int, ...]
    log_prob: float  # natural log, summed over all paths that the beam kept


class GreedyDecoder:
    """Best path of a stream of log-probabilities; a run that the end of a piece cuts goes on in the next."""

    def __init__(self) -> None:
        self._step = 0
        self._running: Symbol | None = None

    @property
    def running(self) -> Symbol | None:
        """The symbol that may still go on."""
        return self._running

    def feed(self, log_probs: Floats) -> list[Symbol]:
        """Take [steps, symbols]; returns the symbols that ended, in order."""
        if not len(log_probs):
            return []
        best = log_probs.argmax(axis=1)
        heights = log_probs[np.arange(len(best)), best]
        starts = np.flatnonzero(np.diff(best, prepend=-1))
        ends = np.append(starts[1:], len(best))
        closed: list[Symbol] = []
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            found = Symbol(
                index=int(best[start]),
                first=self._step + start,
                last=self._step + end - 1,
                confidence=float(np.exp(heights[start:end].max())),
            )
            running = self._running
            if running is not None and running.index == found.index:
                self._running = Symbol(
                    running.index, running.first, found.last, max(running.confidence, found.confidence)
                )
                continue
            closed += self.finish()
            self._running = None if found.index == BLANK else found
        self._step += len(best)
        return closed

    def finish(self) -> list[Symbol]:
        """Close the running symbol."""
        closed = [] if self._running is None else [self._running]
        self._running = None
        return closed


def log_softmax(logits: Floats) -> Floats:
    """Log-probabilities of [steps, symbols] logits of any size."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float32)


def greedy(log_probs: Floats) -> list[Symbol]:
    """Symbols of the best path of a whole stretch, [steps, symbols]."""
    decoder = GreedyDecoder()
    return decoder.feed(log_probs) + decoder.finish()


def beam_characters(
    log_probs: Floats, *, tokens: Sequence[str], width: int = 8, top: int = 6
) -> list[tuple[str, float]]:
    """The likeliest texts of [steps, tokens] log-probabilities, best first, each with its log-probability."""
    return [
        ("".join(tokens[index] for index in found.indices), found.log_prob)
        for found in prefix_beam(log_probs, width=width, top=top)
    ]


def beam_syllables(
    log_probs: Floats, *, inventory: Sequence[str], width: int = 8, top: int = 6
) -> list[tuple[tuple[str, ...], float]]:
    """The likeliest toneless pinyin of [steps, syllables], best first, each with its log-probability.

    Characters that sound alike share their probability here, so this is often right where no single
    character wins.
    """
    return [
        (tuple(inventory[index] for index in found.indices), found.log_prob)
        for found in prefix_beam(log_probs, width=width, top=top)
    ]


def prefix_beam(log_probs: Floats, *, width: int = 8, top: int = 6) -> list[Hypothesis]:
    """Search [steps, symbols] for the likeliest symbol sequences, best first, at most `width`.

    A step looks at its `top` likeliest symbols only. Source: Hannun et al., "First-Pass Large Vocabulary
    Continuous Speech Recognition using Bi-Directional Recurrent DNNs", 2014, without the language model.
    """
    top = min(top, log_probs.shape[1])
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for row in log_probs:
        likely = np.argpartition(-row, top - 1)[:top].tolist()
        grown: dict[tuple[int, ...], tuple[float, float]] = {}
        for prefix, (blank, other) in beam.items():
            whole = float(np.logaddexp(blank, other))
            for symbol in likely:
                here = float(row[symbol])
                if symbol == BLANK:
                    _add(grown, prefix, blank=whole + here)
                    continue
                if prefix and prefix[-1] == symbol:
                    _add(grown, prefix, other=other + here)
                    _add(grown, (*prefix, symbol), other=blank + here)
                    continue
                _add(grown, (*prefix, symbol), other=whole + here)
        possible = [item for item in grown.items() if max(item[1]) > -np.inf]
        beam = dict(sorted(possible, key=lambda item: -float(np.logaddexp(*item[1])))[:width])
    return [Hypothesis(prefix, float(np.logaddexp(*ends))) for prefix, ends in beam.items()]


def _add(
    grown: dict[tuple[int, ...], tuple[float, float]],
    prefix: tuple[int, ...],
    *,
    blank: float = -np.inf,
    other: float = -np.inf,
) -> None:
    had = grown.get(prefix, (-np.inf, -np.inf))
    grown[prefix] = (float(np.logaddexp(had[0], blank)), float(np.logaddexp(had[1], other)))
