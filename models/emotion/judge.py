"""Tells feelings from a voice by linear discriminants: what a few speakers teach without being learnt by heart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compline_edge.core.voice_traits import TRAITS

LARGEST = 4.0
"""Standard deviations beyond which a number counts as this far out."""
WHOLE, MEASURED, LISTENED = slice(None), slice(0, TRAITS), slice(TRAITS, None)
"""Parts of a voice's description that a discriminant may be learnt from."""
_FLOOR = 1e-6

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a judge is learnt: a discriminant of each part, their logits added."""

    shrinkage: float  # 0..1
    parts: tuple[slice, ...]


MANNERS = tuple(
    Manner(shrinkage, parts)
    for shrinkage in (0.03, 0.1, 0.3, 0.6)
    for parts in ((WHOLE,), (MEASURED, LISTENED), (WHOLE, MEASURED, LISTENED), (LISTENED,))
)
"""What is chosen from, on training speakers alone."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Logits = clip((voice - centre) * scale) @ weight + bias."""

    centre: Floats  # [width]
    scale: Floats  # [width]
    weight: Floats  # [width, feelings]
    bias: Floats  # [feelings]

    def logits(self, voices: Floats) -> Floats:
        """Return [n, feelings] of voices [n, width]."""
        held = np.clip((voices - self.centre) * self.scale, -LARGEST, LARGEST)
        return np.asarray(held @ self.weight + self.bias)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What discriminants of one set of voices rest on, whatever the manner."""

    centre: Floats
    scale: Floats
    means: Floats  # [feelings, width]
    covariance: Floats  # [width, width], within feelings


def lesson(voices: Floats, feelings: npt.NDArray[np.int64]) -> Lesson:
    """Return means and covariance within feelings of voices [n, width], each number in its own deviations."""
    centre, spread = voices.mean(axis=0), voices.std(axis=0)
    scale = np.where(spread > _FLOOR, 1.0 / np.maximum(spread, _FLOOR), 0.0)
    held = np.clip((voices - centre) * scale, -LARGEST, LARGEST)
    means = np.stack([held[feelings == each].mean(axis=0) for each in range(int(feelings.max()) + 1)])
    rest = held - means[feelings]
    return Lesson(centre, scale, means, rest.T @ rest / len(rest))


def learn(learnt: Lesson, manner: Manner) -> Judge:
    """Fit linear discriminants with equal priors, the covariance shrunk towards its mean variance.

    Source: Friedman 1989, "Regularized discriminant analysis".
    """
    weight, bias = np.zeros_like(learnt.means.T), np.zeros(len(learnt.means))
    for part in manner.parts:
        means, covariance = learnt.means[:, part], learnt.covariance[part, part]
        variance = float(np.trace(covariance)) / len(covariance)
        shrunk = (1 - manner.shrinkage) * covariance + manner.shrinkage * variance * np.eye(len(covariance))
        own = np.linalg.solve(shrunk, means.T)
        weight[part] += own
        bias -= 0.5 * np.einsum("cw,wc->c", means, own)
    return Judge(learnt.centre, learnt.scale, weight, bias)


def likelihoods(logits: Floats) -> Floats:
    """Return logarithms of probabilities, [n, feelings]."""
    high = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(high - np.log(np.exp(high).sum(axis=1, keepdims=True)))


def sorted_out(manners: Sequence[Manner], scores: Sequence[float]) -> Manner:
    """Return the manner with the best score, the first of equals."""
    return manners[int(np.argmax(scores))]
