"""The sample day as a newcomer runs it: the demo's own program, to its table and its exit status."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from tests.edge_program import ROOT

LONGEST = 180.0
"""Seconds from the command to its end: twice what a machine has that does nothing else."""
SURE = {
    "insults": "abuse",
    "threats": "threat",
    "private-account": "improper_payment",
    "off-the-record": "off_channel",
}


@pytest.mark.timeout(240)
def test_demo_when_run_once_then_the_table_has_what_must_be_found_and_it_says_that_one_call_was_live(
    tmp_path: Path,
) -> None:
    begun = time.monotonic()

    done = subprocess.run(
        [sys.executable, ROOT / "packaging" / "demo" / "demo.py", "--once", "--into", tmp_path / "day"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, time.monotonic() - begun < LONGEST) == (0, True), done.stdout + done.stderr
    assert "while it still ran" in done.stdout
    found = on_the_page(done.stdout)
    assert {name: category for name, category in SURE.items() if category not in found[name]} == {}


def on_the_page(table: str) -> dict[str, list[str]]:
    """Words of the column "on the page" for each call and chat; a long cell runs over several lines."""
    found: dict[str, list[str]] = defaultdict(list)
    name = ""
    for line in table.splitlines():
        if line.startswith("│"):
            cells = [cell.strip() for cell in line.split("│")]
            name = cells[3] or name
            found[name] += cells[5].replace("missed ", "missed:").split()
    return found
