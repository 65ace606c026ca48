"""From per-step token probabilities to symbols with times, along the best path."""

from __future__ import annotations

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
