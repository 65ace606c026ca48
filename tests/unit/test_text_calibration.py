"""What the classifier's logits mean: calibrated, ascending points, and a confidence in steps."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compline_edge.core.text_calibration import (
    MAX_BYTES,
    MOST_SURE,
    STEP,
    BadCalibration,
    CategoryCalibration,
    OperatingPoints,
    parse_calibration,
    percent,
)
from compline_shared.taxonomy import Category, Severity

POINTS = OperatingPoints(review=0.2, whisper=0.5, alarm=0.8)
OF = CategoryCalibration(slope=1.5, bias=-1.0, matched=2.0, points=POINTS)
TOLD = (Category.ABUSE, Category.THREAT)


def content(**points: float) -> bytes:
    codes = [category.code for category in TOLD]
    of = {
        "slope": 1,
        "bias": 0,
        "matched": 1,
        "points": {"review": 0.2, "whisper": 0.5, "alarm": 0.8} | points,
    }
    whole = {"slope": 1, "bias": 0, "matched": 1, "points": {"review": 0.1, "whisper": 0.2, "alarm": 0.3}}
    return json.dumps({"written": dict.fromkeys(codes, whole), "heard": dict.fromkeys(codes, of)}).encode()


@pytest.mark.parametrize(
    ("probability", "severity"),
    [
        (0.0, None),
        (0.199, None),
        (0.2, Severity.NOTICE),
        (0.5, Severity.WARNING),
        (0.799, Severity.WARNING),
        (0.8, Severity.SERIOUS),
        (1.0, Severity.SERIOUS),
    ],
)
def test_points_when_a_probability_reaches_one_then_it_counts_as_gravely(
    probability: float, severity: Severity | None
) -> None:
    assert POINTS.severity(probability) is severity


@given(st.floats(-1e6, 1e6), st.floats(0, 1))
def test_probability_when_the_lexicon_matches_too_then_it_is_no_smaller(logit: float, matched: float) -> None:
    alone, both = OF.probability(logit), OF.probability(logit, matched=matched)
    assert 0 <= alone <= both <= 1


@given(st.floats(0, 1))
def test_percent_when_anything_is_that_sure_then_it_is_a_step_and_never_certain(probability: float) -> None:
    shown = percent(probability)
    assert shown % STEP == 0 or shown == MOST_SURE
    assert 0 <= shown <= MOST_SURE
    assert abs(shown - 100 * probability) <= STEP


def test_calibration_when_whole_then_it_is_read() -> None:
    found = parse_calibration(content(), TOLD)
    assert found.of(Category.THREAT, heard=True).points == POINTS
    assert found.of(Category.THREAT).points.review == 0.1


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (b"{", "broken"),
        (b" " * (MAX_BYTES + 1), "larger"),
        (content(review=0.6), "ascend"),
        (content(alarm=0.4), "ascend"),
        (content(review=0.0), "above 0"),
    ],
)
def test_calibration_when_it_cannot_be_used_then_it_is_refused(broken: bytes, problem: str) -> None:
    with pytest.raises(BadCalibration, match=problem):
        parse_calibration(broken, TOLD)


def test_calibration_when_it_lacks_a_category_then_it_is_named() -> None:
    with pytest.raises(BadCalibration, match="lacks privacy"):
        parse_calibration(content(), (*TOLD, Category.PRIVACY))
