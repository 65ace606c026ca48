"""A lease counts every hour once at least, whatever is done to clocks, reboots, answers and the stored account."""

from __future__ import annotations

import math

import msgspec
import pytest

from compline_edge.core.lease import (
    ACCOUNT_BYTES,
    REBOOT_FLOOR,
    Account,
    Reading,
    Standing,
    advance,
    left,
    opened,
    read_account,
    renewed,
    standing,
    write_account,
)
from compline_shared.errors import MalformedFrame
from compline_shared.lease import DAY, HOUR, LeaseTimes
from compline_shared.message_frame import MAX_SECONDS
from compline_shared.reports import sign_report, verify_report
from tests.bindings import HANDSET, PLACE, report
from tests.refusals import MEMBERS

WALL = 1_795_000_000.0
YEAR = 365 * DAY
FIRST, SECOND = b"boot", b"anew"
TIMES = LeaseTimes()
START = Reading(FIRST, 1_000.0, WALL)


def after(boot: float = 0.0, wall: float = 0.0, *, boot_id: bytes = FIRST) -> Reading:
    """The clocks after this much running and wall-clock time since `START`; another boot's clock begins at 0."""
    return Reading(boot_id, boot + (START.boot if boot_id == FIRST else 0.0), START.wall + wall)


def spent(*readings: Reading) -> tuple[float, float]:
    account = opened(START)
    for reading in readings:
        account = advance(account, reading)
    return account.used, account.running


def test_account_when_opened_then_nothing_is_used() -> None:
    assert spent() == (0.0, 0.0)


@pytest.mark.parametrize(
    ("readings", "used", "running"),
    [
        ([after(60, 60)], 60, 60),
        ([after(60, 60), after(60, 60)], 60, 60),
        ([after(60, YEAR)], YEAR, 60),
        ([after(60, -10 * YEAR)], 60, 60),
        ([after(60, 10 * YEAR), after(120, 120)], 10 * YEAR + 60, 120),
        ([after(60, -YEAR), after(120, 120)], 60 + YEAR + 120, 120),
        ([after(HOUR, 0)], HOUR, HOUR),
        ([after(900, 3_600, boot_id=SECOND)], 3_600, 900),
        ([after(5, 5, boot_id=SECOND)], REBOOT_FLOOR, REBOOT_FLOOR),
        ([after(-500, 0)], REBOOT_FLOOR, REBOOT_FLOOR),
        ([after(5, 5, boot_id=SECOND), after(5, 5)], 1_605, 1_605),
    ],
    ids=[
        "as usual",
        "read twice",
        "clock a year ahead",
        "clock ten years back",
        "ahead and right again",
        "back and right again",
        "clock stopped",
        "switched off in between",
        "restarted",
        "same boot goes backwards",
        "two boots in turn",
    ],
)
def test_time_when_clocks_go_so_then_counted_so(readings: list[Reading], used: float, running: float) -> None:
    assert spent(*readings) == (used, running)


def test_reboot_loop_when_each_boot_lasts_seconds_then_it_ends_the_lease() -> None:
    account = opened(START)
    for n in range(432):
        account = advance(account, Reading(n.to_bytes(4, "big"), 1.0, WALL))
    assert standing(account, TIMES) is Standing.ENDED


def test_clock_when_set_ahead_by_years_then_it_freezes_and_never_destroys() -> None:
    account = advance(opened(START), after(60, 200 * YEAR))
    assert standing(account, TIMES) is Standing.ENDED


def test_running_time_when_past_the_last_term_then_lapsed() -> None:
    assert standing(advance(opened(START), after(30 * DAY, 0)), TIMES) is Standing.LAPSED


@pytest.mark.parametrize(
    ("used", "stands"),
    [
        (0.0, Standing.GOOD),
        (24 * HOUR - 0.1, Standing.GOOD),
        (24.0 * HOUR, Standing.WARNED),
        (72.0 * HOUR, Standing.ENDED),
    ],
)
def test_standing_when_so_much_is_used_then_so(used: float, stands: Standing) -> None:
    assert standing(Account(used, 0.0, START), TIMES) is stands


@pytest.mark.parametrize(("used", "seconds"), [(0.0, 72 * HOUR), (71 * HOUR, HOUR), (80 * HOUR, 0)])
def test_time_left_when_so_much_is_used_then_so(used: float, seconds: float) -> None:
    assert left(Account(used, 0.0, START), TIMES) == seconds


def test_renewal_when_its_answer_was_held_back_then_it_counts_from_the_nonce() -> None:
    asked = advance(opened(START), after(10 * HOUR, 10 * HOUR))
    now = advance(asked, after(60 * HOUR, 60 * HOUR))
    assert renewed(now, asked) == Account(50.0 * HOUR, 50.0 * HOUR, now.last)


def test_control_renewal_when_counted_from_its_answer_then_held_back_time_would_be_gained() -> None:
    asked = advance(opened(START), after(10 * HOUR, 10 * HOUR))
    now = advance(asked, after(60 * HOUR, 60 * HOUR))
    assert renewed(now, now).used < renewed(now, asked).used


def test_clock_when_turned_back_and_ahead_for_ever_then_a_report_still_tells_it() -> None:
    account = opened(START)
    for n in range(100):
        account = advance(account, after(n, (n % 2) * 250 * YEAR))
    told = msgspec.structs.replace(report(), lease_used=math.ceil(account.used))
    assert verify_report(sign_report(told, HANDSET), HANDSET.public_key(), PLACE.handset) == told


def test_control_report_when_it_tells_more_than_its_bound_then_malformed() -> None:
    told = msgspec.structs.replace(report(), lease_used=MAX_SECONDS + 1)
    with pytest.raises(MalformedFrame, match=MEMBERS):
        verify_report(sign_report(told, HANDSET), HANDSET.public_key(), PLACE.handset)


def test_account_when_written_then_32_bytes() -> None:
    assert len(write_account(opened(START))) == ACCOUNT_BYTES


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(33)], ids=len)
def test_account_when_its_length_is_another_then_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        read_account(data)
