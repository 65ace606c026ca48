"""Counts the time that a handset has worked without its hub, so that no clock and no reboot gains anything.

Time towards freezing grows by the longer of running time (CLOCK_BOOTTIME, which goes on in sleep) and wall-clock time;
time towards destroying the keys by running time alone, so that a clock set ahead may freeze and never destroys. Neither
is ever refunded. A boot counts at least `REBOOT_FLOOR`, so that restarting over and over does not stop the count. A
phone that is switched off does not count towards destroying.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from compline_shared.lease import LeaseTimes
from compline_shared.message_frame import MAX_SECONDS

REBOOT_FLOOR: Final = 600.0
"""Seconds that a boot counts at least."""

ACCOUNT_BYTES: Final = 32
_LAYOUT: Final = struct.Struct(
    ">QQQII"
)  # milliseconds used, used running, wall; s of boot; boot id's first 4 bytes
_LONGEST: Final = float(MAX_SECONDS)  # s; no sum grows beyond what a report may tell
_LATEST: Final = 2.0**53  # Unix s, beyond any clock


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment."""

    boot_id: bytes  # [4], another after each boot
    boot: float  # s since the boot, sleep included
    wall: float  # Unix s


@dataclass(frozen=True, slots=True)
class Account:
    """What was used since the last renewal, and the clocks up to which it is counted."""

    used: float  # s towards warning and freezing
    running: float  # s towards destroying
    last: Reading


@unique
class Standing(Enum):
    """What the lease allows now."""

    GOOD = "good"
    WARNED = "warned"  # the collector is told what will happen and when
    ENDED = "ended"  # freeze
    LAPSED = "lapsed"  # destroy the vault's keys


def opened(reading: Reading) -> Account:
    """Begin a lease."""
    return Account(used=0.0, running=0.0, last=reading)


def advance(account: Account, reading: Reading) -> Account:
    """Count up to a reading; reading twice counts once."""
    last = account.last
    if reading.boot_id == last.boot_id and reading.boot >= last.boot:
        running = reading.boot - last.boot
    else:
        running = max(reading.boot, REBOOT_FLOOR)
    wall = max(0.0, reading.wall - last.wall)
    return Account(
        used=min(_LONGEST, account.used + max(running, wall)),
        running=min(_LONGEST, account.running + running),
        last=reading,
    )


def renewed(account: Account, asked: Account) -> Account:
    """Renew as of the moment the hub was asked: what was used since stays used, however late the answer came.

    What the other nonces stand for begins anew with it: see `reckoned_from`.
    """
    return Account(
        used=max(0.0, account.used - asked.used),
        running=max(0.0, account.running - asked.running),
        last=account.last,
    )


def reckoned_from(asked: Account, nonces: Mapping[bytes, Account]) -> dict[bytes, Account]:
    """Return what each nonce stands for after a renewal as of ``asked``.

    Without it a second answer would take from the sums what the first took already. One that was given before ``asked``
    now renews nothing.
    """
    return {nonce: renewed(account, asked) for nonce, account in nonces.items()}


def standing(account: Account, times: LeaseTimes) -> Standing:
    """What the lease allows at the account's last reading."""
    if account.running >= times.destroy:
        return Standing.LAPSED
    if account.used >= times.freeze:
        return Standing.ENDED
    if account.used >= times.warn:
        return Standing.WARNED
    return Standing.GOOD


def left(account: Account, times: LeaseTimes) -> float:
    """Seconds until the handset freezes, at least 0, if time passes as usual."""
    return max(0.0, times.freeze - account.used)


def write_account(account: Account) -> bytes:
    """Return the 32 bytes that a key slot keeps beside its key; rounded so that what is read back gains nothing."""
    last = account.last
    return _LAYOUT.pack(
        _at_least(account.used),
        _at_least(account.running),
        _at_most(last.wall),
        min(2**32 - 1, max(0, int(last.boot))),
        int.from_bytes(last.boot_id[:4], "big"),
    )


def read_account(data: bytes) -> Account:
    """Return what `write_account` wrote; ValueError unless it has 32 bytes."""
    if len(data) != ACCOUNT_BYTES:
        raise ValueError(f"an account has {ACCOUNT_BYTES} bytes")
    used, running, wall, boot, boot_id = _LAYOUT.unpack(data)
    reading = Reading(boot_id=boot_id.to_bytes(4, "big"), boot=float(boot), wall=wall / 1000)
    return Account(used=used / 1000, running=running / 1000, last=reading)


def _at_least(seconds: float) -> int:
    """Fewest milliseconds that read back as no less; the product alone may be rounded either way."""
    count = int(seconds * 1000) - 1
    while count / 1000 < seconds:
        count += 1
    return count


def _at_most(seconds: float) -> int:
    """Most milliseconds that read back as no more, where the layout holds them."""
    count = int(min(seconds, _LATEST) * 1000) + 1
    while count / 1000 > seconds:
        count -= 1
    return max(0, count)
