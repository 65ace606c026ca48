"""Plays a sample day through the real programs, from calls and chats to the hub's page."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta, timezone
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from outcome import Outcome, found_live, shortfalls
from page import Expected, Shown, expected, read_page, settle
from phone import Phone
from programs import ROOT, DemoFailed, Stage, stage
from sample_day import LIVE, SampleDay, load_day

FOLDER = ROOT / ".run" / "demo"
LONGEST = 240.0
"""Seconds after which a day that is not through counts as failed."""
CLOCK = timezone(timedelta(hours=8))
"""The sample day's clock."""
WIDE = 150
"""Columns of the table where stdout is no terminal."""
console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when the day has come to the page as it must, or somebody who watched it has ended it."""
    parser = argparse.ArgumentParser(
        prog="make demo",
        description="A hub with its broker and one simulated handset on this machine, fed a sample day of calls and "
        "chats. Nothing leaves 127.0.0.1. The day is made up and spoken by a synthetic voice.",
    )
    parser.add_argument(
        "--once", action="store_true", help="print the table when the day is through, then exit"
    )
    parser.add_argument(
        "--into",
        type=Path,
        metavar="FOLDER",
        help="a folder to make for everything that the programs write; default: .run/demo, made anew each time",
    )
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both end the programs that were started
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    try:
        with stage(_fresh(options.into), ports=(8460, 8461)) as running:
            return _play(running, load_day(), once=options.once)
    except DemoFailed as failure:
        console.print(f"[red]{failure}[/red]")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 1 if options.once else 0


def _fresh(folder: Path | None) -> Path:
    if folder is None:
        shutil.rmtree(FOLDER, ignore_errors=True)
    made = folder or FOLDER
    try:
        made.mkdir(parents=True)
    except OSError as error:
        raise DemoFailed(
            f"{made} cannot be made ({error.strerror}): name a folder that is not there yet."
        ) from error
    return made


def _play(running: Stage, day: SampleDay, *, once: bool) -> int:
    console.print(f"The hub's page: [bold]{running.page}[/bold]  (open it and watch it fill)")
    wanted = expected(day)
    phone = Phone(day, running.storage, gap=0.2 if once else 2.0)
    begun = time.monotonic()
    phone.start()
    try:
        outcome = _watch(running, phone, wanted)
    finally:
        phone.stopping.set()
    phone.join(timeout=5)
    console.print(_table(wanted, outcome.places))
    wrong = shortfalls(wanted, outcome, live=LIVE)
    for sentence in wrong:
        console.print(f"[red]{sentence}[/red]")
    if not wrong:
        console.print(
            f"{len(outcome.places)} of {len(wanted)} stand on the page after {time.monotonic() - begun:.0f} s; "
            f"a finding of the call '{LIVE}' stood there {outcome.live_after:.0f} s into it, while it still ran."
        )
    if not once:
        console.print(f"Open [bold]{running.page}[/bold] and look around; Ctrl-C ends the demo.")
        while True:
            running.check()
            time.sleep(1)
    return 1 if wrong else 0


def _watch(running: Stage, phone: Phone, wanted: Sequence[Expected]) -> Outcome:
    """Follow the page until everything stands there or the day takes too long."""
    outcome = Outcome(places={}, live_after=None)
    live_call = next(one for one in wanted if one.name == LIVE)
    begun = time.monotonic()
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("verdicts on the page", total=len(wanted))
        while len(outcome.places) < len(wanted) and time.monotonic() - begun < LONGEST:
            running.check()
            shown = read_page(running.page)
            live_after = outcome.live_after
            if live_after is None and found_live(live_call, shown) and phone.recording:
                live_after = time.monotonic() - begun
            outcome = Outcome(settle(wanted, shown), live_after)
            live = sum(1 for verdict in shown if verdict.pass_ == "live")
            progress.update(
                task, completed=len(outcome.places), description=f"verdicts on the page ({live} live)"
            )
            time.sleep(0.25)
    return outcome


def _table(wanted: Sequence[Expected], places: Mapping[str, Shown]) -> Table:
    table = Table(
        title="The sample day: what was said, and what stands on the page",
        title_justify="left",
        caption="wrongly: found, not truly said; arguably: a reviewer might say so too; missed: said, not found",
        caption_justify="left",
    )
    for heading in ("time", "kind", "of the day", "truly said", "on the page", "coverage"):
        table.add_column(heading)
    for one in wanted:
        verdict = places.get(one.name)
        table.add_row(
            f"{one.started.astimezone(CLOCK):%H:%M}" if one.started else "",
            one.kind,
            one.name,
            ", ".join(sorted(one.said)) or "-",
            _found(one, verdict),
            ""
            if verdict is None
            else f"{verdict.coverage} %" + (f" {verdict.abstained}" if verdict.abstained else ""),
        )
    return table


def _found(one: Expected, verdict: Shown | None) -> str:
    if verdict is None:
        return "[red]not there[/red]"
    surest: dict[str, int] = {}
    for finding in verdict.findings:
        surest[finding.category] = max(finding.confidence, surest.get(finding.category, 0))
    words = [_worded(one, category, confidence) for category, confidence in sorted(surest.items())]
    words += [f"[red]missed {category}[/red]" for category in sorted(one.said - set(surest))]
    return ", ".join(words) or "-"


def _worded(one: Expected, category: str, confidence: int) -> str:
    if category in one.said:
        return f"[green]{category} {confidence}%[/]"
    doubt = "arguably" if category in one.tolerated else "wrongly"
    return f"[yellow]{doubt} {category} {confidence}%[/]"


if __name__ == "__main__":
    sys.exit(main())
