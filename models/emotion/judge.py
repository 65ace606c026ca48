"""Tells feelings from a voice by linear discriminants: what a few speakers teach without being learnt by heart."""

from __future__ import annotations

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


SHRINKAGES = (0.03, 0.1, 0.3, 0.6)
PARTS = (WHOLE, MEASURED, LISTENED)
"""A judge is the sum of a discriminant of each part at each shrinkage: two speakers are too few to choose one by."""


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
    """What discriminants of one set of voices rest on, whatever the shrinkage."""

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


def learn(learnt: Lesson) -> Judge:
    """Fit linear discriminants with equal priors, each covariance shrunk towards its mean variance, and add them up.

    Source: Friedman 1989, "Regularized discriminant analysis".
    """
    weight, bias = np.zeros_like(learnt.means.T), np.zeros(len(learnt.means))
    for part in PARTS:
        means, covariance = learnt.means[:, part], learnt.covariance[part, part]
        level = float(np.trace(covariance)) / len(covariance) * np.eye(len(covariance))
        for shrinkage in SHRINKAGES:
            own = np.linalg.solve((1 - shrinkage) * covariance + shrinkage * level, means.T)
            weight[part] += own
            bias -= 0.5 * np.einsum("cw,wc->c", means, own)
    count = len(PARTS) * len(SHRINKAGES)
    return Judge(learnt.centre, learnt.scale, weight / count, bias / count)
