"""The packs that ship: they load, cover every category, find what they stand for and leave ordinary talk alone."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from compline_edge.core.template import phrases
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.senses.pack_files import Loaded
from compline_edge.senses.packs import load_packs
from compline_shared.lexicon import Entry, Pack
from compline_shared.taxonomy import SPEECH_CATEGORIES, Category, Role

ROOT = Path(__file__).resolve().parents[2]
DIALOGUES = ROOT.parent / "shared/data/teleantifraud/normal_dialogues-20250303_015751.jsonl"
EXAMPLES = ROOT / "models/lexicons/zh-CN/examples.tsv"
LEAST_RECALL = 0.88  # of a category's self-made examples; measured 0.92 to 1.00
LEAST_CLEAN = 0.98  # of the clean ones; measured 1.00
ONE_IN = 2000
"""Ordinary messages of which fewer than one may raise a finding."""


@cache
def _loaded() -> Loaded[Pack]:
    return load_packs(ROOT / "models", "zh-CN")


@cache
def _matcher() -> TextMatcher:
    return TextMatcher(_loaded().packs)


def _entries() -> list[Entry]:
    return [entry for pack in _loaded().packs for entry in pack.entries]


def _ordinary() -> list[str]:
    dialogues = [json.loads(line) for line in DIALOGUES.read_text("utf-8").splitlines()]
    return [message for dialogue in dialogues for message in (*dialogue["left"], *dialogue["right"])]


def _examples(label: str) -> list[str]:
    rows = [line.split("\t") for line in EXAMPLES.read_text("utf-8").splitlines() if line and line[0] != "#"]
    return [row[0] for row in rows if row[1] == label]


def _found(text: str, category: Category) -> bool:
    if category is Category.MISSING_DISCLOSURE:
        return bool(_matcher().disclosures(text))
    return category in {noticed.category for noticed in _matcher().find(text, Role.COLLECTOR)}


def _clean_share(matcher: TextMatcher) -> float:
    clean = _examples("clean")
    return sum(not matcher.find(text, Role.COLLECTOR) for text in clean) / len(clean)


def _share_with_findings(messages: list[str]) -> float:
    return sum(bool(_matcher().find(message, Role.COLLECTOR)) for message in messages) / len(messages)


def test_shipped_packs_when_loaded_then_nothing_is_wrong_with_them() -> None:
    assert _loaded().problems == ()


@pytest.mark.parametrize("category", sorted(SPEECH_CATEGORIES), ids=lambda category: category.code)
def test_shipped_packs_when_counted_then_each_category_has_25_entries(category: Category) -> None:
    assert Counter(entry.category for entry in _entries())[category] >= 25


def test_shipped_entries_when_their_own_phrases_are_said_then_their_category_is_found() -> None:
    missed = [
        (entry.id, phrase.text)
        for entry in _entries()
        if entry.in_text and entry.category is not Category.MISSING_DISCLOSURE
        for phrase in phrases(entry)[::50]
        if entry.category not in {n.category for n in _matcher().find("".join(phrase.parts), Role.COLLECTOR)}
    ]
    assert missed == []


def test_shipped_disclosures_when_said_then_each_is_told() -> None:
    disclosures = [entry for entry in _entries() if entry.category is Category.MISSING_DISCLOSURE]
    missed = [e.id for e in disclosures if e.id not in _matcher().disclosures(phrases(e)[0].text)]
    assert missed == []


def test_shipped_disclosures_when_a_court_is_posed_as_then_nobody_has_said_who_calls() -> None:
    posed = ["我是法院的工作人员", "这里是公安局网安中心", "你好我这边是检察院案件管理中心的"]
    assert [_matcher().disclosures(text) for text in posed] == [frozenset()] * len(posed)


@pytest.mark.parametrize("category", sorted(SPEECH_CATEGORIES), ids=lambda category: category.code)
def test_examples_when_they_violate_then_most_are_found_under_their_category(category: Category) -> None:
    examples = _examples(category.code)
    assert sum(_found(text, category) for text in examples) / len(examples) >= LEAST_RECALL


def test_examples_when_clean_then_nearly_all_stay_clean() -> None:
    assert _clean_share(_matcher()) >= LEAST_CLEAN


def test_examples_when_contexts_are_disabled_then_too_few_stay_clean() -> None:
    bare = [
        replace(pack, entries=tuple(replace(e, excluded=(), excluded_after=()) for e in pack.entries))
        for pack in _loaded().packs
    ]
    assert _clean_share(TextMatcher(bare)) < LEAST_CLEAN


@pytest.mark.skipif(
    not DIALOGUES.is_file(), reason="ordinary dialogues (../shared/data/teleantifraud) are not here"
)
def test_ordinary_talk_when_matched_then_fewer_than_one_message_in_two_thousand_has_a_finding() -> None:
    assert _share_with_findings(_ordinary()) < 1 / ONE_IN


@pytest.mark.skipif(
    not DIALOGUES.is_file(), reason="ordinary dialogues (../shared/data/teleantifraud) are not here"
)
def test_ordinary_talk_when_a_violation_is_planted_in_one_of_a_thousand_then_the_count_shows_it() -> None:
    planted = [message + "我要找人打断你的腿" for message in _ordinary()[::1000]]
    assert _share_with_findings(_ordinary()[:1000] + planted) > 1 / ONE_IN
