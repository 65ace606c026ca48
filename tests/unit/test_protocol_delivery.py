"""Numbers and enums that the protocol page states are those that the code goes by."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compline_edge.core.conditions import METERED_AGE, SAVING_AGE
from compline_edge.link.mqtt import KEEPALIVE
from compline_edge.warden import ASK_AGAIN, TICK, UNHEARD
from compline_shared import taxonomy
from compline_shared.batch import MAX_ENTRIES
from compline_shared.courier import Pace
from compline_shared.lease import LeaseTimes
from compline_shared.outbox import GRAIN, KEEP_SETTLED
from compline_shared.taxonomy import Coded

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
ENUMS: dict[str, type[Coded]] = {
    "kind": taxonomy.Kind,
    "pass": taxonomy.Pass,
    "direction": taxonomy.Direction,
    "abstained": taxonomy.Abstention,
    "severity": taxonomy.Severity,
    "role": taxonomy.Role,
    "technique": taxonomy.Technique,
    "category": taxonomy.Category,
}


def section(name: str) -> str:
    return PAGE.split(f"\n## {name}", 1)[1].split("\n## ", 1)[0]


def row(of: str, first: str) -> str:
    """The cells after the first one, of the row that begins so, as one text."""
    (found,) = re.findall(rf"^\| {re.escape(first)} \|(.*)\|$", section(of), re.MULTILINE)
    return str(found)


@pytest.mark.parametrize("name", ENUMS)
def test_enum_when_shown_then_every_number_is_there(name: str) -> None:
    shown = re.findall(r"(\d+) ([a-z_]+)", row("Verdict", name))
    assert [(int(number), code) for number, code in shown] == [(int(e), e.code) for e in ENUMS[name]]


def test_delivery_when_shown_then_its_numbers_are_those_of_the_code() -> None:
    pace = Pace()
    assert f"at {pace.batch_bytes // 1024} KiB, at {MAX_ENTRIES} entries" in row(
        "Delivery", "a batch goes out"
    )
    assert (
        f"{pace.batch_age:.0f} s after its first entry was made ({METERED_AGE:.0f} s on a metered network,"
        f" {SAVING_AGE:.0f} s on a low battery)"
    ) in row("Delivery", "a batch goes out")
    assert f"at most {pace.window // 1024} KiB" in row("Delivery", "unanswered")
    assert f"within {pace.answer:.0f} s of a batch, or of the last receipt" in row("Delivery", "no receipt")
    limits = (
        f"up to {pace.no_network / 60:.0f} min ({pace.longest:.0f} s where anything urgent waits), back to"
    )
    assert limits in row("Delivery", "no receipt")
    assert (
        f"after {pace.reconnect:.0f} s, doubled up to {pace.longest:.0f} s ({SAVING_AGE:.0f} s on a low battery)"
    ) in row("Delivery", "no connection")
    assert f"one attempt in {pace.no_network / 60:.0f} min" in row("Delivery", "no network at all")
    assert f"stay for {KEEP_SETTLED / 86_400:.0f} days" in row("Delivery", "settled entries")
    assert GRAIN == 3_600
    assert f"keepalive {KEEPALIVE} s" in section("Carrier")


def test_reports_when_shown_then_their_times_are_those_of_the_code() -> None:
    text = section("Reports")
    assert f"past {ASK_AGAIN / 3_600:.0f} h or half of\n*warn*, every {TICK / 60:.0f} min" in text
    assert f"said again after {UNHEARD:.0f} s, doubled" in text
    times = LeaseTimes()
    hours = f"{times.warn / 3_600:.0f} h, {times.freeze / 3_600:.0f} h and {times.destroy / 86_400:.0f} days"
    assert f"Without a policy {hours}." in text
