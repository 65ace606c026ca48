"""Measures how good a match must be, on speech that holds no phrase of the lexicon, and writes thresholds.json.

Speech: aishell_s0150 and strings of audio_cmn words, telephone-coded; both may be learnt from, and nothing that is
evaluated on is touched. Run from the repository: python -m models.spotter.calibrate
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from models.eval.pinyin_error import read_set, through_mulaw
from models.manifests import write_manifest
from models.spotter.literals import acceptable
from models.spotter.words import word_strings

from compline_edge.core.phrase_lattice import Lattice, build
from compline_edge.core.phrase_scorer import PhraseScorer
from compline_edge.core.speech import SpeechBlock, Utterance
from compline_edge.core.spotter_thresholds import Thresholds
from compline_edge.core.syllables import SYLLABLES, readings
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.features import STEP
from compline_edge.senses.language_model import load_language_model
from compline_shared.lexicon import Entry, parse_pack
from compline_shared.taxonomy import Role
from compline_shared.template import Choice

MODEL = Path("models/zh-ctc-telephone")
LANGUAGE_MODEL = Path("models/zh-ngram")
LEXICONS = Path("models/lexicons/zh-CN")
DATA = Path("../shared/data")
TARGET = Path(__file__).with_name("thresholds.json")

ALARMS = 1.0
"""False alarms an hour of the whole lexicon from which calibration starts; the operating point lies a little above,
where a match is as likely right as wrong.
"""

LOWEST = -8.0
"""Margins for a base of 0 that are worth a look: operating points lie above."""

STRICTER = 0.5
"""Nats by which an entry's threshold stands above the best false match that the cohort gave it."""

OCCURRENCES = 1.0
"""Phrases of the lexicon said in an hour of one person's speech, assumed for the confidence alone."""

UNLIKELY = -8.0
"""Nats below the operating point from which matches no longer shape the confidence."""

LIKELIEST = 2_000
"""Best matches of the lexicon on the cohort that are looked at; the operating point lies among the first few."""

PHRASES = 400
WORDS = 1_600

