"""The sample day's figures: a verdict's categories beside those that a call holds."""

from __future__ import annotations

import pytest
from models.eval.sample_day import Said, Tally, found_near, tally

from compline_edge.inspection import FoundRow

THREAT = Said("threat", 10.0, 12.0)
ABSENT = Said("missing_disclosure", None, None)


def _found(category: str, offset: float) -> FoundRow:
    return FoundRow(
        category=category, severity="serious", confidence=90, offset_s=offset, rule=None, term=None
    )


def test_tally_when_another_category_is_claimed_then_it_is_wrong_and_the_true_one_missed() -> None:
    assert tally({"privacy"}, [THREAT], tolerated=set()) == Tally(set(), {"privacy"}, {"threat"})


def test_tally_when_an_absence_is_claimed_then_it_counts_like_any_other() -> None:
    assert tally({"missing_disclosure"}, [ABSENT], tolerated=set()).right == {"missing_disclosure"}
    assert tally({"missing_disclosure"}, [THREAT], tolerated=set()).wrong == {"missing_disclosure"}


def test_tally_when_a_category_is_tolerated_then_it_is_neither_right_nor_wrong() -> None:
    assert tally({"threat"}, [], tolerated={"threat"}) == Tally(set(), set(), set())


@pytest.mark.parametrize(
    ("category", "offset", "near"),
    [("threat", 9.0, True), ("threat", 14.5, False), ("abuse", 11.0, False)],
)
def test_phrase_when_a_finding_stands_by_it_then_only_its_own_category_counts(
    category: str, offset: float, near: bool
) -> None:
    assert found_near(THREAT, [_found(category, offset)]) is near


def test_absence_when_looked_for_by_place_then_it_has_none() -> None:
    assert not found_near(ABSENT, [_found("missing_disclosure", 30.0)])
