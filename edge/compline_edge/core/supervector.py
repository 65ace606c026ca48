"""A voice as what it does to a universal background model: adapted means, projected to where speakers differ most.

Sources: Reynolds et al. 2000 (adapted Gaussian mixtures); Campbell et al. 2006 (their means as one vector).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from compline_edge.core.voiceprint import Vector

CEPSTRA: Final = 19
WIDTH: Final = 2 * CEPSTRA
RELEVANCE: Final = 8.0
"""Frames of a component after which a voice counts there as much as the background."""

Floats = npt.NDArray[np.float32]


def cepstra(features: Floats) -> Floats:
    """Return cepstra 1 to 19 and their deltas over 5 frames, [frames, 38], of log-mel features [frames, bins].

    Their mean stays: it tells much of a voice, and what it tells of the line the projection leaves out.
    """
    bins = features.shape[1]
    angle = np.pi / bins * (np.arange(bins)[:, None] + 0.5) * np.arange(1, CEPSTRA + 1)[None]
    still = features @ np.cos(angle).astype(np.float32)
    near = np.pad(still, ((2, 2), (0, 0)), mode="edge")
    moving = (2 * (near[4:] - near[:-4]) + near[3:-1] - near[1:-3]) / 10
    return np.asarray(np.concatenate([still, moving], axis=1), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Background:
    """Diagonal Gaussians of what anybody says."""

    weights: Floats  # [components], sum 1
    means: Floats  # [components, 38]
    variances: Floats  # [components, 38]

    def log_densities(self, frames: Floats) -> Floats:
        """Return log-densities [frames, components], the weights in them."""
        inverse = 1 / self.variances
        constant = np.log(self.weights) - 0.5 * (
            np.log(2 * np.pi * self.variances).sum(axis=1) + (self.means**2 * inverse).sum(axis=1)
        )
        quadratic = frames @ (self.means * inverse).T - 0.5 * (frames**2) @ inverse.T
        return np.asarray(constant + quadratic, dtype=np.float32)

    def shares(self, frames: Floats) -> Floats:
        """Return how far each frame is each component's, [frames, components]."""
        likely = self.log_densities(frames)
        raised = np.exp(likely - likely.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)

    def supervector(self, frames: Floats) -> Floats:
        """Return how far the means move towards a voice, in deviations, [components * 38]."""
        shares = self.shares(frames)
        count = shares.sum(axis=0)[:, None]
        moved = (shares.T @ frames - count * self.means) / (count + RELEVANCE)
        scaled = np.sqrt(self.weights)[:, None] * moved / np.sqrt(self.variances)
        return np.asarray(scaled.reshape(-1), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class VoiceSpace:
    """Where voices differ from one another more than one differs from itself."""

    background: Background
    middle: Floats  # [components * 38], the mean voice
    projection: Floats  # [components * 38, width]

    def place(self, features: Floats) -> Vector:
        """Return the voice in log-mel features [frames, bins], a vector of length 1."""
        found = (self.background.supervector(cepstra(features)) - self.middle) @ self.projection
        return np.asarray(found / max(1e-9, float(np.linalg.norm(found))), dtype=np.float32)
