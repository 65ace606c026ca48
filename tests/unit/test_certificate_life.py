"""At what time a handset judges certificates, whatever its clock says."""

from __future__ import annotations

import pytest

from compline_edge.core.certificate_life import (
    BUILT,
    FRESH,
    HubTime,
    Standing,
    clock_error,
    present,
    serves,
    standing,
)
from tests.homes import HubKeys

DAY = 86_400
YEARS = 20 * 365 * DAY
NOW = float(BUILT + 100 * DAY)
KEYS = HubKeys()
OWN = KEYS.certify("a" * 16, KEYS.certificates.link.point, now=NOW)


@pytest.mark.parametrize(
    ("clock", "said", "expected"),
    [
        (NOW, None, NOW),
        (NOW - YEARS, None, BUILT),
        (NOW - YEARS, NOW - DAY, NOW - DAY),
        (NOW + YEARS, NOW - DAY, NOW + YEARS),
    ],
)
def test_present_when_the_hub_has_not_spoken_in_this_run_then_the_latest_counts(
    clock: float, said: float | None, expected: float
) -> None:
    hub = None if said is None else HubTime(said, heard=None)
    assert present(clock=clock, monotonic=5.0, hub=hub) == expected


@pytest.mark.parametrize("clock", [NOW - YEARS, NOW, NOW + YEARS])
def test_present_when_the_hub_spoke_lately_then_its_word_counts(clock: float) -> None:
    assert present(clock=clock, monotonic=107.0, hub=HubTime(NOW, heard=100.0)) == NOW + 7


def test_present_when_the_hubs_word_is_a_day_old_then_the_latest_counts() -> None:
    hub = HubTime(NOW, heard=0.0)
    assert present(clock=NOW + YEARS, monotonic=FRESH + 1, hub=hub) == NOW + YEARS


def test_present_when_the_hub_had_been_wrong_then_its_next_word_counts() -> None:
    wrong = HubTime(NOW + YEARS, heard=None)
    assert present(clock=NOW, monotonic=0.0, hub=wrong) == NOW + YEARS
    assert present(clock=NOW, monotonic=0.0, hub=HubTime(NOW, heard=0.0)) == NOW


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0, Standing.GOOD), (19, Standing.GOOD), (21, Standing.DUE), (30, Standing.DUE), (31, Standing.ENDED)],
)
def test_standing_when_time_passes_then_due_before_it_ends(days: int, expected: Standing) -> None:
    assert standing(OWN, at=NOW + days * DAY) is expected


@pytest.mark.parametrize(("days", "good"), [(-10_000, True), (0, True), (29, True), (31, False)])
def test_serves_when_the_time_is_before_its_begin_then_believed_and_after_its_end_not(
    days: int, good: bool
) -> None:
    assert serves(OWN, at=NOW + days * DAY) is good


@pytest.mark.parametrize(("off", "days"), [(0, 0), (3 * DAY, 3), (-3 * DAY, -3), (DAY - 1, 0)])
def test_clock_error_when_told_then_in_whole_days(off: int, days: int) -> None:
    assert clock_error(clock=NOW + off, hub=NOW) == days
