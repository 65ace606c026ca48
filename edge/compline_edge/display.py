"""Shows inspection rows and progress to a person: table or JSON lines on stdout, progress on stderr."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from compline_edge.core.doubt import CUT_OFF, LOST, NOISE_DB
from compline_edge.inspection import FoundRow, Heard, Row

_NAME = 40
"""Characters of a file's name beside its bar."""
_COLOURS = {"notice": "cyan", "warning": "yellow", "serious": "red", "veto": "bold white on red"}


class InspectionProgress:
    """Two bars on stderr: files, and the seconds of the file at hand."""

    def __init__(self, progress: Progress, files: int) -> None:
        self._progress = progress
        self._files = progress.add_task("files", total=files)

    @contextmanager
    def file(self, path: Path) -> Iterator[Heard]:
        """Show one file being worked on; yields what to tell the seconds to."""
        name = path.name if len(path.name) <= _NAME else path.name[: _NAME - 1] + "…"
        task = self._progress.add_task(escape(name), total=None)
        yield lambda seconds, total: self._progress.update(task, completed=int(seconds), total=_whole(total))
        self._progress.remove_task(task)
        self._progress.advance(self._files)


@contextmanager
def inspection_progress(files: int, *, shared: bool) -> Iterator[InspectionProgress]:
    """Show progress while the block runs; silent where stderr is no terminal.

    Stdout is never redirected: what is printed there must arrive there. `shared` says that it is printed to during
    the block: where stdout is a terminal too, no bars run through it.
    """
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
        disable=not console.is_terminal or (shared and sys.stdout.isatty()),
    ) as progress:
        yield InspectionProgress(progress, files)


def print_jsonl(row: Row) -> None:
    """Print one row as one JSON object on a line, at once."""
    sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
    sys.stdout.flush()


def print_table(rows: Sequence[Row], *, show_text: bool) -> None:
    """Print rows that hold something to look at, then one line that sums up."""
    said = show_text and any(row.kind == "chat" for row in rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("file", "at", "category", "severity", "sure", "term", *(("text",) if said else ())):
        table.add_column(heading, overflow="fold", no_wrap=heading not in ("file", "term", "text"))
    for row in rows:
        for cells in _cells(row, said=said):
            table.add_row(*cells)
    console = Console(markup=False, emoji=False, highlight=False)
    if table.row_count:
        console.print(table)
    for row in rows:
        if row.kind == "call" and isinstance(row.text, str) and row.text:
            console.print(f"\n{legible(Path(row.path).name)}", style="bold")
            console.print(legible(row.text), soft_wrap=True)
    with_findings = sum(1 for row in rows if row.findings)
    abstained = sum(1 for row in rows if row.abstained)
    failed = sum(1 for row in rows if row.error is not UNSET)
    console.print(
        f"{len(rows)} inspected, {with_findings} with findings, {abstained} not judged in full, {failed} with an error"
    )


def legible(text: str) -> str:
    """Return the text with control characters, which could drive a terminal, replaced; line ends stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def _whole(total: float | None) -> int | None:
    return None if total is None else math.ceil(total)


def _cells(row: Row, *, said: bool) -> Iterator[tuple[Text | str, ...]]:
    name = legible(Path(row.path).name) + (f":{row.line}" if row.line else "")
    words = legible(row.text) if row.kind == "chat" and isinstance(row.text, str) else ""
    text = (words,) if said else ()
    for finding in row.findings:
        yield (
            name,
            f"{finding.offset_s:.1f} s" if row.kind == "call" else "",
            finding.category,
            Text(finding.severity, style=_COLOURS[finding.severity]),
            f"{finding.confidence} %",
            _why(finding),
            *text,
        )
        text = ("",) if said else ()
    if row.abstained and not row.findings:
        yield (name, "", Text(f"not judged: {row.abstained}", style="dim"), "", "", "", *text)
    elif words and not row.findings:
        yield (name, "", "", "", "", "", *text)
    if sound := _sound(row):
        yield (name, "", Text(f"sound: {sound}", style="dim"), "", "", "", *text)


def _sound(row: Row) -> str:
    """What is amiss with a call's sound, in a few words; empty where nothing is."""
    found = row.quality
    if isinstance(found, UnsetType):
        return ""
    amiss = []
    if found.snr_db is not None and found.snr_db < NOISE_DB:
        amiss.append(f"noise {found.snr_db:.0f} dB below speech")
    if found.clipped >= CUT_OFF:
        amiss.append(f"{found.clipped:.0%} cut off")
    if found.lost >= LOST:
        amiss.append(f"{found.lost:.0%} lost")
    return ", ".join(amiss)


def _why(finding: FoundRow) -> str:
    """What a finding rests on: a phrase or entry, a rule, or the whole sentence."""
    if finding.term:
        return str(finding.term)
    return f"rule {finding.rule}" if finding.rule else "sentence"
