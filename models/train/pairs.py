"""Clean and disturbed copies of the corpus as filterbanks, kept on disk so that a killed run goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from models.eval.pinyin_error import Cmvn
from models.train import telephone
from models.train.corpus import Pcm, Utterance
from models.train.fbank import SAMPLE_RATE, log_mel, stack
from numpy.typing import NDArray

PHRASE_SECONDS = 5.0
"""Single words are joined up to this length: calls are not made of single words."""
DRAWS = {"sentence": 3.0, "words": 0.5, "syllables": 0.5}
"""How often each recording stands in one copy: connected speech is to weigh as much as the word lists."""

Floats = NDArray[np.float32]
Frames = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Pair:
    """Filterbanks [frames, 80] of the same words: clean for the teacher, disturbed for the student."""

    clean: Frames
    disturbed: Frames
    narrow: bool
    syllables: tuple[str, ...]


def write_copy(path: Path, utterances: Sequence[Utterance], *, seed: int) -> None:
    """Draw one disturbed copy of the whole corpus and store it."""
    store(path, list(_draw(utterances, np.random.default_rng(seed))))


def store(path: Path, pairs: Sequence[Pair]) -> None:
    """Write pairs to a .npz file, which appears only when complete."""
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        clean=np.concatenate([pair.clean for pair in pairs]),
        disturbed=np.concatenate([pair.disturbed for pair in pairs]),
        lengths=np.array([len(pair.clean) for pair in pairs]),
        narrow=np.array([pair.narrow for pair in pairs]),
        syllables=np.array([" ".join(pair.syllables) for pair in pairs]),
    )
    partial.rename(path)


def read_copy(path: Path) -> list[Pair]:
    """Read a stored copy; the pairs share its two large arrays."""
    with np.load(path) as stored:
        ends = np.cumsum(stored["lengths"])[:-1]
        rows = zip(
            np.split(stored["clean"], ends),
            np.split(stored["disturbed"], ends),
            stored["narrow"],
            stored["syllables"],
            strict=True,
        )
        return [
            Pair(clean, heard, bool(narrow), tuple(str(said).split())) for clean, heard, narrow, said in rows
        ]


def telephone_cmvn(pairs: Sequence[Pair]) -> Cmvn:
    """Mean and deviation of the stacked features of all telephone-coded copies, as shift and scale."""
    total, squares, count = np.zeros(400), np.zeros(400), 0
    for pair in pairs:
        if pair.narrow:
            rows = stack(pair.disturbed.astype(np.float32)).astype(np.float64)
            total, squares, count = (
                total + rows.sum(axis=0),
                squares + (rows**2).sum(axis=0),
                count + len(rows),
            )
    mean = total / count
    deviation = np.sqrt(squares / count - mean**2)
    return Cmvn(shift=(-mean).astype(np.float32), scale=(1.0 / deviation).astype(np.float32))


def phrases(
    utterances: Sequence[Utterance], chance: np.random.Generator, draws: Mapping[str, float]
) -> Iterator[tuple[Pcm, tuple[str, ...]]]:
    """Sentences as they are, words and syllables joined at random to about five seconds; draws by source."""
    for source, times in draws.items():
        members = [utterance for utterance in utterances if utterance.source == source]
        orders = [chance.permutation(len(members)) for _ in range(math.ceil(times))]
        waiting: list[Utterance] = []
        for index in np.concatenate(orders)[: int(times * len(members))]:
            waiting.append(members[int(index)])
            seconds = sum(len(utterance.samples) for utterance in waiting) / SAMPLE_RATE
            if source == "sentence" or seconds >= PHRASE_SECONDS:
                yield _joined(waiting)
                waiting = []
        if waiting:
            yield _joined(waiting)


def _joined(members: Sequence[Utterance]) -> tuple[Pcm, tuple[str, ...]]:
    known = all(utterance.syllables for utterance in members)
    said = tuple(syllable for utterance in members for syllable in utterance.syllables) if known else ()
    return np.concatenate([utterance.samples for utterance in members]), said


def _draw(utterances: Sequence[Utterance], chance: np.random.Generator) -> Iterator[Pair]:
    others = [_floats(utterances[int(index)].samples) for index in chance.integers(len(utterances), size=400)]
    for pcm, syllables in phrases(utterances, chance, DRAWS):
        clean = telephone.rounded(telephone.at_speed(_floats(pcm), float(chance.uniform(0.85, 1.2))))
        line = telephone.draw_line(chance)
        quiet = not line.narrow and chance.random() < 0.6
        disturbed = clean if quiet else telephone.disturb(clean, others=others, chance=chance)
        heard = telephone.send(disturbed, line)
        yield Pair(
            clean=log_mel(clean).astype(np.float16),
            disturbed=log_mel(heard).astype(np.float16),
            narrow=line.narrow,
            syllables=syllables,
        )


def _floats(pcm: Pcm) -> Floats:
    return pcm.astype(np.float32) / 32768.0
