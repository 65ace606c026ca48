"""The `models` commands: what is installed, what can be fetched, fetch it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

from compline_edge.senses.model_fetch import Checksum, catalogue, fetch, offered
from compline_edge.senses.model_store import ModelStore, user_models
from compline_edge.settings import load_settings
from compline_edge.wiring import models_folder

models_app = typer.Typer(
    no_args_is_help=True,
    help="Speech models: what is installed, and fetching further ones where the network allows.",
)


@models_app.command("list")
def list_models() -> None:
    """Name the models that are installed and those that can be fetched."""
    settings = load_settings()
    store = ModelStore((models_folder(settings), user_models()))
    for manifest in store.installed():
        typer.echo(f"installed  {manifest.name}  {manifest.language}")
    for name in catalogue():
        typer.echo(f"fetchable  {name}")


@models_app.command("fetch")
def fetch_model(
    name: Annotated[str, typer.Argument(help="A name from `compline-edge models list`.")],
    to: Annotated[Path | None, typer.Option(help="Folder to put it in; default: your data folder.")] = None,
) -> None:
    """Download a model with progress; a broken download goes on where it stopped.

    The publishers state no checksum that we could verify: that of the first download is recorded beside the models and
    compared with every later one, so that the first rests on the publisher and HTTPS alone.
    """
    target = to or user_models()
    offered(name)  # before a progress bar is drawn
    with Progress(
        "{task.description}",
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
    ) as progress:
        task = progress.add_task(name, total=None)
        fetched = fetch(
            name, to=target, progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
    typer.echo(f"Installed in {fetched.folder}. {_COMPARED[fetched.checksum]}")


_COMPARED = {
    Checksum.PUBLISHED: "Its checksum is the published one.",
    Checksum.RECORDED: "Its checksum is the one recorded at the first download.",
    Checksum.FIRST: "Its checksum was recorded, with nothing to compare it with; later downloads must equal it.",
    Checksum.NONE: "It was there already; to fetch it anew, delete that folder first.",
}
