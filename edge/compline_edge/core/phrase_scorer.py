"""Runs a lattice of phrases over syllable posteriors, all phrases at once, a step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compline_edge.core.phrase_lattice import ANY, START, Lattice
from compline_edge.core.spotter_thresholds import Thresholds

QUIET = 0.995
"""Probability of blank from which a step says nothing; of several such steps in a row one is enough."""

FRACTION = 1024
NEVER = -(1 << 30)
_LEAST = 1e-9

Floats = npt.NDArray[np.float32]
Scores = npt.NDArray[np.int32]
"""Natural logarithms in 1/1024: half the memory traffic of 64 bits, and sums that do not depend on order."""


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase of one target that ends on one step, within what it may lose."""

    target: int
    margin: float  # nats
    step: int  # of the emissions given


@dataclass(frozen=True, slots=True)
class Emissions:
    """What each step costs, against the freest path."""

    labels: Scores  # [steps, labels + 1], the last column is any syllable
    blank: Scores  # [steps]
    quiet: npt.NDArray[np.bool_]  # [steps], nothing but blank is heard


class PhraseScorer:
    """The running state of a lattice on one channel.

    A node is a character: it waits on its syllable, then on blank. Every step may begin a phrase. Scores are the
    path's log-probability less the freest path's, plus what the phrase may lose so far.
    Source: CTC topology as in Graves et al. 2006; keyword less free path as in Weintraub 1995.
    """

    def __init__(
        self, lattice: Lattice, thresholds: Thresholds, *, base: float, allowances: Sequence[float]
    ) -> None:
        """Begin at rest; `allowances` gives nats for each of the lattice's characters, `base` for each phrase."""
        self._lattice = lattice
        self._syllables, self._weights, self._first = _sparse(thresholds.sounds(lattice.characters))
        self._floor = thresholds.floor
        self._silence = thresholds.silence
        self._labels = np.where(lattice.labels == ANY, len(lattice.characters), lattice.labels)[1:]
        self._allowed = scores(np.array([*allowances, -thresholds.gap]))[self._labels]
        self._base = int(scores(np.array([base]))[0])
        nodes = lattice.nodes
        self._waiting = np.full(nodes - 1, NEVER, dtype=np.int32)
        self._between = np.full(nodes - 1, NEVER, dtype=np.int32)
        self._places = np.full(2 * nodes + len(lattice.junction_first), NEVER, dtype=np.int32)
        self._places[START] = self._base
        self._entering = np.empty(nodes - 1, dtype=np.int32)
        self._heard = np.empty(nodes - 1, dtype=np.int32)
        self._quiet = False

    def reset(self) -> None:
        """Forget every path: what comes next is not the same speech."""
        self._waiting.fill(NEVER)
        self._between.fill(NEVER)
        self._quiet = False

    def emissions(self, log_probs: Floats) -> Emissions:
        """Prepare [steps, syllables]."""
        heard = np.exp(log_probs)
        other = np.maximum(0.0, 1.0 - heard.sum(axis=1))  # tokens that are no syllable
        quiet = heard[:, 0] >= QUIET
        heard[:, 0] *= np.exp(-self._silence)
        freest = np.maximum(heard.max(axis=1, initial=_LEAST), other)
        anything = np.maximum(heard[:, 1:].max(axis=1, initial=0.0), other)
        sums = np.add.reduceat(heard[:, self._syllables] * self._weights, self._first, axis=1)
        labels = np.concatenate([sums, anything[:, None]], axis=1)
        costs = np.log(np.maximum(labels, _LEAST) / freest[:, None])
        blank = np.log(np.maximum(heard[:, 0], _LEAST) / freest)
        return Emissions(scores(np.clip(costs, -self._floor, 0.0)), scores(blank), quiet)

    def feed(self, emissions: Emissions) -> list[Match]:
        """Take the next steps; returns every match that ends on one of them, in order of time."""
        best = self._best(emissions)
        return [
            Match(target=target, margin=int(best[step, target]) / FRACTION, step=step)
            for step, target in np.argwhere(best >= 0).tolist()
        ]

    def margins(self, emissions: Emissions) -> Floats:
        """Take the next steps; returns the best margin [targets] of each target on any of them, however low."""
        best = self._best(emissions)
        return np.asarray(best.max(axis=0, initial=NEVER) / FRACTION, dtype=np.float32)

    def _best(self, emissions: Emissions) -> Scores:
        """Best score [steps, targets] of the phrases that end on each step."""
        lattice = self._lattice
        if not len(lattice.final_first) or not len(emissions.blank):
            return np.full((len(emissions.blank), len(lattice.final_first)), NEVER, dtype=np.int32)
        ends = np.full((len(emissions.blank), len(lattice.final_nodes)), NEVER, dtype=np.int32)
        finals = lattice.final_nodes - 1
        np.maximum(self._waiting, NEVER, out=self._waiting)  # so that hours of loss never wrap
        np.maximum(self._between, NEVER, out=self._between)
        for step in np.flatnonzero(self._telling(emissions.quiet)).tolist():
            self._advance(emissions.labels[step], int(emissions.blank[step]))
            np.take(self._waiting, finals, out=ends[step])
        return np.asarray(np.maximum.reduceat(ends, lattice.final_first, axis=1), dtype=np.int32)

    def _telling(self, quiet: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Steps that are not the second or later of a quiet run."""
        before = np.concatenate([[self._quiet], quiet[:-1]])
        self._quiet = bool(quiet[-1])
        return np.asarray(~(quiet & before))

    def _advance(self, labels: Scores, blank: int) -> None:
        lattice, nodes = self._lattice, self._lattice.nodes
        places, waiting, between = self._places, self._waiting, self._between
        np.maximum(waiting, between, out=places[1:nodes])
        places[nodes + 1 : 2 * nodes] = between
        if len(lattice.junction_first):
            arms = places[lattice.junction_places]
            np.maximum.reduceat(arms, lattice.junction_first, out=places[2 * nodes :])
        np.take(places, lattice.entered_from, out=self._entering, mode="clip")
        self._entering += self._allowed
        np.maximum(between, waiting, out=between)
        between += blank
        np.maximum(waiting, self._entering, out=waiting)
        np.take(labels, self._labels, out=self._heard, mode="clip")
        waiting += self._heard


def _sparse(weights: Floats) -> tuple[npt.NDArray[np.intp], Floats, npt.NDArray[np.intp]]:
    """Weights [syllables, characters] as syllables, weights and where each character's begin.

    A character sounds like a handful of syllables; a dense product costs as much and wakes all cores.
    """
    columns = weights.T.copy()
    columns[:, 0] = _LEAST  # blank is no sound, but each character needs one place
    characters, syllables = np.nonzero(columns)
    return syllables, columns[characters, syllables], np.unique(characters, return_index=True)[1]


def scores(nats: npt.NDArray[np.floating]) -> Scores:
    """Round natural logarithms to `FRACTION`."""
    rounded: Scores = np.rint(nats * FRACTION).astype(np.int32)
    return rounded
