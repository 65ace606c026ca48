"""Violations found, and lawful talk left alone, in sentences and calls written without sight of lexicon and training.

Self-made, by hand, and apart from everything that is trained or widened on: 400 sentences of misconduct in calls and
chats, half of them without a telling word, 380 of lawful collectors, debtors and others, and 40 whole compliant calls.
An entry may not be widened for one of them, nor a template written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from models.eval.intervals import ends, of_share
from models.eval.text_reading import lexicon_alone, text_reader

from bench.figure import Figure
from compline_edge.core.judgement import gravest
from compline_edge.reading import TextReader
from compline_shared.taxonomy import Role, Severity

SENTENCES = Path(__file__).with_name("authored")
GOALS = {"chat": 0.8, "speech": 0.65}
"""Recall that the recognition work aims at; what is spoken is here read as text, without a recogniser's errors."""
POINTS = {"review": Severity.NOTICE, "whisper": Severity.WARNING, "alarm": Severity.SERIOUS}
"""What goes to the review queue, is whispered to the collector, and alarms the admin: all from this severity on."""
CALLS = ("compliant_calls.tsv", "compliant_calls_two.tsv", "compliant_calls_three.tsv")
"""Files of whole compliant calls: the first 40, by which rules and points were once looked at, and those since."""
PREVALENCE = 0.01
"""Share of calls with misconduct at which the positive predictive value is told."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One sentence with what is wrong in it."""

    categories: frozenset[str]
    first: str
    medium: str
    text: str


def figures() -> Iterator[Figure]:
    """Yield recall by medium and category with its 95 % interval, then what is alarmed at and how far that is right."""
    reader = text_reader()
    said = list(violations())
    yield from _recall(said, [caught(reader, each) for each in said])
    yield from _lexicon(said)
    yield from _points(said, reader)


def violations() -> Iterator[Violation]:
    """Yield the sentences of misconduct."""
    for codes, medium, text in rows("violations.tsv"):
        categories = codes.split("+")
        yield Violation(frozenset(categories), categories[0], medium, text)


def caught(reader: TextReader, said: Violation, *, least: Severity = Severity.NOTICE) -> bool:
    """Whether a category of the sentence is found in it, at least so grave."""
    found = reader.find(said.text, Role.COLLECTOR)
    return any(n.category.code in said.categories and n.severity >= least for n in found)


def rows(name: str) -> Iterator[list[str]]:
    """Yield the columns of each line of a file of `SENTENCES`."""
    for line in (SENTENCES / name).read_text(encoding="utf-8").splitlines():
        yield line.split("\t")


def _recall(said: Sequence[Violation], hits: Sequence[bool]) -> Iterator[Figure]:
    for medium, goal in GOALS.items():
        own = [hit for each, hit in zip(said, hits, strict=True) if each.medium == medium]
        yield Figure(f"authored_recall_{medium}", float(np.mean(own)), "share", goal, "higher")
        yield from ends(f"authored_recall_{medium}", of_share(own), "share", "higher")
    for category in sorted({each.first for each in said}):
        own = [hit for each, hit in zip(said, hits, strict=True) if each.first == category]
        yield Figure(f"authored_recall_{category}", float(np.mean(own)), "share", None, "higher")


def _lexicon(said: Sequence[Violation]) -> Iterator[Figure]:
    reader = lexicon_alone()
    for medium in GOALS:
        hits = [caught(reader, each) for each in said if each.medium == medium]
        yield Figure(f"authored_recall_lexicon_{medium}", float(np.mean(hits)), "share", None, "higher")


def _points(said: Sequence[Violation], reader: TextReader) -> Iterator[Figure]:
    """For each point: recall, alarms in lawful sentences and calls, and how many alarmed calls are bad ones."""
    lawful: dict[str, list[Severity | None]] = {}
    for _, who, _, sentence in rows("lawful.tsv"):
        lawful.setdefault(who, []).append(_gravest(reader, [(who, sentence)]))
    calls: dict[str, list[tuple[str, str]]] = {}
    for call, _, who, sentence in rows("compliant_calls.tsv"):
        calls.setdefault(call, []).append((who, sentence))
    told = [_gravest(reader, turns) for turns in calls.values()]
    for point, least in POINTS.items():
        recall = float(np.mean([caught(reader, each, least=least) for each in said]))
        yield Figure(f"authored_{point}_recall", recall, "share", None, "higher")
        for who, severities in sorted(lawful.items()):
            yield from _alarms(
                f"authored_{point}_lawful_{who}", _alarmed(severities, least), "of 100 sentences"
            )
        calls_alarmed = _alarmed(told, least)
        yield from _alarms(f"authored_{point}_compliant_calls", calls_alarmed, "of 100 calls")
        alarms = float(np.mean(calls_alarmed))
        right = recall * PREVALENCE
        value = right / (right + alarms * (1 - PREVALENCE)) if right else 0.0
        yield Figure(f"authored_{point}_predictive_value", value, "share at 1 % prevalence", None, "higher")


def _gravest(reader: TextReader, turns: Iterable[tuple[str, str]]) -> Severity | None:
    return gravest(
        noticed
        for who, sentence in turns
        for noticed in reader.find(sentence, Role.COLLECTOR if who == "collector" else Role.OTHER)
    )


def _alarmed(severities: Sequence[Severity | None], least: Severity) -> list[bool]:
    return [severity is not None and severity >= least for severity in severities]


def _alarms(name: str, alarmed: Sequence[bool], unit: str) -> Iterator[Figure]:
    yield Figure(name, 100 * float(np.mean(alarmed)), unit, None, "lower")
    yield from ends(name, of_share(alarmed), unit, "lower", times=100)
