"""Fits how levels tell of the noise, on mixtures of known ratio; prints the weights of core/noise_floor.py.

Development material: aishell_s0150 with English and French voice prompts, in white, coloured noise and babble.
Run from the repository: python -m models.doubt.noise
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from models.doubt import material, sounds
from models.doubt.calibrate import LINES
from models.train.telephone import Floats, send
from numpy.typing import NDArray

from compline_edge.core.noise_floor import MOST, NoiseFloor, shape
from compline_edge.core.timbre import HOP, WINDOW, Timbre

NOISES = ("white", "coloured", "babble")
RATIOS = (-3.0, 38.0)
CLIPS = 16
EACH = 6
RIDGE = 1.0
_BLOCK = 20 * HOP

Doubles = NDArray[np.float64]


def main() -> None:
    """Fit on even clips, tell the error on odd ones, then fit on all and print."""
    chance = np.random.default_rng(29)
    sentences = sorted((material.DATA / "aishell_s0150").glob("*.flac"))
    voices = [material.decode(path) for path in sentences[-40:]]
    clips = list(material.clips(sentences[:-40], chance, most=CLIPS))
    for language in material.FOR_CHOOSING:
        clips += material.clips(material.prompts(language), chance, most=CLIPS)
    rows = [
        (number, kind, depths, true)
        for number, clip in enumerate(clips)
        for kind, mixed, true in mixtures(clip, voices, chance)
        if (depths := _depths(mixed)) is not None
    ]
    facts = np.array([shape(depths) for _, _, depths, _ in rows])
    truth = np.array([true for *_, true in rows])
    apart = np.array([number % 2 == 0 for number, *_ in rows])
    weights = _fit(facts[apart], truth[apart])
    error = np.abs(np.clip(_design(facts) @ weights, 0, MOST) - truth)
    for kind in NOISES:
        chosen = ~apart & np.array([row[1] == kind for row in rows])
        print(f"{kind}: mean absolute error {error[chosen].mean():.2f} dB of {chosen.sum()}")
    weights = _fit(facts, truth)
    print("WEIGHTS:", tuple(round(float(w), 3) for w in weights[:-1]), "BIAS:", round(float(weights[-1]), 2))


def mixtures(
    clip: Floats, voices: list[Floats], chance: np.random.Generator, *, each: int = EACH
) -> Iterator[tuple[str, Floats, float]]:
    """Yield kind of noise, a clip in it on a line, and the true ratio in the telephone's band, dB, 0 to `MOST`.

    A recording has a noise of its own, which counts: the quietest tenth of it.
    """
    speech = band_power(clip)
    active = speech[speech > np.quantile(speech, 0.95) / 1_000]
    sounding = np.sort(speech[speech > 1e-9])
    own = float(sounding[: max(1, sounding.size // 10)].mean())
    for kind in NOISES:
        for _ in range(each):
            noise = _noise(kind, clip.size, voices, chance)
            wanted = float(chance.uniform(*RATIOS))
            added = float(band_power(noise).mean())
            gain = float(active.mean()) / added / 10 ** (wanted / 10)
            mixed = np.asarray(clip + noise * np.sqrt(gain), dtype=np.float32)
            true = 10 * np.log10(float(active.mean()) / (added * gain + own))
            loud = mixed / np.abs(mixed).max() * 10 ** (chance.uniform(-15, -1) / 20)
            line = LINES[int(chance.integers(len(LINES)))]
            yield kind, send(loud.astype(np.float32), line), float(np.clip(true, 0, MOST))


def band_power(sound: Floats) -> Floats:
    """Mean square of each 32 ms frame within 300 to 3,400 Hz."""
    timbre = Timbre()
    blocks = sound[: sound.size // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    return np.concatenate([timbre.feed(block).power for block in blocks])[WINDOW // HOP :]


def _depths(sound: Floats) -> Doubles | None:
    floor = NoiseFloor()
    floor.feed(band_power(sound))
    return floor.depths


def _noise(kind: str, size: int, voices: list[Floats], chance: np.random.Generator) -> Floats:
    match kind:
        case "white":
            return sounds.white(size, chance)
        case "coloured":
            return sounds.coloured(size, chance)
        case _:
            return sounds.babble(size, voices, chance)


def _fit(facts: Doubles, truth: Doubles) -> Doubles:
    design = _design(facts)
    return np.asarray(np.linalg.solve(design.T @ design + RIDGE * np.eye(design.shape[1]), design.T @ truth))


def _design(facts: Doubles) -> Doubles:
    return np.column_stack([facts, np.ones(len(facts))])


if __name__ == "__main__":
    main()
