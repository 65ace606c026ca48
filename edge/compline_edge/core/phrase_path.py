"""Follows the best path of one entry through a short stretch: which characters, when, and what each lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compline_edge.core.phrase_lattice import ANY, START, Lattice
from compline_edge.core.phrase_scorer import FRACTION, NEVER, Emissions, Scores, scores


@dataclass(frozen=True, slots=True)
class Passed:
    """One character of a path."""

    character: str  # "" for any syllable, in a gap
    first: int  # step of the emissions given
    last: int
    lost: float  # nats, 0 or more, on the character's own steps and on those until the next


@dataclass(frozen=True, slots=True)
class Path:
    """The best path that ends on the last step; its characters in order of time."""

    margin: float  # nats
    passed: tuple[Passed, ...]


@dataclass(frozen=True, slots=True)
class _Trellis:
    """What the scorer forgets: every node's scores on every step, node 1 first."""

    steps: npt.NDArray[np.intp]  # which of the emissions
    waiting: Scores  # [steps, nodes - 1], on the node's syllable
    between: Scores  # on the blank after it
    entered: Scores  # as it was entered
    start: int  # where every phrase begins


def best_path(
    lattice: Lattice, emissions: Emissions, *, base: float, allowances: npt.NDArray[np.floating], gap: float
) -> Path | None:
    """Follow the lattice's first target; None where no path ends on the last step.

    Emissions, base, allowances and gap are those of the `PhraseScorer` that found the match.
    """
    labels = np.where(lattice.labels == ANY, len(lattice.characters), lattice.labels)[1:]
    start = int(scores(np.array([base]))[0])
    trellis = _run(lattice, emissions, labels, start, scores(np.append(allowances, -gap))[labels])
    finals = lattice.final_nodes - 1
    last = len(trellis.steps) - 1
    if last < 0 or not len(finals):
        return None
    node = int(finals[trellis.waiting[last, finals].argmax()])
    margin = int(trellis.waiting[last, node])
    if margin <= NEVER // 2:
        return None
    return Path(margin / FRACTION, _back(lattice, emissions, labels, trellis, node))


def _run(
    lattice: Lattice, emissions: Emissions, labels: npt.NDArray[np.intp], start: int, allowed: Scores
) -> _Trellis:
    quiet = emissions.quiet
    steps = np.flatnonzero(~(quiet & np.concatenate([[False], quiet[:-1]])))
    if len(quiet) and (not len(steps) or steps[-1] != len(quiet) - 1):
        steps = np.append(steps, len(quiet) - 1)
    shape = (len(steps), lattice.nodes - 1)
    waiting, between, entered = (np.full(shape, NEVER, dtype=np.int32) for _ in range(3))
    before = np.full(shape[1], NEVER, dtype=np.int32), np.full(shape[1], NEVER, dtype=np.int32)
    for row, step in enumerate(steps.tolist()):
        places = _places(lattice, *before, start)
        entered[row] = np.maximum(places[lattice.entered_from] + allowed, NEVER)
        between[row] = np.maximum(np.maximum(*before) + emissions.blank[step], NEVER)
        waiting[row] = np.maximum(np.maximum(before[0], entered[row]) + emissions.labels[step][labels], NEVER)
        before = waiting[row], between[row]
    return _Trellis(steps, waiting, between, entered, start)


def _places(lattice: Lattice, waiting: Scores, between: Scores, start: int) -> Scores:
    """The scores of all places that nodes are entered from, as `Lattice` numbers them."""
    nodes = np.concatenate([[start], np.maximum(waiting, between), [NEVER], between]).astype(np.int32)
    if not len(lattice.junction_first):
        return nodes
    return np.concatenate(
        [nodes, np.maximum.reduceat(nodes[lattice.junction_places], lattice.junction_first)]
    )


def _back(
    lattice: Lattice, emissions: Emissions, labels: npt.NDArray[np.intp], trellis: _Trellis, node: int
) -> tuple[Passed, ...]:
    passed: list[Passed] = []
    row, silent = len(trellis.steps) - 1, False
    last, lost = row, 0
    while True:
        step = int(trellis.steps[row])
        if silent:
            lost -= int(emissions.blank[step])
            silent = row > 0 and bool(trellis.between[row - 1, node] > trellis.waiting[row - 1, node])
            last = row - 1
        else:
            lost -= int(emissions.labels[step][labels[node]])
            stayed = row > 0 and bool(trellis.waiting[row - 1, node] >= trellis.entered[row, node])
            if not stayed:
                passed.append(_passed(lattice, labels[node], trellis.steps[row], trellis.steps[last], lost))
                before = _before(lattice, trellis, node, row)
                if before is None:
                    return tuple(reversed(passed))
                node, silent = before
                last, lost = row - 1, 0
        row -= 1


def _passed(lattice: Lattice, label: int, first: int, last: int, lost: int) -> Passed:
    character = lattice.characters[label] if label < len(lattice.characters) else ""
    return Passed(character, int(first), int(last), lost / FRACTION)


def _before(lattice: Lattice, trellis: _Trellis, node: int, row: int) -> tuple[int, bool] | None:
    """The node that led into `node` on a row and whether blank stood between; None where the phrase begins."""
    place, nodes = int(lattice.entered_from[node]), lattice.nodes
    arms = [place]
    if place >= 2 * nodes:
        junction = place - 2 * nodes
        ends = np.append(lattice.junction_first, len(lattice.junction_places))
        arms = lattice.junction_places[ends[junction] : ends[junction + 1]].tolist()
    if not row:
        return None
    waiting, between = trellis.waiting[row - 1], trellis.between[row - 1]
    values = _places(lattice, waiting, between, trellis.start)
    best = max(arms, key=lambda arm: int(values[arm]))
    if best == START:
        return None
    if best > nodes:
        return best - nodes - 1, True
    return best - 1, bool(between[best - 1] > waiting[best - 1])
