"""What the classifier's logits mean, and from where on they count, from templates that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from models.text.corpus import Sample

from compline_edge.core.text_calibration import CategoryCalibration, OperatingPoints
from compline_edge.core.text_features import CATEGORIES
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.senses.packs import load_packs
from compline_shared.taxonomy import Role

FALSE_ALARMS = {"review": 0.05, "whisper": 0.02, "alarm": 0.005}
"""Share of the lawful sentences of collectors, most of them hard, that may reach each point."""
MODELS = Path(__file__).parents[1]

_RIDGE = 1e-2
_STEPS = 50
_NO_STEP = 1e-9

Floats = npt.NDArray[np.float64]


def matched(samples: Sequence[Sample]) -> Floats:
    """How surely the lexicon finds each category, 0..1 [samples, CATEGORIES]."""
    matcher = TextMatcher(load_packs(MODELS, "zh-CN").sound())
    found = np.zeros((len(samples), len(CATEGORIES)))
    for row, sample in enumerate(samples):
        for noticed in matcher.find(sample.text, sample.role):
            if noticed.category in CATEGORIES:
                place = CATEGORIES.index(noticed.category)
                found[row, place] = max(found[row, place], noticed.confidence / 100)
    return found


def fitted(logits: Floats, found: Floats, samples: Sequence[Sample]) -> dict[str, CategoryCalibration]:
    """Fit each category, and set the points where so many lawful sentences reach one of any category."""
    wanted = np.array([sample.targets[: len(CATEGORIES)] for sample in samples])
    lines = [_fit(logits[:, place], found[:, place], wanted[:, place]) for place in range(len(CATEGORIES))]
    alone = np.array([slope for slope, _, _ in lines]) * logits + np.array([bias for _, bias, _ in lines])
    collectors = np.array([sample.role is Role.COLLECTOR for sample in samples])
    points = operating_points(1 / (1 + np.exp(-alone[collectors & (wanted.sum(1) == 0)])))
    return {
        category.code: CategoryCalibration(
            slope=round(slope, 4), bias=round(bias, 4), matched=round(weight, 4), points=points
        )
        for category, (slope, bias, weight) in zip(CATEGORIES, lines, strict=True)
    }


def operating_points(lawful: Floats) -> OperatingPoints:
    """Set the points by what lawful sentences of collectors are told [sentences, CATEGORIES].

    So many of them reach one in any category (`FALSE_ALARMS`). All categories have the same: one of its own for each
    finds no more on sentences that it was not set by, and alarms more often.
    """
    highest = lawful.max(1)
    return OperatingPoints(
        **{name: round(float(np.quantile(highest, 1 - share)), 3) for name, share in FALSE_ALARMS.items()}
    )


def newton(columns: Floats, wanted: Floats, *, near: Floats | None = None, ridge: float = _RIDGE) -> Floats:
    """Logistic regression of [rows] on columns [rows, n] by Newton's steps; a ridge holds it to `near`, or to 0.

    A step that goes too far is halved.
    """
    centre = np.zeros(columns.shape[1]) if near is None else near
    held = ridge * np.eye(columns.shape[1])
    signs = 1 - 2 * wanted

    def loss(weights: Floats) -> float:
        away = weights - centre
        return float(np.logaddexp(0, signs * (columns @ weights)).sum() + away @ held @ away / 2)

    weights, reached = centre, loss(centre)
    for _ in range(_STEPS):
        told = np.exp(-np.logaddexp(0, -columns @ weights))
        slope = columns.T @ (told - wanted) + held @ (weights - centre)
        curve = (columns * (told * (1 - told))[:, None]).T @ columns + held
        step = np.linalg.solve(curve, slope)
        while reached < loss(weights - step) and np.abs(step).max() > _NO_STEP:
            step = step / 2
        weights, reached = weights - step, loss(weights - step)
    return weights


def _fit(logit: Floats, found: Floats, wanted: Floats) -> tuple[float, float, float]:
    """Slope, bias and weight of the lexicon, with a little ridge; the weight is never negative."""
    weights = newton(np.stack([logit, np.ones_like(logit), found], 1), wanted)
    if weights[2] < 0:
        weights = np.append(newton(np.stack([logit, np.ones_like(logit)], 1), wanted), 0.0)
    return float(weights[0]), float(weights[1]), float(weights[2])
