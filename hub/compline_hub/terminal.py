"""What all commands of the hub's command line need: settings, a console, who is typing, and a passphrase."""

from __future__ import annotations

import os
import pwd
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from compline_hub.errors import WrongPassphrase
from compline_hub.settings import HubSettings, load_settings
from compline_shared.configuration import DEFAULT_SOURCE

if TYPE_CHECKING:
    from compline_hub.office import Hub

DEFAULT_FILE = Path(DEFAULT_SOURCE)
LONGEST_PASSPHRASE = 1_024
"""Bytes of a passphrase file that are read."""
console = Console(highlight=False)
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings file; default: compline.toml here, if there is one."
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="Read the passphrase from a file's first line; else it is asked for.",
    ),
]


def chosen_settings(file: Path | None) -> HubSettings:
    """Return the settings in a file (None: the default one, if it is there) and the environment."""
    if file is None and DEFAULT_FILE.exists():
        file = DEFAULT_FILE
    return load_settings(file, os.environ)


def opened_hub(settings_file: Path | None) -> AbstractContextManager[Hub]:
    """Open the hub; it is loaded only now, so that help and mistakes answer at once."""
    from compline_hub.office import open_hub

    return open_hub(chosen_settings(settings_file))


def typing_user() -> str:
    """Who runs the command, as the audit names them."""
    return f"cli {pwd.getpwuid(os.getuid()).pw_name}"


def passphrase(file: Path | None, *, confirm: bool) -> str:
    """Return the passphrase from a file, or ask for it; raises WrongPassphrase where the file cannot be read."""
    if file is None:
        return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm))
    try:
        with file.open(encoding="utf-8") as stream:
            return stream.readline(LONGEST_PASSPHRASE).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongPassphrase(f"The passphrase file {file.name} cannot be read; check its name.") from error
