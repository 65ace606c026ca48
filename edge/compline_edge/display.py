"""Shows inspection rows and progress to a person: table or JSON lines on stdout, progress on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import UNSET
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from compline_edge.inspection import Heard, Row

_COLOURS = {"notice": "cyan", "warning": "yellow", "serious": "red", "veto": "bold white on red"}


class InspectionProgress:
    """Two bars on stderr: files, and the seconds of the file at hand."""

    def __init__(self, progress: Progress, files: int) -> None:
        self._progress = progress
        self._files = progress.add_task("files", total=files)
        self._file = progress.add_task("", total=None, visible=False)

    @contextmanager
    def file(self, path: Path) -> Iterator[Heard]:
        """Show one file being worked on; yields what to tell the seconds to."""
        self._progress.reset(self._file, description=path.name[:40], total=None, visible=True)
        yield lambda seconds, total: self._progress.update(self._file, completed=seconds, total=total)
        self._progress.advance(self._files)


@contextmanager
def inspection_progress(files: int) -> Iterator[InspectionProgress]:
    """Show progress while the block runs; silent where stderr is no terminal."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        yield InspectionProgress(progress, files)


def print_jsonl(rows: Iterable[Row]) -> Iterator[Row]:
    """Print each row as one JSON object a line, at once; yields the rows on."""
    encoder = msgspec.json.Encoder()
    for row in rows:
        sys.stdout.write(encoder.encode(row).decode() + "\n")
        sys.stdout.flush()
        yield row


def print_table(rows: Sequence[Row], *, show_text: bool) -> None:
    """Print rows that hold something to look at, then one line that sums up."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("file", "at", "category", "severity", "sure", "term", *(("text",) if show_text else ())):
        table.add_column(heading, overflow="fold")
    for row in rows:
        for cells in _cells(row, show_text=show_text):
            table.add_row(*cells)
    console = Console()
    if table.row_count:
        console.print(table)
    with_findings = sum(1 for row in rows if row.findings)
    abstained = sum(1 for row in rows if row.abstained)
    failed = sum(1 for row in rows if row.error is not UNSET)
    console.print(
        f"{len(rows)} inspected, {with_findings} with findings, {abstained} not judged in full, {failed} with an error"
    )


def _cells(row: Row, *, show_text: bool) -> Iterator[tuple[Text | str, ...]]:
    name = Path(row.path).name + (f":{row.line}" if row.line else "")
    text = (row.text if isinstance(row.text, str) else "",) if show_text else ()
    for finding in row.findings:
        yield (
            name,
            f"{finding.offset_s:.1f} s" if row.kind == "call" else "",
            finding.category,
            Text(finding.severity, style=_COLOURS[finding.severity]),
            f"{finding.confidence} %",
            str(finding.term or finding.rule or ""),
            *text,
        )
        text = ("",) if show_text else ()
    if row.abstained and not row.findings:
        yield (name, "", Text(f"not judged: {row.abstained}", style="dim"), "", "", "", *text)
    elif show_text and not row.findings and row.text:
        yield (name, "", "", "", "", "", *text)
