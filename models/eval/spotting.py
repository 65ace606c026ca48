"""How many phrases the spotter finds in an unseen speaker's telephone speech, beside two plainer ways.

Phrases are random runs of 4 to 7 characters of aishell_s0252, which nothing was trained or tuned on. `against` is the
plain scorer on the base model. False alarms are those of the whole list of phrases, in an hour of speech that holds
them not: the rest of that speaker, and hours of others (sentences of one, acted sentences of three, words of two; the
weights learnt from a part of it, the base from none). Under babble it is these sentences without the words.
"""

from __future__ import annotations

import hashlib
import math
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from models.eval.pinyin_error import Recording, read_audio, read_kaldi_cmvn, read_set, through_mulaw
from models.spotter.literals import acceptable
from models.spotter.words import word_strings

from bench.figure import Figure
from compline_edge.core.ctc_decoding import greedy
from compline_edge.core.phrase_lattice import build
from compline_edge.core.phrase_scorer import PhraseScorer
from compline_edge.core.speech import SpeechBlock
from compline_edge.core.spotter_thresholds import Thresholds, parse_thresholds
from compline_edge.core.syllables import readings
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.features import STEP
from compline_edge.senses.model_manifest import Manifest, StoredFile
from compline_shared.taxonomy import Role
from compline_shared.template import Choice

MODELS = Path("models")
DATA = Path("../shared/data")
PHRASES = 300
BABBLE = 10.0
"""Decibels by which four other voices together lie below the speech."""
VOICES = 4
RATES = (1, 5, 20)
"""False alarms an hour."""
RESAMPLES = 2_000
ALL_WORDS = 8_596
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heard:
    """One recording: what was said and what the model made of it."""

    text: str
    log_probs: npt.NDArray[np.float32]  # [steps, syllables]


@dataclass(frozen=True, slots=True)
class Scores:
    """Best score of each phrase in each recording [phrases, recordings], and where the phrase was really said."""

    best: Floats
    said: npt.NDArray[np.bool_]
    hours: float


def figures(
    *, models: Path = MODELS, data: Path = DATA, base: CtcTranscriber | None = None
) -> Iterator[Figure]:
    """Yield recall at each rate with its 95 % interval; `base` is what to stand against, where it is there."""
    unseen, seen = read_set(data / "aishell_s0252"), read_set(data / "aishell_s0150")
    phrases = random_phrases([recording.text for recording in unseen], PHRASES)
    thresholds = parse_thresholds((models / "spotter" / "thresholds.json").read_bytes())
    ours = CtcTranscriber(models / "zh-ctc-telephone")
    heard = list(listen(ours, unseen))
    yield from _line("", phrases, thresholds, unseen, lambda: others(data), ours=ours, base=base)
    babbled = _babbled(unseen, seen, seed=8)
    rest = _babbled([*seen, *acted(data)], seen, seed=9)  # the unseen speaker's voice would say the phrases
    yield from _line("_babble10", phrases, thresholds, babbled, lambda: iter(rest), ours=ours, base=base)
    found, wrong = search(phrases, heard)
    hours = sum(len(one.log_probs) for one in heard) * STEP / 3600
    yield Figure("spotting_recall_of_greedy_text", found, "share", None, "higher")
    yield Figure("spotting_false_alarms_of_greedy_text_a_list_hour", wrong / hours, "1/h", None, "lower")


def others(data: Path) -> Iterator[Recording]:
    """Hours of speech that holds none of the phrases, but by chance."""
    yield from read_set(data / "aishell_s0150")
    yield from acted(data)
    for samples, text in word_strings(data / "audio_cmn" / "words.tar", words=ALL_WORDS):
        yield Recording(samples, text)


def acted(data: Path) -> Iterator[Recording]:
    """Acted sentences of three speakers; what they say is not written down, and is none of the phrases."""
    for path in sorted((data / "casia_ser").rglob("*.flac")):
        yield Recording(read_audio(path), "")


