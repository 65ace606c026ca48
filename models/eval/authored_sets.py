"""Violations found, and lawful talk left alone, in sentences and calls written without sight of the lexicon.

Self-made, by hand, and apart from everything that is trained or widened on: 400 sentences of misconduct in calls and
chats, half of them without a telling word, 380 of lawful collectors, debtors and others, and 40 whole compliant calls.
An entry may not be widened for one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from models.eval.pinyin_error import interval

from bench.figure import Figure
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.senses.packs import load_packs
from compline_shared.taxonomy import Role

SENTENCES = Path(__file__).with_name("authored")
MODELS = Path(__file__).parents[1]
GOALS = {"chat": 0.8, "speech": 0.65}
"""Recall that the recognition work aims at; what is spoken is here read as text, without a recogniser's errors."""


def figures() -> Iterator[Figure]:
    """Yield recall by medium and category with its 95 % interval, then false alarms."""
    matcher = TextMatcher(load_packs(MODELS, "zh-CN").sound())
    found: dict[tuple[str, str], list[bool]] = {}
    for categories, medium, sentence in rows("violations.tsv"):
        wanted = categories.split("+")
        hit = any(n.category.code in wanted for n in matcher.find(sentence, Role.COLLECTOR))
        found.setdefault((medium, wanted[0]), []).append(hit)
    for medium, goal in GOALS.items():
        hits = [hit for (of, _), each in found.items() if of == medium for hit in each]
        yield Figure(f"authored_recall_{medium}", float(np.mean(hits)), "share", goal, "higher")
        for end, bound in zip(("low", "high"), interval([(hit, 1) for hit in hits]), strict=True):
            yield Figure(f"authored_recall_{medium}_{end}", bound / 100, "share", None, "higher")
    for category in sorted({category for _, category in found}):
        hits = [hit for (_, of), each in found.items() if of == category for hit in each]
        yield Figure(f"authored_recall_{category}", float(np.mean(hits)), "share", None, "higher")
    yield from _false_alarms(matcher)


def _false_alarms(matcher: TextMatcher) -> Iterator[Figure]:
    alarmed: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for _, who, _, sentence in rows("lawful.tsv"):
        role = Role.COLLECTOR if who == "collector" else Role.OTHER
        said[who] += 1
        alarmed[who] += bool(matcher.find(sentence, role))
    for who in sorted(said):
        share = 100 * alarmed[who] / said[who]
        yield Figure(f"authored_lawful_{who}_alarms", share, "of 100 sentences", None, "lower")
    calls: dict[str, bool] = {}
    for call, _, who, sentence in rows("compliant_calls.tsv"):
        role = Role.COLLECTOR if who == "collector" else Role.OTHER
        calls[call] = bool(matcher.find(sentence, role)) or calls.get(call, False)
    yield Figure(
        "authored_compliant_calls_alarmed",
        100 * sum(calls.values()) / len(calls),
        "of 100 calls",
        None,
        "lower",
    )


def rows(name: str) -> Iterator[list[str]]:
    """Yield the columns of each line of a file of `SENTENCES`."""
    for line in (SENTENCES / name).read_text(encoding="utf-8").splitlines():
        yield line.split("\t")