START = Thresholds(
    model="",
    base=0.0,
    syllable=0.0,
    rarity=0.45,
    gap=1.0,
    context=2.5,
    silence=1.0,
    floor=16.0,
    fuzzy=0.02,
    other_reading=0.1,
    slope=1.0,
    centre=0.0,
    commonness={},
)
"""What was chosen by recall on aishell_s0150, clean and at 8 to 10 dB, among a few values each; the rest is measured.
A step may lose 16 nats: at 8 a phrase of seven syllables could lack one of them altogether, and the first false alarms
of an hour all did.
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """One recording: what is said in it, and what the model makes of it."""

    text: str
    log_probs: npt.NDArray[np.float32]  # [steps, syllables]
    utterances: tuple[Utterance, ...] = ()


def main() -> None:
    """Calibrate and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL, help="model folder (default: %(default)s)")
    parser.add_argument(
        "--lexicons", type=Path, default=LEXICONS, help="folder of packs (default: %(default)s)"
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of data (default: %(default)s)")
    parser.add_argument("--to", type=Path, default=TARGET, help="file to write (default: %(default)s)")
    given = parser.parse_args()
    transcriber = CtcTranscriber(given.model, load_language_model(LANGUAGE_MODEL))
    sentences = list(
        listen(transcriber, ((r.samples, r.text) for r in read_set(given.data / "aishell_s0150")))
    )
    words = list(listen(transcriber, word_strings(given.data / "audio_cmn" / "words.tar", words=WORDS)))
    draft = msgspec.structs.replace(START, model=given.model.name, commonness=commonness(sentences))
    entries = read_entries(given.lexicons)
    found = calibrate(draft, sentences=sentences, words=words, entries=entries)
    stored = json.loads(msgspec.json.encode(found))
    given.to.write_text(json.dumps(stored, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    if given.to == TARGET:
        write_manifest(TARGET.parent)


def calibrate(
    draft: Thresholds, *, sentences: Sequence[Heard], words: Sequence[Heard], entries: Sequence[Entry]
) -> Thresholds:
    """Fill in base, slope, centre and the entries' own strictness."""
    cohort = [*sentences, *words]
    hours = sum(len(one.log_probs) for one in cohort) * STEP / 3600
    lattice = build([entry.template.pieces for entry in entries])
    said = [said_phrases(entry) for entry in entries]
    likeliest = sorted(best_margins(lattice, draft, cohort).items(), key=lambda item: -item[1])[:LIKELIEST]
    false = {
        (target, place): margin
        for (target, place), margin in likeliest
        if not any(sounds_in(phrase, cohort[place].text) for phrase in said[target])
    }
    base = base_for(sorted(false.values(), reverse=True), hours=hours)
    slope, centre = confidence_for(
        msgspec.structs.replace(draft, base=base),
        sentences,
        false=[m + base for m in false.values()],
        hours=hours,
    )
    base -= centre
    worst: dict[int, float] = {}
    for (target, _), margin in false.items():
        worst[target] = max(worst.get(target, -math.inf), margin + base)
    stricter = {
        str(entries[target].id): round(margin + STRICTER, 2)
        for target, margin in worst.items()
        if margin >= 0
    }
    alarms = sum(margin + base >= 0 for margin in false.values())
    print(
        f"{hours:.2f} h, {len(entries)} entries, {lattice.nodes} nodes: {alarms} false alarms before they got stricter"
    )
    return msgspec.structs.replace(
        draft, base=round(base, 3), entries=stricter, slope=round(slope, 3), centre=0.0
    )


def base_for(margins: Sequence[float], *, hours: float) -> float:
    """What a phrase may lose so that the whole lexicon gives `ALARMS` false alarms an hour.

    The tail of the best false margins is taken as exponential (Pickands 1975) and carried on beyond what was heard.
    """
    tail = np.array(margins[:60])
    scale = float(np.mean(tail - tail[-1]))
    rate = len(tail) / hours
    return -(float(tail[-1]) + scale * math.log(rate / ALARMS))


def confidence_for(
    thresholds: Thresholds, sentences: Sequence[Heard], *, false: Sequence[float], hours: float
) -> tuple[float, float]:
    """Slope and centre of a logistic curve: how likely a match is right, by its margin.

    Right matches are those of random phrases in sentences that hold them, weighted as if `OCCURRENCES` were said an
    hour; wrong ones are the lexicon's own on the cohort.
    """
    phrases = random_phrases([one.text for one in sentences], PHRASES)
    lattice = build([[Choice((phrase,))] for phrase in phrases])
    right = [
        margin + thresholds.base
        for (target, place), margin in best_margins(lattice, thresholds, sentences).items()
        if sounds_in(phrases[target], sentences[place].text)
    ]
    wrong = [margin for margin in false if margin > UNLIKELY]
    said = sum(sounds_in(phrase, one.text) for phrase in phrases for one in sentences)
    print(
        f"random phrases of the same sentences: {np.mean(np.array(right) >= 0) * len(right) / said:.3f} found"
    )
    margins = np.array([margin for margin in right if margin > UNLIKELY] + wrong)
    truth = np.array([1.0] * (len(margins) - len(wrong)) + [0.0] * len(wrong))
    weights = np.where(truth > 0, OCCURRENCES * hours / said, 1.0)
    return _logistic(margins, truth, weights)


def best_margins(
    lattice: Lattice, thresholds: Thresholds, cohort: Sequence[Heard]
) -> dict[tuple[int, int], float]:
    """Best margin of each target in each recording, for a base of 0, above `LOWEST`."""
    scorer = PhraseScorer(
        lattice,
        thresholds,
        base=0.0,
        allowances=[thresholds.allowance(character) for character in lattice.characters],
    )
    best: dict[tuple[int, int], float] = {}
    for place, one in enumerate(cohort):
        scorer.reset()
        margins = scorer.margins(scorer.emissions(one.log_probs))
        best.update(
            {(int(target), place): float(margins[target]) for target in np.flatnonzero(margins > LOWEST)}
        )
    return best


def listen(
    transcriber: CtcTranscriber, recordings: Iterable[tuple[npt.NDArray[np.int16], str]]
) -> Iterator[Heard]:
    """Telephone-code recordings, every other one under noise, and hear them."""
    chance = np.random.default_rng(6)
    before = np.zeros(1)
    for place, (samples, text) in enumerate(recordings):
        sent = _disturbed(samples, before, chance) if place % 2 else samples
        before = samples.astype(np.float64)
        block = SpeechBlock(0.0, through_mulaw(sent), ends=True)
        heard = transcriber.open(Role.UNKNOWN).feed(block)
        rows = np.concatenate([piece.log_probs for piece in heard.posteriors])
        yield Heard(text, rows, heard.utterances)


def commonness(heard: Sequence[Heard]) -> dict[str, float]:
    """Share of each syllable among all that the model heard."""
    sums = np.zeros(len(SYLLABLES))
    for one in heard:
        probabilities = np.exp(one.log_probs)
        sums += (probabilities * (1.0 - probabilities[:, :1])).sum(axis=0)
    sums[0] = 0.0
    shares = sums / sums.sum()
    return {
        syllable: round(float(share), 6)
        for syllable, share in zip(SYLLABLES, shares, strict=True)
        if share > 1e-5
    }


def random_phrases(texts: Sequence[str], count: int, *, seed: int = 3) -> list[str]:
    """Runs of 4 to 7 characters that a lexicon would accept."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        text, size = chance.choice(texts), chance.randint(4, 7)
        start = chance.randrange(max(1, len(text) - size + 1))
        phrase = text[start : start + size]
        if len(phrase) == size and acceptable(phrase):
            found[phrase] = None
    return list(found)


def sounds_in(phrase: str, text: str) -> bool:
    """Does the text hold the phrase by toneless sound, any reading?"""
    wanted, said = [set(readings(char)) for char in phrase], [set(readings(char)) for char in text]
    return any(
        all(wanted[place] & said[start + place] for place in range(len(wanted)))
        for start in range(len(said) - len(wanted) + 1)
    )


def said_phrases(entry: Entry) -> list[str]:
    """Spellings of an entry, each up to its first gap: enough to leave a recording out."""
    return list(dict.fromkeys(parts[0] for parts in entry.template.phrases()))


def read_entries(folder: Path) -> list[Entry]:
    """The audio entries of all packs of a folder."""
    packs = [
        parse_pack(path.read_text(encoding="utf-8"), name=path.name) for path in sorted(folder.glob("*.lex"))
    ]
    return [entry for pack in packs for entry in pack.entries if entry.in_audio]


def _disturbed(
    samples: npt.NDArray[np.int16], other: npt.NDArray[np.float64], chance: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Speech under white noise and somebody else's voice, 8 to 20 dB below it."""
    hiss = chance.normal(0.0, 1.0, len(samples))
    voice = np.resize(other, len(samples))
    noise = hiss + voice / (np.std(voice) + 1e-9)
    loud = np.std(samples) * 10.0 ** (-chance.uniform(8.0, 20.0) / 20.0)
    return np.clip(samples + noise * loud / np.std(noise), -32_768, 32_767).astype(np.int16)


def _logistic(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and centre by Newton's method on the weighted log-likelihood."""
    slope, offset = 0.1, 0.0
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-(slope * x + offset)))
        bend = weights * p * (1.0 - p) + 1e-9
        gradient = np.array([np.sum(weights * (y - p) * x), np.sum(weights * (y - p))])
        curvature = np.array([[np.sum(bend * x * x), np.sum(bend * x)], [np.sum(bend * x), np.sum(bend)]])
        step = np.linalg.solve(curvature, gradient)
        slope, offset = slope + float(step[0]), offset + float(step[1])
    return slope, -offset / slope


if __name__ == "__main__":
    main()
