"""Conditions joined by and, or and not: Kleene's tables, and where a finding then lies."""

from __future__ import annotations

from itertools import product

import pytest

from compline_edge.core.outcome import Truth
from tests.rule_calls import call, found, truth

TRUE, UNKNOWN, FALSE = Truth.TRUE, Truth.UNKNOWN, Truth.FALSE
CALL = call("mixed ; collector 0-10 你好请问今天方便还款吗 ; other 10-20 你们不要再打电话了")
SAMPLES = {
    TRUE: "any(方便还款)",
    UNKNOWN: "collector any(方便还款)",
    FALSE: "any(马上还钱)",
}
PAIRS = list(product(SAMPLES, repeat=2))


@pytest.mark.parametrize("value", SAMPLES)
def test_samples_when_judged_then_they_are_what_they_stand_for(value: Truth) -> None:
    assert truth(SAMPLES[value], CALL) is value


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_and_when_judged_then_it_is_the_least(one: Truth, other: Truth) -> None:
    assert truth(f"{SAMPLES[one]} and {SAMPLES[other]}", CALL) is min(one, other)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_or_when_judged_then_it_is_the_greatest(one: Truth, other: Truth) -> None:
    assert truth(f"{SAMPLES[one]} or {SAMPLES[other]}", CALL) is max(one, other)


@pytest.mark.parametrize("value", SAMPLES)
def test_not_when_judged_then_unknown_stays_unknown(value: Truth) -> None:
    assert truth(f"not {SAMPLES[value]}", CALL) is value.opposite


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("any(方便还款) or any(马上还钱) and any(马上还钱)", TRUE),  # and binds closer
        ("(any(方便还款) or any(马上还钱)) and any(马上还钱)", FALSE),
        ("not any(马上还钱) and any(方便还款)", TRUE),  # not binds closest
        ("not (any(马上还钱) and any(方便还款))", TRUE),
        ("not not any(方便还款)", TRUE),
    ],
)
def test_brackets_when_they_stand_then_they_bind(condition: str, expected: Truth) -> None:
    assert truth(condition, CALL) is expected


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ("any(不要再打) and any(方便还款)", 2),
        ("any(方便还款) and any(不要再打)", 1),
        ("duration longer than 1 s and any(方便还款)", 1),
        ("any(马上还钱) or any(不要再打)", 2),
        ("none(马上还钱) and duration longer than 1 s", 3),
    ],
)
def test_finding_when_joined_then_it_lies_where_the_first_part_with_a_place_does(
    condition: str, place: int
) -> None:
    assert {1: 0 < (start := found(condition, CALL)[0].start) < 10, 2: 10 < start < 20, 3: start == 20}[place]
