"""The commands that show the audit, and check that nobody changed it."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from compline_hub.terminal import SettingsFile, console, opened_hub

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Who ordered, approved and changed what, and when."
)


@app.command("verify")
def verify_command(settings_file: SettingsFile = None) -> None:
    """Check that no entry was changed, removed or moved; note the head down, somewhere else."""
    with opened_hub(settings_file) as hub:
        end = hub.auditing.verify()
    console.print(f"The audit holds: {end.number} entries, head {end.head.hex()}")


@app.command("list")
def list_command(
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Newest entries shown.")] = 50,
    settings_file: SettingsFile = None,
) -> None:
    """Show the newest entries."""
    with opened_hub(settings_file) as hub:
        entries = hub.auditing.newest(limit)
        names = {handset.id: handset.name for handset in hub.reading.handsets()}
    table = Table("No.", "When", "Who", "What", "Detail", "Handset", "Command", box=None)
    for kept in entries:
        entry = kept.entry
        table.add_row(
            str(kept.number),
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at)),
            escape(entry.who),
            entry.act.code,
            entry.detail,
            "" if entry.handset is None else escape(names.get(entry.handset, entry.handset[:8])),
            (entry.command or "")[:12],
        )
    console.print(table if entries else "Nothing was done yet.")
