"""What the classifier's logits mean of text that a recogniser wrote, fitted on text that the shipped one truly wrote.

heard.tsv holds kept-back sentences as they were heard (`hear.py`): number of the sentence, categories, the way it came,
and its utterances. It is small, so that each category is held near to what the simulation of hearing gave for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from models.text.calibrate import matched, newton, operating_points
from models.text.corpus import Sample
from models.text.mishearing import BETWEEN

from compline_edge.core.text_calibration import CategoryCalibration
from compline_edge.core.text_features import CATEGORIES
from compline_edge.reading import pieces
from compline_edge.senses.text_model import TextNetwork
from compline_shared.taxonomy import Role

HEARD = Path(__file__).with_name("heard.tsv")
HOLDS = 8.0
"""How strongly a category is held to what the simulation gave: as a ridge, chosen by sentences left out in turn."""
PARTS = 5
"""Parts that are left out in turn."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recognised:
    """Sentences as a recogniser wrote them, with what the network and the lexicon make of them."""

    sentences: npt.NDArray[np.int64]  # [rows] number of the sentence, one in several ways
    wanted: Floats  # [rows, CATEGORIES], 0 or 1
    logits: Floats  # [rows, CATEGORIES], the largest over the utterances
    found: Floats  # [rows, CATEGORIES], how surely the lexicon finds it, 0..1

    def of(self, rows: npt.NDArray[np.bool_]) -> Recognised:
        """Some of the rows."""
        return Recognised(self.sentences[rows], self.wanted[rows], self.logits[rows], self.found[rows])


@dataclass(frozen=True, slots=True)
class Heard:
    """One sentence as it was heard in one way."""

    sentence: int
    categories: frozenset[str]
    utterances: Sequence[str]


def recognised(network: TextNetwork, path: Path = HEARD) -> Recognised:
    """Read heard.tsv and see what network and lexicon make of it."""
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return seen(
        network,
        [
            Heard(int(number), frozenset(codes.split("+")) - {"none"}, heard.split(BETWEEN))
            for number, codes, _, heard in rows
        ],
    )


def seen(network: TextNetwork, heard: Sequence[Heard]) -> Recognised:
    """What network and lexicon make of sentences; one of which no word was heard is left out."""
    sentences, wanted, logits, ends = list[int](), list[list[float]](), list[Floats](), list[int]()
    said: list[Sample] = []
    for each in heard:
        texts = [text[span.start : span.end] for text in each.utterances if text for span in pieces(text)]
        told = [row for row in (network.run(text, Role.COLLECTOR) for text in texts) if row is not None]
        if not told:
            continue
        sentences.append(each.sentence)
        wanted.append([float(category.code in each.categories) for category in CATEGORIES])
        logits.append(np.max([row[: len(CATEGORIES)] for row in told], axis=0).astype(np.float64))
        said += [Sample(text, Role.COLLECTOR, _UNKNOWN) for text in each.utterances if text]
        ends.append(len(said))
    found = np.array([part.max(0) for part in np.split(matched(said), ends[:-1])])
    return Recognised(np.array(sentences), np.array(wanted), np.array(logits), found)


def refitted(
    heard: Recognised, simulated: Mapping[str, CategoryCalibration]
) -> dict[str, CategoryCalibration]:
    """Fit each category near to what the simulation gave, and set the points by the lawful sentences."""
    lines = []
    for place, category in enumerate(CATEGORIES):
        of = simulated[category.code]
        logit = heard.logits[:, place]
        columns = np.stack([logit, np.ones_like(logit), heard.found[:, place]], 1)
        near = np.array([of.slope, of.bias, of.matched])
        lines.append(newton(columns, heard.wanted[:, place], near=near, ridge=HOLDS))
    slopes, biases, weights = np.array(lines).T
    alone = _logistic(slopes * heard.logits + biases)
    points = operating_points(alone[heard.wanted.sum(1) == 0])
    return {
        category.code: CategoryCalibration(
            slope=round(float(slope), 4),
            bias=round(float(bias), 4),
            matched=round(max(0.0, float(weight)), 4),
            points=points,
        )
        for category, slope, bias, weight in zip(CATEGORIES, slopes, biases, weights, strict=True)
    }


def probabilities(heard: Recognised, calibration: Mapping[str, CategoryCalibration]) -> Floats:
    """[rows, CATEGORIES] with what the lexicon adds."""
    of = [calibration[category.code] for category in CATEGORIES]
    slopes, biases, weights = np.array([[each.slope, each.bias, each.matched] for each in of]).T
    return _logistic(slopes * heard.logits + biases + weights * heard.found)


def left_out(heard: Recognised, simulated: Mapping[str, CategoryCalibration]) -> tuple[Floats, Floats]:
    """Probabilities [rows, CATEGORIES] by the simulation, and refitted without the part that a sentence is in."""
    fresh = np.zeros_like(heard.wanted)
    for part in range(PARTS):
        inside = heard.sentences % PARTS == part
        fresh[inside] = probabilities(heard.of(inside), refitted(heard.of(~inside), simulated))
    return probabilities(heard, simulated), fresh


def brier(told: Floats, wanted: Floats) -> float:
    """Mean square of what was told too much or too little, over all rows and categories."""
    return float(((told - wanted) ** 2).mean())


def recall(told: Floats, wanted: Floats, *, false_alarms: float) -> float:
    """The share of violations told above what so many lawful sentences stay below."""
    lawful = wanted.sum(1) == 0
    bound = np.quantile(told[lawful].max(1), 1 - false_alarms)
    own = np.where(wanted > 0, told, -np.inf).max(1)
    return float((own[~lawful] > bound).mean())


def _logistic(value: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -60, 60))), dtype=np.float64)


_UNKNOWN = np.full(len(CATEGORIES) + 1, np.nan, dtype=np.float32)
