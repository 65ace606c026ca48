"""Speed of scanning text for 10,000 lexicon entries, normaliser and pinyin included, beside bare pyahocorasick."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import process_time

import ahocorasick

from bench.figure import Figure
from bench.lexicon_text import chat_messages, large_pack
from compline_edge.core.template import phrases
from compline_edge.core.text_matcher import TextMatcher
from compline_shared.taxonomy import Role

GOAL = 5.0
"""MB/s of UTF-8."""


def figures() -> Iterable[Figure]:
    """Yield speeds over one long text, and message by message, each beside bare pyahocorasick on the same text."""
    messages = chat_messages()
    text = "\n".join(messages)
    megabytes = len(text.encode()) / 1e6
    pack = large_pack()
    words = [phrase.text for entry in pack.entries for phrase in phrases(entry)]
    matcher = TextMatcher([pack])
    characters, octets = _automaton(words), _automaton([_octets(word) for word in words])
    matcher.find(text[:1000], Role.COLLECTOR)

    found = megabytes / _best(lambda: matcher.find(text, Role.COLLECTOR))
    bare = megabytes / min(
        _best(lambda: list(characters.iter(text))), _best(lambda: list(octets.iter(_octets(text))))
    )
    yield Figure("lexicon_scan", found, "MB/s", bare, "higher")
    yield Figure("lexicon_scan_against_goal", found, "MB/s", GOAL, "higher")

    each = megabytes / _best(lambda: [matcher.find(message, Role.COLLECTOR) for message in messages])
    bare_each = megabytes / _best(lambda: [list(characters.iter(message)) for message in messages])
    yield Figure("lexicon_scan_by_message", each, "MB/s", bare_each, "higher")


def _automaton(words: list[str]) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for number, word in enumerate(words):
        automaton.add_word(word, number)
    automaton.make_automaton()
    return automaton


def _octets(text: str) -> str:
    return text.encode().decode("latin-1")


def _best(run: Callable[[], object], *, times: int = 5) -> float:
    """Return the least seconds of one core that a run took."""
    best = float("inf")
    for _ in range(times):
        start = process_time()
        run()
        best = min(best, process_time() - start)
    return best
