"""Whatever order of clocks, reboots, writes and answers: no second of running time is ever given back."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compline_edge.core.lease import (
    Account,
    Reading,
    advance,
    opened,
    read_account,
    reckoned_from,
    renewed,
    write_account,
)

SPANS = st.floats(0.0, 2.0**33)
CLOCKS = st.floats(0.0, 2.0**54)
READINGS = st.builds(Reading, st.binary(min_size=4, max_size=4), st.floats(0.0, 2.0**33), CLOCKS)
SAME_BOOT = st.lists(st.tuples(st.floats(0.0, 1e6), CLOCKS), max_size=20)


def in_favour(account: Account, write: Callable[[Account], bytes]) -> bool:
    """Whether the holder has gained anything by writing the account and reading it back."""
    kept = read_account(write(account))
    return (
        Fraction(kept.used) < Fraction(account.used)
        or Fraction(kept.running) < Fraction(account.running)
        or kept.last.wall > account.last.wall
        or kept.last.boot > account.last.boot
    )


def to_the_nearest(account: Account) -> bytes:
    """A broken variant: rounds to the nearest millisecond and second."""
    last = account.last
    counts = (round(account.used * 1000), round(account.running * 1000), round(last.wall * 1000))
    return struct.pack(
        ">QQQII", *counts, min(2**32 - 1, round(last.boot)), int.from_bytes(last.boot_id, "big")
    )


@given(used=SPANS, running=SPANS, last=READINGS)
@example(used=0.043000000000000003, running=0.0, last=Reading(bytes(4), 0.0, 1_795_859_946.5279999))
def test_account_when_written_and_read_then_never_in_the_holders_favour(
    used: float, running: float, last: Reading
) -> None:
    assert not in_favour(Account(used, running, last), write_account)


def test_control_account_when_rounded_to_the_nearest_then_caught() -> None:
    assert in_favour(Account(0.0014, 0.0, Reading(bytes(4), 0.6, 0.0)), to_the_nearest)


@given(used=SPANS, running=SPANS, last=READINGS)
def test_account_when_written_and_read_again_and_again_then_it_stays(
    used: float, running: float, last: Reading
) -> None:
    once = write_account(Account(used, running, last))
    assert write_account(read_account(once)) == once


@given(first=READINGS, readings=st.lists(READINGS, max_size=30), written=st.booleans())
def test_sums_when_readings_come_in_any_order_then_they_never_fall_or_overflow(
    first: Reading, readings: list[Reading], written: bool
) -> None:
    account = opened(first)
    for reading in readings:
        before, account = account, advance(account, reading)
        if written:
            account = read_account(write_account(account))
        assert before.used <= account.used <= 2.0**33 + 1
        assert before.running <= account.running <= account.used


def wrong_clock(account: Account, reading: Reading) -> Account:
    """A broken variant: counts by the wall clock alone."""
    past = max(0.0, reading.wall - account.last.wall)
    return Account(account.used + past, account.running + past, reading)


def counted(count: Callable[[Account, Reading], Account], steps: list[tuple[float, float]]) -> bool:
    """Whether all running time of one boot is counted, however the wall clock goes."""
    account, boot = opened(Reading(bytes(4), 0.0, 1e9)), 0.0
    for seconds, wall in steps:
        boot += seconds
        account = count(account, Reading(bytes(4), boot, wall))
    return account.used >= account.running and account.running == pytest.approx(boot)


@given(steps=SAME_BOOT)
def test_running_time_when_the_wall_clock_goes_anywhere_then_all_of_it_counts(
    steps: list[tuple[float, float]],
) -> None:
    assert counted(advance, steps)


def test_control_running_time_when_the_wall_clock_alone_counts_then_caught() -> None:
    assert not counted(wrong_clock, [(10.0, 0.0)])


Reckoning = Callable[[Account, Mapping[bytes, Account]], Mapping[bytes, Account]]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 100_000)),
        st.tuples(st.just("ask"), st.integers(0, 3)),
        st.tuples(st.just("answer"), st.integers(0, 3)),
    ),
    max_size=40,
)


def gained(steps: list[tuple[str, int]], reckon: Reckoning) -> bool:
    """Whether answers, late, repeated or out of order, took more off than the time before the latest question."""
    now, renewed_at = 0, 0
    account = opened(Reading(bytes(4), 0.0, 1e9))
    given_at: dict[bytes, int] = {}
    nonces: Mapping[bytes, Account] = {}
    for step, argument in steps:
        nonce = bytes([argument % 4])
        if step == "wait":
            now += argument
            account = advance(account, Reading(bytes(4), float(now), 1e9 + now))
        elif step == "ask":
            given_at[nonce], nonces = now, {**nonces, nonce: account}
        elif nonce in nonces:
            asked = nonces[nonce]
            account, nonces = renewed(account, asked), reckon(asked, nonces)
            renewed_at = max(renewed_at, given_at[nonce])
    return account.used != now - renewed_at


@given(steps=STEPS)
def test_renewals_when_answers_come_late_repeated_or_out_of_order_then_nothing_is_gained(
    steps: list[tuple[str, int]],
) -> None:
    assert not gained(steps, reckoned_from)


def test_control_renewals_when_nonces_are_not_reckoned_anew_then_caught() -> None:
    steps = [("wait", 100), ("ask", 0), ("ask", 1), ("wait", 50), ("answer", 0), ("answer", 1)]
    assert gained(steps, lambda asked, nonces: nonces)
