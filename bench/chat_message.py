"""Time of one core from a chat message to its findings, with the shipped lexicon."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import quantiles
from time import process_time

from bench.figure import Figure
from bench.lexicon_text import chat_messages, real_packs
from compline_edge.core.text_matcher import TextMatcher
from compline_shared.taxonomy import Role

GOAL = 1.0
"""ms a message."""
_DISGUISES = ("{}", "你听着，{}，听见没有", "{}！！！")


def figures() -> Iterable[Figure]:
    """Yield median and 99th percentile over ordinary messages, and the median over messages with a finding."""
    matcher = TextMatcher(real_packs())
    ordinary = chat_messages()[:5000]
    violating = [
        frame.format(entry.canonical)
        for pack in real_packs()
        for entry in pack.entries
        for frame in _DISGUISES
    ]
    matcher.find(ordinary[0], Role.COLLECTOR)
    times = _milliseconds(matcher, ordinary)
    yield Figure("chat_message_p50", quantiles(times, n=100)[49], "ms", GOAL, "lower")
    yield Figure("chat_message_p99", quantiles(times, n=100)[98], "ms", GOAL, "lower")
    yield Figure(
        "chat_message_with_finding_p99",
        quantiles(_milliseconds(matcher, violating), n=100)[98],
        "ms",
        GOAL,
        "lower",
    )


def _milliseconds(matcher: TextMatcher, messages: list[str]) -> list[float]:
    times = []
    for message in messages:
        start = process_time()
        matcher.find(message, Role.COLLECTOR)
        times.append(1000 * (process_time() - start))
    return times
