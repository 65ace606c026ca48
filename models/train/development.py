"""The held-out recordings: errors of a set of weights on each kind of line, to choose between students."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from models.eval.pinyin_error import Cmvn, Score, edits, greedy, rate
from models.train import telephone
from models.train.corpus import Utterance
from models.train.fbank import log_mel
from models.train.network import Weights, logits
from models.train.pairs import DRAWS, Pair, phrases, read_copy, store
from models.train.telephone import Line
from models.train.training import normalised
from pypinyin import lazy_pinyin

LINES: Mapping[str, tuple[Line, float | None]] = {
    "mulaw": (Line(codec="pcm_mulaw"), None),
    "amr475": (Line(codec="libopencore_amrnb", bit_rate=4_750), None),
    "amr122_babble10": (Line(codec="libopencore_amrnb", bit_rate=12_200), 10.0),
}
"""Line and signal-to-babble ratio in decibels; the clean copy is measured beside them."""


def write_lines(folder: Path, held_out: Sequence[Utterance], *, seed: int) -> None:
    """Store the held-out recordings over each line, the same phrases each time."""
    for name, (line, decibels) in LINES.items():
        chance = np.random.default_rng(seed)
        pairs = []
        voices = [utterance.samples.astype(np.float32) / 32768.0 for utterance in held_out[:200]]
        for pcm, syllables in phrases(held_out, chance, dict.fromkeys(DRAWS, 1.0)):
            clean = pcm.astype(np.float32) / 32768.0
            noisy = clean
            if decibels is not None:
                babble = np.sum(
                    [np.resize(voices[int(i)], len(clean)) for i in chance.integers(len(voices), size=4)], 0
                )
                noisy = telephone.mix(clean, babble, decibels=decibels)
            heard = telephone.send(noisy, line)
            pairs.append(
                Pair(
                    log_mel(clean).astype(np.float16),
                    log_mel(heard).astype(np.float16),
                    line.narrow,
                    syllables,
                )
            )
        store(folder / f"development-{name}.npz", pairs)


def line_errors(folder: Path, weights: Weights, cmvn: Cmvn, tokens: Sequence[str]) -> dict[str, float]:
    """Toneless pinyin error in per cent by line, `clean` first."""
    errors: dict[str, float] = {}
    for name in LINES:
        pairs = [pair for pair in read_copy(folder / f"development-{name}.npz") if pair.syllables]
        if "clean" not in errors:
            errors["clean"] = rate([_score(pair.clean, pair, weights, cmvn, tokens) for pair in pairs])
        errors[name] = rate([_score(pair.disturbed, pair, weights, cmvn, tokens) for pair in pairs])
    return errors


def mixed(start: Weights, end: Weights, share: float) -> Weights:
    """Weights on the straight line from `start` (share 0) to `end` (share 1)."""
    return {name: start[name] + share * (end[name] - start[name]) for name in start}


def _score(
    frames: np.ndarray[tuple[int, ...], np.dtype[np.float16]],
    pair: Pair,
    weights: Weights,
    cmvn: Cmvn,
    tokens: Sequence[str],
) -> Score:
    with torch.no_grad():
        heard = logits(weights, normalised([frames], cmvn)[0])[0].numpy()
    return edits(pair.syllables, lazy_pinyin(greedy(heard, tokens))), len(pair.syllables)
