"""The text classifier by itself: its side task on public sets of offence, its confidences, its size and speed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from models.eval.authored_sets import rows, violations
from models.eval.intervals import Places, ends, of_share, resampled
from models.eval.text_reading import MODELS, classifier
from models.text.corpus import DATA, cold, fine_labels

from bench.figure import Figure
from compline_edge.core.text_calibration import percent
from compline_edge.core.text_features import CATEGORIES
from compline_shared.taxonomy import Role

MODEL = MODELS / "zh-text" / "model.tflite"
CNTP = DATA / "cntp" / "CNTP_dataset"
BEST_KNOWN = {"cold": 0.824, "tfidf": 0.795, "plain": 0.813, "disguised": 0.726, "homophones": 0.490}
"""Published: a BERT-size model on COLD; GPT-4o's detection on CNTP. Measured: TF-IDF on COLD."""
ANTI_BIAS = 3
LEAST_POSITIVES = 50
LARGEST, SLOWEST = 2_000_000, 2.0
"""Bytes of the model, and ms a message on one core, that were asked for."""
TIMED = 400

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def figures() -> Iterator[Figure]:
    """Yield size and speed, confidences, then the public sets where they are there."""
    yield Figure("text_model_size", MODEL.stat().st_size, "bytes", LARGEST, "lower")
    yield Figure("text_model_time", _milliseconds(), "ms a message", SLOWEST, "lower")
    yield from _confidences()
    if (DATA / "cold").exists():
        yield from _cold()
    if CNTP.exists():
        yield from _disguised()


def _milliseconds() -> float:
    """Median of whole messages, features included."""
    texts = [said.text for said in violations()][:TIMED]
    took = []
    for text in texts:
        begun = time.perf_counter()
        classifier().logits(text, Role.COLLECTOR, heard=False)
        took.append(time.perf_counter() - begun)
    return 1000 * float(np.median(took))


def _confidences() -> Iterator[Figure]:
    """Brier skill over the base rate for each category with enough positives, then how often a confidence was right."""
    said = [(text.text, text.categories) for text in violations()]
    said += [(text, frozenset()) for _, who, _, text in rows("lawful.tsv") if who == "collector"]
    shown, right = [], []
    for category in CATEGORIES:
        of = classifier().calibration.of(category)
        told = np.array(
            [
                percent(of.probability(classifier().logits(text, Role.COLLECTOR, heard=False)[category]))
                / 100
                for text, _ in said
            ]
        )
        wanted = np.array([category.code in categories for _, categories in said], dtype=np.float64)
        shown.append(told)
        right.append(wanted)
        if wanted.sum() >= LEAST_POSITIVES:
            name = f"text_brier_skill_{category.code}"
            yield Figure(name, brier_skill(told, wanted), "over the base rate", 0.2, "higher")
            yield from ends(name, skill_interval(told, wanted), "over the base rate", "higher")
    yield from reliability("text", np.concatenate(shown), np.concatenate(right))


def brier_skill(shown: Floats, right: Floats) -> float:
    """How much nearer to what was right the confidences are than their base rate would be, at most 1."""
    return 1 - float(np.square(shown - right).mean() / right.var())


def skill_interval(shown: Floats, right: Floats) -> tuple[float, float]:
    """The 95 % interval of `brier_skill`, where both outcomes occur in what is drawn."""
    return resampled(lambda drawn: brier_skill(shown[drawn], right[drawn]), len(shown))


def reliability(topic: str, shown: Floats, right: Floats) -> Iterator[Figure]:
    """Of the confidences in each fifth: how often they were right, beside their mean."""
    fifths = np.round(100 * shown).astype(int) // 20
    for fifth in range(5):
        inside = fifths == fifth
        if inside.any():
            name = f"{topic}_reliability_{20 * fifth}_to_{20 * fifth + 20}"
            yield Figure(
                name, float(right[inside].mean()), "share right", float(shown[inside].mean()), "higher"
            )
            yield Figure(f"{name}_count", float(inside.sum()), "confidences", None, "higher")


def _cold() -> Iterator[Figure]:
    texts = list(cold("test"))
    told = np.array([_offensive(text) > 0 for text, _ in texts])
    wanted = np.array([label == 1 for _, label in texts])
    score = _macro_f1(told, wanted)
    yield Figure("text_cold_macro_f1", score, "F1", BEST_KNOWN["cold"], "higher")
    drawn = resampled(lambda places: _macro_f1(told[places], wanted[places]), len(told))
    yield from ends("text_cold_macro_f1", drawn, "F1", "higher")
    yield Figure("text_cold_macro_f1_beside_tfidf", score, "F1", BEST_KNOWN["tfidf"], "higher")
    fine = np.array(fine_labels("test"))
    anti = fine == ANTI_BIAS
    right = (told == wanted)[anti]
    yield Figure("text_cold_anti_bias_right", float(right.mean()), "share", 0.6, "higher")
    yield from ends("text_cold_anti_bias_right", of_share(right), "share", "higher")


def _disguised() -> Iterator[Figure]:
    """Share of toxic texts called offensive, plain and in each disguise; false alarms beside them."""
    clean = np.array(list(_called(CNTP / "non_toxic_base.json", "original_text").values()))
    yield Figure("text_cntp_false_alarms", float(clean.mean()), "share", None, "lower")
    yield from ends("text_cntp_false_alarms", of_share(clean), "share", "lower")
    of_plain = _called(CNTP / "toxic_base.json", "original_text")
    plain = np.array(list(of_plain.values()))
    yield Figure("text_cntp_plain", float(plain.mean()), "share found", BEST_KNOWN["plain"], "higher")
    yield from ends("text_cntp_plain", of_share(plain), "share found", "higher")
    ways = {
        path.stem.lower().split("_t")[0]: _called(path, "perturbed_text")
        for path in sorted((CNTP / "perturbed_data").glob("*.json"))
    }
    found = np.array([[called.get(text, np.nan) for called in ways.values()] for text in of_plain])
    for way, share in zip(ways, np.nanmean(found, axis=0), strict=True):
        yield Figure(f"text_cntp_{way}", float(share), "share found", float(plain.mean()), "higher")
    mean = float(np.nanmean(found, axis=0).mean())
    yield Figure("text_cntp_disguised", mean, "share found", BEST_KNOWN["disguised"], "higher")

    def drop(drawn: Places) -> float:
        return 100 * float(plain[drawn].mean() - np.nanmean(found[drawn], axis=0).mean())

    yield Figure("text_cntp_drop", drop(np.arange(len(plain))), "points", 5.0, "lower")
    yield from ends("text_cntp_drop", resampled(drop, len(plain)), "points", "lower")


def _called(path: Path, key: str) -> dict[str, float]:
    """How much of each original text of a file is called offensive, as written under `key` in one row or several."""
    content = json.loads(path.read_text(encoding="utf-8"))
    told: dict[str, list[bool]] = {}
    for row in content["results"] if isinstance(content, dict) else content:
        told.setdefault(row["original_text"], []).append(_offensive(row[key]) > 0)
    return {text: float(np.mean(called)) for text, called in told.items()}


def _offensive(text: str) -> float:
    """The logit of *offensive to anybody*, the network's last output."""
    logits = classifier().run(text, Role.UNKNOWN)
    return -np.inf if logits is None else float(logits[len(CATEGORIES)])


def _macro_f1(told: Flags, wanted: Flags) -> float:
    return float(np.mean([_f1(told, wanted), _f1(~told, ~wanted)]))


def _f1(told: Flags, wanted: Flags) -> float:
    right = (told & wanted).sum()
    return float(2 * right / (told.sum() + wanted.sum()))
