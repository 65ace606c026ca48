"""Whatever policy says of categories: one encoding, nothing lost but by silence, never less grave for being surer."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from compline_shared.codec import encode
from compline_shared.commands import Policy
from compline_shared.errors import MalformedFrame
from compline_shared.lease import LeaseTimes
from compline_shared.message_frame import decode_message, encode_message
from compline_shared.strictness import (
    CONFIDENCES,
    GRADED,
    MOST,
    NAMED,
    CategoryStrictness,
    Points,
    require_ascending,
    with_category,
    without_category,
)
from compline_shared.taxonomy import Category

STEPS = st.sampled_from(CONFIDENCES)


@st.composite
def points(draw: st.DrawFn) -> Points:
    alarm = draw(STEPS.filter(lambda step: step >= 50))
    whisper = draw(STEPS.filter(lambda step: 40 <= step <= alarm))
    return Points(draw(STEPS.filter(lambda step: 30 <= step <= min(whisper, 90))), whisper, alarm)


@st.composite
def of_a_category(draw: st.DrawFn) -> CategoryStrictness:
    category = draw(st.sampled_from(sorted(NAMED)))
    return CategoryStrictness(
        category, draw(points()) if category in GRADED and draw(st.booleans()) else None
    )


@st.composite
def strictness(draw: st.DrawFn) -> tuple[CategoryStrictness, ...]:
    made: tuple[CategoryStrictness, ...] = ()
    for each in draw(st.lists(of_a_category(), max_size=20)):
        made = with_category(made, each)
    return made


@given(strictness())
def test_policy_when_round_tripped_then_equal(made: tuple[CategoryStrictness, ...]) -> None:
    policy = Policy(bytes(16), 7, LeaseTimes(), (), (), made)
    assert decode_message(encode_message(policy), Policy) == policy


@given(
    st.lists(
        st.tuples(st.integers(-1, 40), st.none() | st.lists(st.integers(-5, 110), max_size=4)), max_size=12
    )
)
def test_policy_when_anything_stands_there_then_malformed_or_one_that_keeps_the_limits(
    members: list[tuple[int, list[int] | None]],
) -> None:
    empty = encode_message(Policy(bytes(16), 7, LeaseTimes(), ()))
    payload = empty[:-1] + encode(
        [[category, None if chosen is None else [*chosen]] for category, chosen in members]
    )
    with suppress(MalformedFrame):
        made = decode_message(payload, Policy)
        require_ascending(made.strictness)
        assert encode_message(made) == payload
        assert all(each.points is None or each.points.severity(MOST) for each in made.strictness)


@given(points())
def test_points_when_in_bounds_then_the_surest_is_noticed_and_surer_is_never_less_grave(made: Points) -> None:
    grave = [made.severity(confidence) or 0 for confidence in CONFIDENCES]
    assert grave == sorted(grave)
    assert grave[-1] > 0
    assert grave[0] == 0


@given(strictness(), of_a_category(), st.sampled_from(sorted(NAMED)))
def test_category_when_changed_and_taken_back_then_only_it_is_as_calibrated(
    made: tuple[CategoryStrictness, ...], changed: CategoryStrictness, other: Category
) -> None:
    after = without_category(with_category(made, changed), changed.category)
    assert after == without_category(made, changed.category)
    require_ascending(after)
