"""How long settled entries stay: held to a plain account that notes for each entry when it was settled."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compline_shared.outbox import GRAIN, KEEP_SETTLED, MOST_MARKS, Mark, Progress, put, settle

NOON = 1_795_003_200.0
CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 20)),
        st.tuples(st.just("settle"), st.floats(0, 1)),
        st.tuples(st.just("wait"), st.floats(0, 3 * 86_400)),
        st.tuples(st.just("clock set back"), st.floats(0, 3 * 86_400)),
    ),
    max_size=60,
)


def filled(last: int) -> Progress:
    progress = Progress()
    for seq in range(1, last + 1):
        progress = put(progress, seq)
    return progress


def test_put_when_it_is_there_already_then_nothing_changes() -> None:
    assert put(filled(3), 2) == filled(3)


def test_put_when_a_seq_is_missing_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="in seq order"):
        put(filled(3), 5)


def test_settle_when_a_receipt_names_what_was_never_made_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="an entry that is kept"):
        settle(filled(3), 4, now=NOON)


def test_settle_when_a_receipt_names_what_is_kept_no_longer_then_it_is_refused() -> None:
    progress = settle(settle(filled(9), 5, now=NOON), 9, now=NOON + KEEP_SETTLED + GRAIN + 1)
    assert progress.pruned == 5
    with pytest.raises(ValueError, match="an entry that is kept"):
        settle(progress, 5, now=NOON)


def test_settle_when_the_hub_lost_everything_then_all_that_is_kept_is_owed() -> None:
    progress = settle(settle(filled(3), 3, now=NOON), 0, now=NOON)
    assert (progress.settled, progress.owed, progress.pruned) == (0, 3, 0)


def test_settle_when_the_clock_was_ahead_then_what_was_settled_then_is_kept_from_now_on() -> None:
    ahead = settle(filled(5), 3, now=NOON + 400 * 86_400)
    progress = settle(ahead, 5, now=NOON)
    assert progress.marks == (Mark(5, NOON + GRAIN),)


@example(
    calls=[
        *(("put", 2), ("settle", 1.0), ("clock set back", 1.0)),
        *(("wait", KEEP_SETTLED + GRAIN + 1.0), ("settle", 1.0)),
    ]
)
@given(calls=CALLS)
def test_settled_when_compared_with_a_plain_account_then_kept_as_long_as_promised(
    calls: list[tuple[str, float]],
) -> None:
    progress, now = Progress(), NOON
    # of each settled entry that is kept, when it was settled: at the earliest by any clock since, and by the clock
    # then, which a settlement alone finds to have been ahead
    since: dict[int, float] = {}
    told: dict[int, float] = {}
    for call, number in calls:
        match call:
            case "put":
                for _ in range(int(number)):
                    progress = put(progress, progress.last + 1)
            case "wait":
                now += number
            case "clock set back":
                now -= number
                since = {seq: min(at, now) for seq, at in since.items()}
            case _:
                lowest = progress.pruned + 1 if progress.pruned else 0
                if lowest > progress.last:
                    continue
                up_to = lowest + round(number * (progress.last - lowest))
                before = progress
                progress = settle(progress, up_to, now=now)
                since = {seq: since.get(seq, now) for seq in range(progress.pruned + 1, up_to + 1)} | {
                    seq: at for seq, at in since.items() if seq <= progress.pruned
                }
                told = {seq: min(told.get(seq, now), now) for seq in since}
                gone = range(before.pruned + 1, progress.pruned + 1)
                assert all(now - since.pop(seq) >= KEEP_SETTLED for seq in gone)
                assert all(
                    now - told[seq] <= KEEP_SETTLED + GRAIN for seq in range(progress.pruned + 1, up_to)
                )
                assert progress.settled == up_to
    assert len(progress.marks) <= MOST_MARKS
    assert [mark.up_to for mark in progress.marks] == sorted({mark.up_to for mark in progress.marks})
    assert [mark.at for mark in progress.marks] == sorted({mark.at for mark in progress.marks})