def _line(
    suffix: str,
    phrases: Sequence[str],
    thresholds: Thresholds,
    holding: Sequence[Recording],
    rest: Callable[[], Iterator[Recording]],
    *,
    ours: CtcTranscriber,
    base: CtcTranscriber | None,
) -> Iterator[Figure]:
    """Recall over one line, of our scores and, `against`, of the plain ones."""
    said = score(phrases, listen(ours, holding), thresholds)
    alarms = joined(said, score(phrases, listen(ours, rest()), thresholds))
    plain = plain_alarms = None
    if base is not None:
        plain = score_plainly(phrases, listen(base, holding), thresholds)
        plain_alarms = joined(plain, score_plainly(phrases, listen(base, rest()), thresholds))
    yield Figure(f"spotting_negatives{suffix}", alarms.hours, "h", None, "higher")
    for rate in RATES:
        name = f"spotting_recall{suffix}_at_{rate}_a_list_hour"
        yield from _recall(name, said, alarms, plain, plain_alarms, rate)
        most = poisson_most(int(rate * alarms.hours)) / alarms.hours
        yield Figure(f"{name}_alarms_high", most, "1/h", None, "lower")


def poisson_most(events: int) -> float:
    """Upper end of the exact 95 % interval of a Poisson mean of which `events` were seen (Garwood 1936)."""
    low, high = 0.0, 20.0 + 4.0 * events
    for _ in range(60):
        mean = (low + high) / 2
        below = math.fsum(
            math.exp(-mean + count * math.log(mean) - math.lgamma(count + 1)) for count in range(events + 1)
        )
        low, high = (mean, high) if below > 0.025 else (low, mean)
    return high


def _babbled(recordings: Sequence[Recording], voices: Sequence[Recording], *, seed: int) -> list[Recording]:
    """The recordings under four voices of the other set."""
    chance = np.random.default_rng(seed)
    found = []
    for one in recordings:
        chosen = chance.integers(len(voices), size=VOICES)
        babble = sum(np.resize(voices[int(v)].samples, len(one.samples)).astype(np.float64) for v in chosen)
        loud = np.std(one.samples.astype(np.float64)) * 10.0 ** (-BABBLE / 20.0)
        mixed = one.samples + babble * loud / (np.std(babble) + 1e-9)
        found.append(Recording(np.clip(np.rint(mixed), -32_768, 32_767).astype(np.int16), one.text))
    return found


def base_model(folder: Path) -> CtcTranscriber | None:
    """The base model in its own file names, put in order in a temporary folder; None where it is not there."""
    if not folder.is_dir():
        return None
    cmvn = read_kaldi_cmvn(folder / "am.mvn.dim80_l2r2")
    stored = {"shift": cmvn.shift.tolist(), "scale": cmvn.scale.tolist()}
    content = {
        "model.tflite": (folder / "fsmn_kws_f32.tflite").read_bytes(),
        "tokens.txt": (folder / "tokens_2599.txt").read_bytes(),
        "cmvn.json": msgspec.json.encode(stored),
    }
    files = {name: StoredFile(hashlib.sha256(data).hexdigest()) for name, data in content.items()}
    manifest = Manifest(name=folder.name, kind="ctc", version=1, language="zh-CN", files=files)
    with tempfile.TemporaryDirectory() as draft:
        for name, data in {**content, "manifest.json": msgspec.json.encode(manifest)}.items():
            (Path(draft) / name).write_bytes(data)
        return CtcTranscriber(Path(draft))


