"""How likely a sighting is right by its margin and by how far the recogniser's reading of its place is from it.

Right sightings are those of random phrases in sentences that hold them, wrong ones the lexicon's own and random phrases
of other sentences; both are taken `LOOSER` than the operating point, so that there are enough of them to learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import numpy.typing as npt

from compline_edge.core.confirmation import apart, read_between
from compline_edge.core.speech import Posteriors, Utterance
from compline_edge.core.spotter import Spotted, Spotter
from compline_edge.core.spotter_thresholds import Confirmation, Thresholds
from compline_edge.senses.features import CENTRE, STEP
from compline_shared.lexicon import Entry
from compline_shared.template import Choice, Template

LOOSER = 9.0
"""Nats below the operating point at which sightings are still looked at."""
RIDGE = 1.0
"""Weight of the prior that nothing tells anything; there are few false sightings."""

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Read:
    """One recording: what was said, what the model makes of it, and how it was read."""

    text: str
    log_probs: npt.NDArray[np.float32]  # [steps, syllables]
    utterances: tuple[Utterance, ...]


@dataclass(frozen=True, slots=True)
class Sighted:
    """One sighting as the confidence sees it."""

    margin: float  # nats, against the operating point
    distance: float
    right: bool


def sightings(
    read: Sequence[Read],
    entries: Sequence[Entry],
    thresholds: Thresholds,
    *,
    right: Callable[[Spotted, str], bool],
) -> Iterator[Sighted]:
    """Spot entries in recordings, looser than the thresholds say."""
    loose = msgspec.structs.replace(thresholds, base=thresholds.base + LOOSER, entries={})
    spotter = Spotter(entries, loose)
    for one in read:
        stream = spotter.open()
        fed = stream.feed(Posteriors(CENTRE, STEP, one.log_probs, ends=True))
        for found in (*fed, *stream.finish()):
            distance = apart(found.said, read_between(one.utterances, since=found.start, until=found.end))
            yield Sighted(found.score - LOOSER, distance, right(found, one.text))


def phrase_entries(phrases: Sequence[str], like: Entry) -> list[Entry]:
    """Entries of single phrases, numbered from 1, without negative contexts."""
    bare = replace(like, excluded=(), excluded_after=())
    return [
        replace(bare, id=number, template=Template((Choice((phrase,)),)))
        for number, phrase in enumerate(phrases, start=1)
    ]


def fit(found: Sequence[Sighted], weights: Reals) -> Confirmation:
    """Logistic regression by Newton's method, each sighting with its weight."""
    table = np.array([[1.0, one.margin, one.distance] for one in found])
    truth = np.array([float(one.right) for one in found])
    ridge = RIDGE * np.diag([0.0, 1.0, 1.0])
    found_weights = np.zeros(3)
    for _ in range(60):
        chance = 1.0 / (1.0 + np.exp(-np.clip(table @ found_weights, -30, 30)))
        slope = table.T @ (weights * (truth - chance)) - ridge @ found_weights
        bend = (table * (weights * chance * (1.0 - chance))[:, None]).T @ table + ridge + 1e-9 * np.eye(3)
        found_weights = found_weights + np.linalg.solve(bend, slope)
    bias, margin, distance = (round(float(one), 3) for one in found_weights)
    return Confirmation(bias=bias, margin=margin, distance=distance)


def probability(confirmation: Confirmation, one: Sighted) -> float:
    """What a confirmation says of a sighting."""
    odds = confirmation.bias + confirmation.margin * one.margin + confirmation.distance * one.distance
    return float(1.0 / (1.0 + np.exp(-np.clip(odds, -30, 30))))
