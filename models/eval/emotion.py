"""Feelings told from the voice of a speaker whom no training heard: acted Mandarin, clean and over a telephone line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from models.emotion.corpus import CASIA, LINES, ROOT, clips, lines, read
from models.emotion.judge import Judge
from models.emotion.speakers import (
    ANGRY,
    DRAWS,
    NEUTRAL,
    Measure,
    Voices,
    Whole,
    alone,
    angry_f1,
    describe,
    measured,
    recall,
    taught,
)
from models.emotion.train import OUT, opened

from bench.figure import Figure
from compline_edge.core.emotions import calm_baseline, likely
from compline_edge.core.speech import SAMPLE_RATE
from compline_edge.senses.voice_model import VoiceNetwork

REFERENCE = {"raw": 0.353, "own": 0.568, "raw_angry": 0.57, "own_angry": 0.69}
"""eGeMAPS and a support vector machine on four speakers: as recorded, and normalised by all of a speaker's clips."""
AIM_RAW, AIM_ENROLLED, AIM_ANGRY = 0.45, 0.60, 0.70
SHOWN = {"clean": "16k", "mulaw": "telephone"}
"""Of the lines that judges learn from, those that they are tried on."""
FOLDS = 5
"""Parts of the sentences; in the stricter trial the sentences of a part are in no lesson either."""
DRAWN = 1_000
PIECES, CALLS = 40, 20
"""Clips of a call that is put together, and calls of each kind and speaker."""
SHARES = (0, 20, 40, 60, 80)
"""Percent of such a call that is angry."""
ALARMED = 0.3
"""Share of anger above which the base rules say so."""
CALM = ("aishell_s0252", "aishell_s0150")
"""Read speech of two more speakers, in which nobody is angry."""
LARGEST, SLOWEST = 200_000, 0.005

Told = dict[str, Whole]
"""For each line: what was told of each clip, -1 where it was not tried."""


def figures() -> Iterator[Figure]:
    """Yield size and cost, then the trials, each feeling counted alike, with 95 % bootstrap intervals over clips."""
    size = sum(
        (OUT / name).stat().st_size for name in ("listening.tflite", "alone.tflite", "relative.tflite")
    )
    yield Figure("emotion_model_size", size, "bytes", LARGEST, "lower")
    network = opened(OUT)
    heard = clips(CASIA)
    yield Figure(
        "emotion_real_time_factor",
        _cost(network, [clip.samples for clip in heard[::15]]),
        "s/s",
        SLOWEST,
        "lower",
    )
    voices = describe(heard, network, LINES)
    judges = {
        speaker: tuple(
            taught(voices, voices.speaker != speaker, by=by) for by in (Measure.ALONE, Measure.ENROLLED)
        )
        for speaker in voices.speakers
    }
    raw = _trial(voices, by=Measure.ALONE)
    yield from _scores(voices, "raw", [raw], against=AIM_RAW, angry=REFERENCE["raw_angry"])
    yield _beside("raw", raw, voices, REFERENCE["raw"])
    enrolled = [_trial(voices, by=Measure.ENROLLED, seed=seed) for seed in range(DRAWS)]
    yield from _scores(voices, "enrolled", enrolled, against=AIM_ENROLLED, angry=AIM_ANGRY)
    own = _trial(voices, by=Measure.ALL)
    yield from _scores(voices, "own_clips", [own], against=REFERENCE["own"], angry=REFERENCE["own_angry"])
    yield from _apart(voices)
    yield from _calls(voices, judges)
    yield from _calm(network)


def _cost(network: VoiceNetwork, samples: list[np.ndarray]) -> float:
    begun = time.process_time()
    for each in samples:
        network.describe(each)
    return (time.process_time() - begun) / (sum(map(len, samples)) / SAMPLE_RATE)


def _trial(voices: Voices, *, by: Measure, seed: int = 0, folds: int = 1) -> Told:
    """What a judge who never heard a speaker tells of him; with folds, one who never heard the sentence either.

    The clips that an enrolment took are not tried.
    """
    told = {line: np.full(len(voices.feeling), -1, dtype=np.int64) for line in SHOWN}
    for speaker in voices.speakers:
        own = voices.speaker == speaker
        for fold in range(folds):
            inside = voices.sentence % folds == fold
            others = ~own if folds == 1 else ~own & ~inside
            judge = taught(voices, others, by=by)
            for line in SHOWN:
                heard, taken = measured(voices, voices.described[line], own, by=by, seed=seed)
                places = np.flatnonzero(own)
                tried = inside[places] & ~np.isin(places, taken)
                told[line][places[tried]] = judge.logits(heard[tried]).argmax(axis=1)
    return told


