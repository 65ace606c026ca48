"""Makes the language model of the recogniser: a pruned character trigram model of permitted and own text.

Nothing that is evaluated on is read: of our sentences the templates that are kept back for choosing are left out, of
COLD the test set. Run from the repository: python -m models.language.train
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from models.eval.pinyin_error import read_tokens
from models.language.release import write_model
from models.text import corpus
from models.text.templates import Template, expand, read_slots

from compline_edge.core.ngram import LEVELS, START, NgramModel, Ngrams

TARGET = Path("models/zh-ngram")
TOKENS = Path("models/zh-ctc-telephone/tokens.txt")
DATA = Path("../shared/data")
COPIES = 6
"""Fillings of each template of ours."""
LEAST = 5
"""Times at least that a character is seen, unless the recogniser writes it."""
TRIGRAMS = 560_000
BIGRAMS = 180_000

_SENTENCE = re.compile(r"[。！？!?；;\n\r…]+")
_HAN = re.compile(r"[\u4e00-\u9fff]+")
_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


def main() -> None:
    """Train, write, and print how surprised the model is by text that it did not see."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=TARGET, help="model folder (default: %(default)s)")
    parser.add_argument("--trigrams", type=int, default=TRIGRAMS)
    parser.add_argument("--bigrams", type=int, default=BIGRAMS)
    given = parser.parse_args()
    ngrams = made(texts(), trigrams=given.trigrams, bigrams=given.bigrams)
    write_model(given.to, ngrams)
    model = NgramModel(ngrams)
    for name, kept in (("own sentences kept back", own_kept()), ("news read by S0150", news())):
        said = list(spoken(kept))
        characters = sum(map(len, said))
        surprise = -sum(map(model.log_prob, said)) / characters
        print(f"{name}: {characters} characters, perplexity {np.exp(surprise):.0f}")


def made(learnt: Iterable[str], *, trigrams: int = TRIGRAMS, bigrams: int = BIGRAMS) -> Ngrams:
    """Learn from texts, for what the recogniser writes."""
    tokens = [token for token in read_tokens(TOKENS) if _HAN.fullmatch(token)]
    return train(list(spoken(learnt)), tokens, trigrams=trigrams, bigrams=bigrams)


def texts(*, without: Collection[Template] = ()) -> Iterator[str]:
    """Yield what is learnt from, some templates left out."""
    yield from own(without=without)
    yield from (sample.text for sample in corpus.public())
    yield from (text for text, _ in corpus.cold("dev"))


def own(*, without: Collection[Template] = ()) -> Iterator[str]:
    """Yield the sentences of ours that are learnt from, some templates left out."""
    chance, slots, left = random.Random(7), read_slots(), {template.text for template in without}
    for template in corpus.templates()[0]:
        if template.text in left:
            continue
        yield from sorted({expand(template, slots, chance) for _ in range(COPIES)})


def own_kept() -> Iterator[str]:
    """Yield a sentence of each template that is kept back."""
    chance, slots = random.Random(8), read_slots()
    yield from (expand(template, slots, chance) for template in corpus.templates()[1])


def news() -> Iterator[str]:
    """Yield the sentences of a speaker of AISHELL, whom the recogniser learnt from, and this model did not."""
    rows = (DATA / "aishell_s0150" / "transcripts.tsv").read_text(encoding="utf-8").splitlines()
    yield from (row.split("\t")[1] for row in rows)


def spoken(texts: Iterable[str]) -> Iterator[str]:
    """Divide texts into sentences as a recogniser writes them: characters, no pauses, digits read out."""
    for text in texts:
        for sentence in _SENTENCE.split(text.translate(_DIGITS)):
            joined = "".join(_HAN.findall(sentence))
            if joined:
                yield joined


def train(said: list[str], tokens: Iterable[str], *, trigrams: int, bigrams: int) -> Ngrams:
    """Count, discount, prune, and round to 8 bits."""
    seen = Counter(char for text in said for char in text)
    characters = sorted({*tokens, *(char for char, count in seen.items() if count >= LEAST)})
    places = {char: place for place, char in enumerate(characters, start=1)}
    counts = _count(said, places, len(characters) + 1)
    return _rounded(_pruned(counts, trigrams=trigrams, bigrams=bigrams), characters)


@dataclass(frozen=True, slots=True)
class _Level:
    """N-grams of one length: the number of each as one key, what it follows, and its probability."""

    keys: Ints  # rising; V * context + character
    probs: Reals


@dataclass(frozen=True, slots=True)
class _Counts:
    size: int  # V
    alone: Reals  # [V]
    seconds: _Level
    thirds: _Level
    third_counts: Reals
    second_counts: Reals


