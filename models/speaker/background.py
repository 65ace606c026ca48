"""Fits the background model and the space of voices: what is shipped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from models.speaker.stages import Made
from numpy.typing import NDArray

from compline_edge.core.supervector import Background, VoiceSpace, cepstra

Floats = NDArray[np.float32]

COMPONENTS = 32
ROUNDS = 10
MOST_FRAMES = 80_000
LEAST_VARIANCE = 0.02
FRAMES = (200, 148)
"""Of the clips that are learnt from: 2 s and 1.5 s."""
COLOUR = 0.35
"""Deviation of the colouring of a clip at five places of the band, in the features' unit of 13 dB."""
PRINCIPAL, WIDTH = 150, 60
RIDGE = 0.01


def fit(made: Made, *, seed: int = 0) -> VoiceSpace:
    """Fit on clips over lines, each coloured as another microphone would."""
    chance = np.random.default_rng(seed)
    clips: list[Floats] = []
    whose: list[int] = []
    for number, copies in enumerate(made.copies):
        for copy in copies:
            start = int(chance.integers(0, len(copy) - FRAMES[0] + 1))
            clips.append(cepstra(coloured(copy, chance)[start : start + FRAMES[0]]))
        clips.append(cepstra(copies[0, -FRAMES[1] :].astype(np.float32)))
        whose += [int(made.voices[number])] * (len(copies) + 1)
    background = fitted(clips, chance)
    supervectors = np.stack([background.supervector(clip) for clip in clips])
    return VoiceSpace(background, *discriminant(supervectors, np.array(whose)))


def coloured(clip: NDArray[np.float16], chance: np.random.Generator) -> Floats:
    """Colour features [frames, bins] smoothly over the band."""
    bins = clip.shape[1]
    knots = chance.normal(0.0, COLOUR, 5)
    colour = np.interp(np.arange(bins), np.linspace(0, bins - 1, 5), knots)
    return np.asarray(clip.astype(np.float32) + colour, dtype=np.float32)


def fitted(clips: Sequence[Floats], chance: np.random.Generator) -> Background:
    """Fit the background by expectation and maximisation."""
    frames = np.concatenate(clips)
    frames = frames[chance.permutation(len(frames))[:MOST_FRAMES]]
    means = frames[chance.choice(len(frames), COMPONENTS, replace=False)]
    weights = np.full(COMPONENTS, 1 / COMPONENTS, np.float32)
    found = Background(weights, means, np.ones_like(means) * frames.var(axis=0))
    for _ in range(ROUNDS):
        shares = found.shares(frames)
        count = np.maximum(shares.sum(axis=0), 1e-3)[:, None]
        means = shares.T @ frames / count
        variances = np.maximum(shares.T @ frames**2 / count - means**2, LEAST_VARIANCE)
        found = Background(count[:, 0] / count.sum(), means, variances)
    return found


def discriminant(vectors: Floats, whose: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the mean, and the projection that whitens what one voice varies by (Fisher's discriminant)."""
    middle = vectors.mean(axis=0)
    _, _, principal = np.linalg.svd(vectors - middle, full_matrices=False)
    basis = principal[:PRINCIPAL].T
    inside = (vectors - middle) @ basis
    voices = np.unique(whose)
    means = np.stack([inside[whose == voice].mean(axis=0) for voice in voices])
    spread = inside - means[np.searchsorted(voices, whose)]
    within = spread.T @ spread / len(spread)
    within += RIDGE * np.trace(within) / len(within) * np.eye(len(within), dtype=np.float32)
    white = np.linalg.cholesky(np.linalg.inv(within))
    _, _, apart = np.linalg.svd((means - means.mean(axis=0)) @ white, full_matrices=False)
    return middle, np.asarray(basis @ white @ apart[:WIDTH].T, dtype=np.float32)