def _scores(
    voices: Voices, name: str, trials: list[Told], *, against: float, angry: float
) -> Iterator[Figure]:
    """Mean over the trials, and over speakers, of recall; F1 of anger over all clips."""
    chance = np.random.default_rng(7)
    for line, shown in SHOWN.items():
        for what, score, beside in (("uar", _recalls, against), ("angry_f1", angry_f1, angry)):
            value = float(np.mean([_over(voices, t[line], score) for t in trials]))
            drawn = [_over(voices, trials[n % len(trials)][line], score, chance) for n in range(DRAWN)]
            low, high = np.percentile(drawn, [2.5, 97.5])
            yield Figure(f"emotion_{what}_{name}_{shown}", value, "0..1", beside, "higher")
            yield Figure(f"emotion_{what}_{name}_{shown}_low", float(low), "0..1", None, "higher")
            yield Figure(f"emotion_{what}_{name}_{shown}_high", float(high), "0..1", None, "higher")
        own = [_of_speaker(voices, [t[line] for t in trials], speaker) for speaker in voices.speakers]
        yield Figure(f"emotion_uar_{name}_{shown}_worst_speaker", min(own), "0..1", against, "higher")
        yield Figure(f"emotion_uar_{name}_{shown}_best_speaker", max(own), "0..1", against, "higher")


def _over(
    voices: Voices,
    told: Whole,
    score: Callable[..., float],
    chance: np.random.Generator | None = None,
) -> float:
    """A score of the clips that were tried, or of as many drawn from each speaker's."""
    places = np.flatnonzero(told >= 0)
    if chance is not None:
        places = np.concatenate(
            [
                chance.choice(own, len(own))
                for own in (places[voices.speaker[places] == s] for s in voices.speakers)
            ]
        )
    if score is _recalls:
        return _recalls(voices.feeling[places], told[places], voices.speaker[places])
    return score(voices.feeling[places], told[places])


def _of_speaker(voices: Voices, told: list[Whole], speaker: str) -> float:
    own = voices.speaker == speaker
    return float(
        np.mean([recall(voices.feeling[own & (each >= 0)], each[own & (each >= 0)]) for each in told])
    )


def _recalls(wanted: Whole, told: Whole, speaker: np.ndarray) -> float:
    return float(
        np.mean([recall(wanted[speaker == s], told[speaker == s]) for s in sorted(set(speaker.tolist()))])
    )


def _beside(name: str, told: Told, voices: Voices, reference: float) -> Figure:
    value = _over(voices, told["clean"], _recalls)
    return Figure(f"emotion_uar_{name}_16k_beside_egemaps", value, "0..1", reference, "higher")


def _apart(voices: Voices) -> Iterator[Figure]:
    """The enrolled trial once more, with no test sentence in any lesson."""
    told = _trial(voices, by=Measure.ENROLLED, folds=FOLDS)
    yield from _scores(voices, "enrolled_other_sentences", [told], against=AIM_ENROLLED, angry=AIM_ANGRY)


def _calls(voices: Voices, judges: dict[str, tuple[Judge, Judge]]) -> Iterator[Figure]:
    """Calls put together of a speaker's clips, judged as the product does: by a baseline of the call's own."""
    chance = np.random.default_rng(11)
    for line, shown in SHOWN.items():
        for share in SHARES:
            alarms = [
                _share_of_anger(voices, line, _made(voices, speaker, share, chance), judges[speaker])
                > ALARMED
                for speaker in voices.speakers
                for _ in range(CALLS)
            ]
            better = "lower" if share == 0 else "higher"
            name = f"emotion_calls_{share}_percent_angry_alarmed_{shown}"
            yield Figure(name, float(np.mean(alarms)), "share of 60 calls", None, better)  # type: ignore[arg-type]


def _made(voices: Voices, speaker: str, share: int, chance: np.random.Generator) -> Whole:
    """Places of a call's clips: so much anger, of the rest one in seven another feeling, neutral the others."""
    own = {f: np.flatnonzero((voices.speaker == speaker) & (voices.feeling == f)) for f in range(6)}
    angry = PIECES * share // 100
    others = (PIECES - angry) // 7
    feelings = chance.choice([f for f in own if f not in (ANGRY, NEUTRAL)], others)
    return np.concatenate(
        [
            chance.choice(own[ANGRY], angry),
            [chance.choice(own[int(feeling)]) for feeling in feelings],
            chance.choice(own[NEUTRAL], PIECES - angry - others),
        ]
    ).astype(np.int64)


def _share_of_anger(voices: Voices, line: str, places: Whole, judges: tuple[Judge, Judge]) -> float:
    heard = voices.described[line][places]
    by_itself = judges[0].logits(alone(heard))
    relative = judges[1].logits(heard - calm_baseline(heard.astype(np.float32), by_itself))
    return float((likely(by_itself, relative) == ANGRY).mean())


def _calm(network: VoiceNetwork) -> Iterator[Figure]:
    """Share of anger that the shipped model hears in reading voices."""
    for name in CALM:
        recordings = [read(path) for path in sorted((ROOT / name).rglob("*.flac"))[:120]]
        if not recordings:
            continue
        cut = [samples[: 3 * SAMPLE_RATE] for samples in recordings]
        for line, shown in SHOWN.items():
            rows = [network.describe(samples) for samples in lines(cut, line, seed=1)]
            heard = np.stack([row for row in rows if row is not None])
            by_itself = network.judge(heard, None)
            relative = network.judge(heard, calm_baseline(heard, by_itself))
            share = float((likely(by_itself, relative) == ANGRY).mean())
            yield Figure(f"emotion_calm_{name}_heard_angry_{shown}", share, "share", ALARMED, "lower")
