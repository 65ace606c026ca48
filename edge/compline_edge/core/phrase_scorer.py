"""Runs a lattice of phrases over syllable posteriors, all phrases at once, a step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compline_edge.core.phrase_lattice import ANY, START, Lattice
from compline_edge.core.spotter_thresholds import Thresholds

QUIET = -0.01
"""Log-probability of blank above which a step says nothing; of several such steps in a row one is enough."""

_TICKS = 100
"""Times are carried in hundredths of a second."""

_TIME_BITS = 22
_TIME_MASK = (1 << _TIME_BITS) - 1
_FRACTION = 1024
_NEVER = -(1 << 60)
_LEAST = 1e-9

Floats = npt.NDArray[np.float32]
Packed = npt.NDArray[np.int64]
"""Scores in 1/1024 nat shifted left by 22 bits, the start in hundredths of a second below: the larger is
the better path."""


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase of one target, ending on one step, within what it may lose."""

    target: int
    margin: float  # nats
    start: float  # s, step of its first syllable
    end: float  # s, step of its last syllable


@dataclass(frozen=True, slots=True)
class Emissions:
    """What each step costs each label, against the freest path; [steps, labels + 1], the last column any
    syllable.
    """

    labels: Packed
    blank: Packed  # [steps]
    times: npt.NDArray[np.int64]  # [steps], hundredths of a second


class PhraseScorer:
    """The running state of a lattice on one channel.

    A node is a character; it waits on its syllable, then on blank. Every step may begin a phrase. Scores
    are the path's log-probability less the freest path's, plus what the phrase may lose so far.
    Source: keyword minus free path, as Weintraub 1995; CTC topology, as Graves et al. 2006.
    """

    def __init__(
        self, lattice: Lattice, thresholds: Thresholds, *, base: float, allowances: Sequence[float]
    ) -> None:
        """Begin at rest; `allowances` gives nats for each of the lattice's characters, `base` for each
        phrase.
        """
        self._lattice = lattice
        self._weights = thresholds.sounds(lattice.characters)
        self._floor = thresholds.floor
        labels = np.where(lattice.labels == ANY, len(lattice.characters), lattice.labels)[1:]
        self._labels = labels
        self._allowed = _pack(np.array([*allowances, -thresholds.gap]))[labels]
        self._base = int(_pack(np.array([base]))[0])
        nodes = lattice.nodes
        self._waiting = np.full(nodes - 1, _NEVER, dtype=np.int64)
        self._between = np.full(nodes - 1, _NEVER, dtype=np.int64)
        self._left = np.full(2 * nodes, _NEVER, dtype=np.int64)  # by syllable or blank, then by blank alone
        self._from = lattice.edge_from + np.where(lattice.edge_again, nodes, 0)
        self._quiet = False

    def reset(self) -> None:
        """Forget every path: what comes next is not the same speech."""
        self._waiting.fill(_NEVER)
        self._between.fill(_NEVER)
        self._quiet = False

    def emissions(self, log_probs: Floats, *, start: float, step: float) -> Emissions:
        """Prepare [steps, syllables] of which the first lies at `start` seconds."""
        heard = np.exp(log_probs)
        other = np.maximum(0.0, 1.0 - heard.sum(axis=1))  # tokens that are no syllable
        freest = np.maximum(heard.max(axis=1), other)
        anything = np.maximum(heard[:, 1:].max(axis=1, initial=0.0), other)
        labels = np.concatenate([heard @ self._weights, anything[:, None]], axis=1)
        costs = np.log(np.maximum(labels, _LEAST) / freest[:, None])
        blank = np.log(np.maximum(heard[:, 0], _LEAST) / freest)
        times = np.rint((start + step * np.arange(len(heard))) * _TICKS).astype(np.int64)
        return Emissions(_pack(np.clip(costs, -self._floor, 0.0)), _pack(blank), times)

    def feed(self, emissions: Emissions) -> list[Match]:
        """Take the next steps; returns every match that ends on one of them, in order of time."""
        if not len(self._lattice.final_first) or not len(emissions.blank):
            return []
        ends = np.full((len(emissions.blank), len(self._lattice.final_nodes)), _NEVER, dtype=np.int64)
        finals = self._lattice.final_nodes - 1
        for step in np.flatnonzero(self._telling(emissions.blank)).tolist():
            self._advance(emissions, step)
            ends[step] = self._waiting[finals]
        best = np.maximum.reduceat(ends, self._lattice.final_first, axis=1)
        return [
            Match(
                target=target,
                margin=(value >> _TIME_BITS) / _FRACTION,
                start=(value & _TIME_MASK) / _TICKS,
                end=int(emissions.times[step]) / _TICKS,
            )
            for step, target in np.argwhere(best >= 0).tolist()
            for value in [int(best[step, target])]
        ]

    def _telling(self, blank: Packed) -> npt.NDArray[np.bool_]:
        """Steps that are not the second or later of a run in which nothing but blank is heard."""
        quiet = blank >= int(_pack(np.array([QUIET]))[0])
        before = np.concatenate([[self._quiet], quiet[:-1]])
        self._quiet = bool(quiet[-1])
        return np.asarray(~(quiet & before))

    def _advance(self, emissions: Emissions, step: int) -> None:
        nodes = self._lattice.nodes
        left, waiting, between = self._left, self._waiting, self._between
        left[START] = self._base + int(emissions.times[step])
        np.maximum(waiting, between, out=left[1:nodes])
        left[nodes + 1 :] = between
        entering = np.maximum.reduceat(left[self._from], self._lattice.edge_first)
        entering += self._allowed
        np.maximum(between, waiting, out=between)
        between += emissions.blank[step]
        np.maximum(waiting, entering, out=waiting)
        waiting += emissions.labels[step][self._labels]


def _pack(nats: npt.NDArray[np.floating]) -> Packed:
    packed: Packed = np.rint(nats * _FRACTION).astype(np.int64) << _TIME_BITS
    return packed
