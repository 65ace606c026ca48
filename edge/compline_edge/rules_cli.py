"""The `rules` commands: check packs by their own examples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compline_edge.rules_check import check_files
from compline_edge.settings import load_settings
from compline_edge.wiring import models_folder
from compline_shared.errors import ComplineError

rules_app = typer.Typer(
    no_args_is_help=True, help="Rule packs: what several phrases, turns and silences mean together."
)


class NoRules(ComplineError):
    """There is no rule pack to check; name one."""


@rules_app.command("check")
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Packs (*.rules); none: those of the models folder.")
    ] = None,
) -> None:
    """Read packs and try every rule on the examples in it; a broken line or example makes the exit status 1.

    docs/rules.md says how packs are written.
    """
    chosen = files or sorted((models_folder(load_settings()) / "rules").glob("*/*.rules"))
    if not chosen:
        raise NoRules("There is no rule pack (rules/<language>/*.rules) in the models folder: name one.")
    problems = check_files(chosen)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{len(chosen)} {'pack' if len(chosen) == 1 else 'packs'}, every example holds.")
