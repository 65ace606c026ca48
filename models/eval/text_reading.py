"""What reads texts, as the product wires it, and the lexicon without the classifier to compare with."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from compline_edge.core.text_matcher import TextMatcher
from compline_edge.reading import TextReader
from compline_edge.senses.model_store import ModelStore
from compline_edge.senses.packs import load_packs
from compline_edge.senses.text_model import TfliteTextClassifier

MODELS = Path(__file__).parents[1]


@cache
def lexicon_alone() -> TextReader:
    """The shipped lexicon."""
    return TextReader(TextMatcher(load_packs(MODELS, "zh-CN").sound()))


@cache
def text_reader() -> TextReader:
    """The shipped lexicon and classifier."""
    return TextReader(lexicon_alone().matcher, classifier())


@cache
def classifier() -> TfliteTextClassifier:
    """The shipped classifier."""
    found = ModelStore((MODELS,)).text_classifier()
    assert isinstance(found, TfliteTextClassifier)
    return found
