"""When a binding began, and what is older than that, whatever the clocks say."""

from __future__ import annotations

import pytest

from compline_edge.core.beginning import Beginning, left_alone

JOINED = 1_795_500_000.0
YEAR = 31_536_000.0


@pytest.mark.parametrize(
    ("handset", "hub", "changed", "now", "before"),
    [
        (JOINED, JOINED, JOINED - 1, JOINED + 60, True),
        (JOINED, JOINED, JOINED, JOINED + 60, False),
        (JOINED, JOINED, JOINED + 60, JOINED + 60, False),
        (JOINED - YEAR, JOINED, JOINED - 1, JOINED + 60, True),
        (JOINED + YEAR, JOINED, JOINED + YEAR - 1, JOINED + 60, True),
        (JOINED, JOINED, JOINED + YEAR, JOINED + 60, True),
    ],
    ids=["older", "at once", "later", "clock had fallen back", "clock was ahead", "of the future"],
)
def test_file_when_its_time_is_compared_then_it_is_of_before_or_not(
    handset: float, hub: float, changed: float, now: float, before: bool
) -> None:
    assert Beginning(handset, hub).follows_file(changed, now=now) is before


@pytest.mark.parametrize("ahead", [-YEAR, 0.0, YEAR])
def test_message_when_the_handsets_clock_is_wrong_then_the_hubs_counts(ahead: float) -> None:
    beginning = Beginning(JOINED + ahead, JOINED)
    assert beginning.follows_message(JOINED - 1)
    assert not beginning.follows_message(JOINED + 1)


@pytest.mark.parametrize(("files", "counted"), [(1, "1 file from"), (3, "3 files from")])
def test_left_alone_when_there_are_files_then_it_is_said_in_both_languages(files: int, counted: str) -> None:
    chinese, english = left_alone(files).splitlines()
    assert f"{files}个文件" in chinese
    assert counted in english


def test_left_alone_when_there_are_none_then_nothing_is_said() -> None:
    assert left_alone(0) == ""