def random_phrases(texts: Sequence[str], count: int, *, seed: int = 11) -> list[str]:
    """Distinct runs of 4 to 7 characters that a lexicon would accept (no numbers, no names)."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    for _ in range(count * 50):
        text, size = chance.choice(texts), chance.randint(4, 7)
        start = chance.randrange(max(1, len(text) - size + 1))
        phrase = text[start : start + size]
        if len(phrase) == size and acceptable(phrase):
            found[phrase] = None
    return list(found)[:count]


def listen(transcriber: CtcTranscriber, recordings: Iterable[Recording]) -> Iterator[Heard]:
    """Hear recordings over an 8 kHz mu-law line."""
    for recording in recordings:
        block = SpeechBlock(0.0, through_mulaw(recording.samples), ends=True)
        pieces = transcriber.open(Role.UNKNOWN).feed(block).posteriors
        yield Heard(recording.text, np.concatenate([piece.log_probs for piece in pieces]))


def score(phrases: Sequence[str], heard: Iterable[Heard], thresholds: Thresholds) -> Scores:
    """Score with the shipped thresholds: margins."""
    return _scores(phrases, heard, thresholds, thresholds.base)


def score_plainly(phrases: Sequence[str], heard: Iterable[Heard], thresholds: Thresholds) -> Scores:
    """Score as a plain lattice scorer does: usual readings only, no allowance, mean loss a syllable."""
    plain = msgspec.structs.replace(
        thresholds, syllable=0.0, rarity=0.0, fuzzy=0.0, other_reading=0.0, floor=16.0, entries={}
    )
    found = _scores(phrases, heard, plain, 0.0)
    return Scores(
        found.best / np.array([len(phrase) for phrase in phrases])[:, None], found.said, found.hours
    )


def search(phrases: Sequence[str], heard: Sequence[Heard]) -> tuple[float, int]:
    """Share of the said phrases that stand in the greedy syllables, and how often one stands there unsaid."""
    found = said = wrong = 0
    for one in heard:
        syllables = [symbol.index for symbol in greedy(one.log_probs)]
        for phrase in phrases:
            wanted = [readings(character)[:1] for character in phrase]
            stands = any(
                all(syllables[start + place] in index for place, index in enumerate(wanted))
                for start in range(len(syllables) - len(wanted) + 1)
            )
            really = sounds_in(phrase, one.text)
            said, found, wrong = said + really, found + (really and stands), wrong + (stands and not really)
    return found / max(1, said), wrong


def sounds_in(phrase: str, text: str) -> bool:
    """Does the text hold the phrase by toneless sound, any reading?"""
    wanted, said = [set(readings(char)) for char in phrase], [set(readings(char)) for char in text]
    return any(
        all(wanted[place] & said[start + place] for place in range(len(wanted)))
        for start in range(len(said) - len(wanted) + 1)
    )


def joined(left: Scores, right: Scores) -> Scores:
    """Two sets of recordings as one."""
    return Scores(
        np.concatenate([left.best, right.best], axis=1),
        np.concatenate([left.said, right.said], axis=1),
        left.hours + right.hours,
    )


def false_alarms(scores: Scores) -> Floats:
    """Scores of phrases that were not said, best first."""
    return np.sort(scores.best[~scores.said])[::-1]


def _scores(phrases: Sequence[str], heard: Iterable[Heard], thresholds: Thresholds, base: float) -> Scores:
    lattice = build([[Choice((phrase,))] for phrase in phrases])
    allowances = [thresholds.allowance(character) for character in lattice.characters]
    scorer = PhraseScorer(lattice, thresholds, base=base, allowances=allowances)
    best: list[npt.NDArray[np.float32]] = []
    said: list[list[bool]] = []
    steps = 0
    for one in heard:
        scorer.reset()
        best.append(scorer.margins(scorer.emissions(one.log_probs)))
        said.append([sounds_in(phrase, one.text) for phrase in phrases])
        steps += len(one.log_probs)
    return Scores(np.array(best, dtype=np.float64).T, np.array(said).T, steps * STEP / 3600)


def _recall(
    name: str,
    scores: Scores,
    alarms_in: Scores,
    plain: Scores | None,
    plain_alarms_in: Scores | None,
    rate: float,
) -> Iterator[Figure]:
    """Recall at a rate of false alarms, with the interval from drawing phrases again and the alarms' Poisson error."""
    allowed = rate * alarms_in.hours
    false = false_alarms(alarms_in)
    against = None
    if plain is not None and plain_alarms_in is not None:
        against = _share(plain.best[plain.said], _level(false_alarms(plain_alarms_in), allowed))
    yield Figure(name, _share(scores.best[scores.said], _level(false, allowed)), "share", against, "higher")
    chance = np.random.default_rng(5)
    draws = []
    for _ in range(RESAMPLES):
        rows = chance.integers(len(scores.best), size=len(scores.best))
        draws.append(_share(scores.best[rows][scores.said[rows]], _level(false, chance.poisson(allowed))))
    low, high = np.percentile(draws, [2.5, 97.5])
    yield Figure(f"{name}_ci_low", float(low), "share", None, "higher")
    yield Figure(f"{name}_ci_high", float(high), "share", None, "higher")


def _level(false: Floats, alarms: float) -> float:
    """The lowest score above which at most `alarms` false alarms lie."""
    return float(false[min(int(alarms), len(false) - 1)])


def _share(scores: Floats, level: float) -> float:
    return float(np.mean(scores > level))
