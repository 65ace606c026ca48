"""What lexicon and classifier find together in a text, with a classifier that knows a few words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compline_edge.core.text_calibration import Calibration, CategoryCalibration, OperatingPoints
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.reading import LEAST_SURE, LONGEST_PIECE, PIECE, TextReader, pieces
from compline_shared.lexicon import parse_pack
from compline_shared.strictness import Points
from compline_shared.taxonomy import Category, Role, Severity, Technique

PACK = parse_pack(
    "@pack own\n@version 1\n@language zh-CN\n@category abuse\n"
    "1001 | serious | 你这个老赖 | not: - | 老赖 | deadbeat | text\n",
    name="own.lex",
)
MATCHER = TextMatcher((PACK,))
SURE, LIKELY, HINT = 9.0, 0.5, -0.9
"""Logits of an alarm, a whisper and a review below."""
POINTS = OperatingPoints(review=0.25, whisper=0.5, alarm=0.9)
CATEGORIES = (Category.ABUSE, Category.THREAT)


CALIBRATION = Calibration(
    **{
        how: {
            category.code: CategoryCalibration(slope=1.0, bias=bias, matched=2.0, points=POINTS)
            for category in CATEGORIES
        }
        for how, bias in (("written", 0.0), ("heard", -7.5))
    }
)


@dataclass(slots=True)
class WordClassifier:
    """Knows words of a category, and notes what it was asked."""

    words: Mapping[str, tuple[Category, float]]
    asked: list[str] = field(default_factory=list)
    version: int = 3
    calibration: Calibration = CALIBRATION

    def logits(self, text: str, role: Role, *, heard: bool) -> Mapping[Category, float]:
        self.asked.append(text)
        found = dict.fromkeys(CATEGORIES, -9.0)
        for word, (category, logit) in self.words.items():
            if word in text:
                found[category] = logit
        return found


def reader(**words: tuple[Category, float]) -> TextReader:
    return TextReader(MATCHER, WordClassifier(words))


def test_reader_when_no_phrase_matches_then_the_classifier_alone_finds_the_sentence() -> None:
    text = "您好。出门当心点。再见。" + "好" * PIECE
    (found,) = reader(当心=(Category.THREAT, SURE)).find(text, Role.COLLECTOR)
    assert (found.category, found.technique, found.entry, found.phrase) == (
        Category.THREAT,
        Technique.CLASSIFIER,
        0,
        "",
    )
    assert found.severity is Severity.SERIOUS
    assert found.confidence == 95
    assert found.span is not None
    assert "当心" in text[found.span.start : found.span.end]


@pytest.mark.parametrize(
    ("logit", "severity"),
    [(SURE, Severity.SERIOUS), (LIKELY, Severity.WARNING), (HINT, Severity.NOTICE), (-3.0, None)],
)
def test_reader_when_the_classifier_is_so_sure_then_it_counts_so_gravely(
    logit: float, severity: Severity | None
) -> None:
    found = reader(当心=(Category.THREAT, logit)).find("出门当心点", Role.COLLECTOR)
    assert [noticed.severity for noticed in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("review", "whisper", "alarm", "severity"),
    [
        (70, 80, 95, None),
        (60, 80, 95, Severity.NOTICE),
        (30, 60, 95, Severity.WARNING),
        (30, 40, 60, Severity.SERIOUS),
    ],
)
def test_reader_when_policy_sets_points_then_what_is_told_is_held_to_them(
    review: int, whisper: int, alarm: int, severity: Severity | None
) -> None:
    policy = {Category.THREAT: Points(review, whisper, alarm)}
    words = {"当心": (Category.THREAT, LIKELY), "不要脸": (Category.ABUSE, LIKELY)}
    found = replace(reader(**words), points=policy).find("出门当心点，不要脸", Role.COLLECTOR)
    assert [each.severity for each in found if each.category is Category.THREAT] == (
        [severity] if severity else []
    )
    assert [(each.severity, each.confidence) for each in found if each.category is Category.ABUSE] == [
        (Severity.WARNING, 60)  # of which policy says nothing
    ]


def test_reader_when_policy_is_lenient_then_a_phrase_stands_as_its_pack_says() -> None:
    policy = {Category.ABUSE: Points(90, 95, 95)}
    (found,) = replace(reader(), points=policy).find("你这个老赖", Role.COLLECTOR)
    assert (found.severity, found.technique) == (Severity.SERIOUS, Technique.LEXICON_TEXT)


def test_reader_when_it_is_not_known_who_speaks_then_the_classifier_alone_gives_a_notice() -> None:
    (found,) = reader(当心=(Category.THREAT, SURE)).find("出门当心点", Role.UNKNOWN)
    assert found.severity is Severity.NOTICE


def test_reader_when_the_other_side_speaks_then_the_classifier_is_not_asked() -> None:
    asked = WordClassifier({"当心": (Category.THREAT, SURE)})
    assert TextReader(MATCHER, asked).find("你出门当心点", Role.OTHER) == []
    assert asked.asked == []


@pytest.mark.parametrize(("logit", "confidence"), [(SURE, 95), (0.0, 90), (-3.1, 20), (-9.0, LEAST_SURE)])
def test_reader_when_a_phrase_matches_then_it_stands_with_the_confidence_of_both(
    logit: float, confidence: int
) -> None:
    (found,) = reader(老赖=(Category.ABUSE, logit)).find("你这个老赖", Role.COLLECTOR)
    assert (found.technique, found.entry, found.severity) == (
        Technique.LEXICON_TEXT,
        1001,
        Severity.SERIOUS,
    )
    assert found.confidence == confidence


def test_reader_when_a_phrase_stands_among_polite_words_then_its_own_clause_counts() -> None:
    asked = WordClassifier({"老赖": (Category.ABUSE, SURE), "您好": (Category.ABUSE, -9.0)})  # the later wins
    (found,) = TextReader(MATCHER, asked).find("您好，你这个老赖，再见", Role.COLLECTOR)
    assert found.confidence == 95


@pytest.mark.parametrize("noise", ["好好好好好好", "那个那个那个", "呵呵呵呵", "。。。"])
def test_reader_when_a_text_is_one_word_over_and_over_then_the_classifier_is_not_asked(noise: str) -> None:
    asked = WordClassifier({})
    assert TextReader(MATCHER, asked).find(noise, Role.COLLECTOR) == []
    assert asked.asked == []


def test_reader_when_both_see_different_things_then_both_are_found_in_order() -> None:
    found = reader(当心=(Category.THREAT, SURE), 老赖=(Category.ABUSE, SURE)).find(
        "你这个老赖，出门当心点", Role.COLLECTOR
    )
    assert [(n.category, n.technique) for n in found] == [
        (Category.ABUSE, Technique.LEXICON_TEXT),
        (Category.THREAT, Technique.CLASSIFIER),
    ]


def test_reader_when_it_has_no_classifier_then_the_lexicon_finds_as_before() -> None:
    assert TextReader(MATCHER).find("你这个老赖", Role.COLLECTOR) == MATCHER.find(
        "你这个老赖", Role.COLLECTOR
    )


@given(st.text(alphabet="你我好钱。！？\n；，", max_size=600))
def test_pieces_when_a_text_is_divided_then_nothing_is_lost_and_none_is_long(text: str) -> None:
    spans = list(pieces(text))
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert all(0 < span.end - span.start <= LONGEST_PIECE for span in spans)


def test_pieces_when_sentences_are_short_then_neighbours_are_read_together() -> None:
    text = "您好。在吗？" * 30
    spans = list(pieces(text))
    assert len(spans) < 30
    assert all(text[span.end - 1] in "。？" for span in spans)


def test_reader_when_a_recogniser_heard_it_then_its_own_calibration_counts() -> None:
    found = reader(当心=(Category.THREAT, SURE)).find("出门当心点", Role.COLLECTOR, heard=True)
    assert [(n.severity, n.confidence) for n in found] == [(Severity.WARNING, 80)]