def _count(said: list[str], places: dict[str, int], size: int) -> _Counts:
    """Interpolated Kneser-Ney probabilities of all trigrams, bigrams and characters."""
    runs = [np.array([START, *(places.get(char, -1) for char in text), -1], dtype=np.int64) for text in said]
    flat = np.concatenate(runs)
    pairs = np.stack([flat[:-1], flat[1:]], axis=1)
    pairs = pairs[(pairs >= 0).all(axis=1) & (pairs[:, 1] != START)]
    triples = np.stack([flat[:-2], flat[1:-1], flat[2:]], axis=1)
    triples = triples[(triples >= 0).all(axis=1) & (triples[:, 1:] != START).all(axis=1)]
    keys3, n3 = np.unique((triples[:, 0] * size + triples[:, 1]) * size + triples[:, 2], return_counts=True)
    raw2, n2raw = np.unique(pairs[:, 0] * size + pairs[:, 1], return_counts=True)
    before = np.bincount(np.searchsorted(raw2, keys3 % (size * size)), minlength=len(raw2))
    n2 = np.where(raw2 // size == START, n2raw, np.maximum(before, 1))  # how many characters come before
    n1 = np.bincount(raw2 % size, minlength=size) + 0.5
    n1[START] = 0.0
    alone = n1 / n1.sum()
    probs2 = _discounted(n2, raw2 // size, alone[raw2 % size])
    lower = probs2[np.searchsorted(raw2, keys3 % (size * size))]
    probs3 = _discounted(n3, keys3 // size, lower)
    return _Counts(
        size, alone, _Level(raw2, probs2), _Level(keys3, probs3), n3.astype(float), n2raw.astype(float)
    )


def _discounted(counts: Ints, contexts: Ints, lower: Reals) -> Reals:
    """Interpolate with the shorter context: (count - D) / total + D * kinds / total * lower."""
    once, twice = (max(1.0, float(np.sum(counts == times))) for times in (1, 2))
    discount = once / (once + 2.0 * twice)
    _, inverse = np.unique(contexts, return_inverse=True)
    total = np.bincount(inverse, weights=counts)[inverse]
    kinds = np.bincount(inverse)[inverse]
    return np.asarray((counts - discount) / total + discount * kinds / total * lower)


@dataclass(frozen=True, slots=True)
class _Pruned:
    alone: Reals
    alone_back: Reals
    seconds: _Level
    second_back: Reals
    thirds: _Level


def _pruned(counts: _Counts, *, trigrams: int, bigrams: int) -> _Pruned:
    """Keep what tells most beyond the shorter context (Stolcke 1998, without the change of the back-off weight)."""
    size, two, three = counts.size, counts.seconds, counts.thirds
    lower3 = two.probs[np.searchsorted(two.keys, three.keys % (size * size))]
    gain3 = np.where(counts.third_counts >= 2, counts.third_counts * np.log(three.probs / lower3), -np.inf)
    keep3 = np.sort(np.argsort(-gain3, kind="stable")[: min(trigrams, int(np.sum(gain3 > 0)))])
    gain2 = counts.second_counts * np.log(two.probs / counts.alone[two.keys % size])
    used = np.isin(two.keys, three.keys[keep3] // size)
    gain2 = np.where(used, np.inf, np.where(counts.second_counts >= 2, gain2, -np.inf))
    keep2 = np.sort(
        np.argsort(-gain2, kind="stable")[: max(int(used.sum()), min(bigrams, int(np.sum(gain2 > 0))))]
    )
    seconds = _Level(two.keys[keep2], two.probs[keep2])
    thirds = _Level(three.keys[keep3], three.probs[keep3])
    alone_back = _left(seconds.probs, seconds.keys // size, size, counts.alone[seconds.keys % size])
    short = _backed(seconds, alone_back, counts.alone, thirds.keys % (size * size), size)
    of_second = np.searchsorted(seconds.keys, thirds.keys // size)
    second_back = _left(thirds.probs, of_second, len(seconds.keys), short)
    return _Pruned(counts.alone, alone_back, seconds, second_back, thirds)


def _left(said: Reals, of: Ints, contexts: int, lower: Reals) -> Reals:
    """Back-off weight of each context: what its n-grams leave, by what the shorter context leaves for the others."""
    by_these = np.bincount(of, weights=said, minlength=contexts)
    by_shorter = np.bincount(of, weights=lower, minlength=contexts)
    return np.asarray(np.clip(1.0 - by_these, 1e-4, 1.0) / np.clip(1.0 - by_shorter, 1e-4, 1.0))


def _backed(seconds: _Level, back: Reals, alone: Reals, keys: Ints, size: int) -> Reals:
    place = np.minimum(np.searchsorted(seconds.keys, keys), len(seconds.keys) - 1)
    return np.where(
        seconds.keys[place] == keys, seconds.probs[place], back[keys // size] * alone[keys % size]
    )


def _rounded(pruned: _Pruned, characters: list[str]) -> Ngrams:
    size = len(characters) + 1
    seconds, thirds = pruned.seconds, pruned.thirds
    logs = [np.log(np.maximum(part, 1e-9)) for part in (pruned.alone, seconds.probs, thirds.probs)]
    table = np.linspace(min(map(np.min, logs)), 0.0, LEVELS).astype("<f4")
    backs = [np.log(part) for part in (pruned.alone_back, pruned.second_back)]
    back_table = np.linspace(min(map(np.min, backs)), max(map(np.max, backs)), LEVELS).astype("<f4")
    of_bigram = np.searchsorted(seconds.keys, thirds.keys // size)
    return Ngrams(
        log_probs=table,
        back_offs=back_table,
        characters=np.array([0, *map(ord, characters)], dtype="<u2"),
        character_probs=_nearest(logs[0], table),
        character_back_offs=_nearest(backs[0], back_table),
        bigrams=np.bincount(seconds.keys // size, minlength=size).astype("<u2"),
        seconds=(seconds.keys % size).astype("<u2"),
        second_probs=_nearest(logs[1], table),
        second_back_offs=_nearest(backs[1], back_table),
        trigrams=np.bincount(of_bigram, minlength=len(seconds.keys)).astype("<u2"),
        thirds=(thirds.keys % size).astype("<u2"),
        third_probs=_nearest(logs[2], table),
    )


def _nearest(values: Reals, table: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    step = float(table[1] - table[0])
    return np.asarray(np.rint((values - table[0]) / step).clip(0, LEVELS - 1), np.uint8)


if __name__ == "__main__":
    main()
