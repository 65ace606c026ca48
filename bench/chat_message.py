"""Time of one core from a chat message to its findings, with the shipped lexicon and text classifier."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import quantiles
from time import process_time

from bench.figure import Figure
from bench.lexicon_text import chat_messages, real_packs
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.reading import TextReader
from compline_edge.senses.model_store import ModelStore
from compline_shared.taxonomy import Role

MODELS = Path(__file__).parents[1] / "models"
GOAL = 1.0
"""ms a message."""
_DISGUISES = ("{}", "你听着，{}，听见没有", "{}！！！")


def figures() -> Iterable[Figure]:
    """Yield median and 99th percentile over ordinary messages, and the median over messages with a finding."""
    reader = TextReader(TextMatcher(real_packs()), ModelStore((MODELS,)).text_classifier())
    ordinary = chat_messages()[:5000]
    violating = [
        frame.format(entry.canonical)
        for pack in real_packs()
        for entry in pack.entries
        for frame in _DISGUISES
    ]
    reader.find(ordinary[0], Role.COLLECTOR)
    times = _milliseconds(reader, ordinary)
    yield Figure("chat_message_p50", quantiles(times, n=100)[49], "ms", GOAL, "lower")
    yield Figure("chat_message_p99", quantiles(times, n=100)[98], "ms", GOAL, "lower")
    yield Figure(
        "chat_message_with_finding_p99",
        quantiles(_milliseconds(reader, violating), n=100)[98],
        "ms",
        GOAL,
        "lower",
    )


def _milliseconds(reader: TextReader, messages: list[str]) -> list[float]:
    times = []
    for message in messages:
        start = process_time()
        reader.find(message, Role.COLLECTOR)
        times.append(1000 * (process_time() - start))
    return times
