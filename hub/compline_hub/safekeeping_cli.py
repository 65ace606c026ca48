"""The commands that keep the hub's secrets: backup, restore, rotation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from compline_hub.terminal import (
    PassphraseFile,
    SettingsFile,
    chosen_settings,
    console,
    passphrase,
    typing_user,
)

app = typer.Typer(add_completion=False)
keys_app = typer.Typer(no_args_is_help=True, help="The hub's own keys.")
app.add_typer(keys_app, name="keys")


@app.command("backup")
def backup_command(
    to: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to write it; an older one there is replaced.")
    ],
    passphrase_file: PassphraseFile = None,
    settings_file: SettingsFile = None,
) -> None:
    """Write keys and database into one file sealed under a passphrase; works while the hub runs."""
    from compline_hub.safekeeping import back_up

    settings = chosen_settings(settings_file)
    secret = passphrase(passphrase_file, confirm=True)
    done = back_up(settings, to, passphrase=secret, by=typing_user())
    if done.database:
        console.print(
            f"{escape(to.name)} holds {done.keys} files of keys and the database. Without its passphrase it is lost."
        )
    else:
        console.print(
            f"{escape(to.name)} holds {done.keys} files of keys and [bold]not[/] the database, which is PostgreSQL's."
        )
        console.print("Save that at the same time: pg_dump --format=custom; bring it back with pg_restore.")


@app.command("restore")
def restore_command(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
    passphrase_file: PassphraseFile = None,
    settings_file: SettingsFile = None,
) -> None:
    """Bring a hub back from a backup into an empty data folder."""
    from compline_hub.safekeeping import restore

    settings = chosen_settings(settings_file)
    secret = passphrase(passphrase_file, confirm=False)
    done = restore(settings, source, passphrase=secret, by=typing_user())
    console.print(
        f"The hub is back in {escape(str(settings.data))}: {done.keys} files of keys"
        + (", database." if done.database else ".")
    )
    if not done.database:
        console.print("Bring its PostgreSQL database back with pg_restore before you start it.")
    console.print(
        "Next: compline-hub serve. Each handset settles the rest at its next report; watch for alarms."
    )


@keys_app.command("rotate")
def rotate_command(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="escrow")],
    settings_file: SettingsFile = None,
) -> None:
    """Replace a key: `escrow` seals all binding secrets anew and destroys the old key; the hub must not run."""
    from compline_hub.safekeeping import rotate_escrow

    if kind != "escrow":
        raise typer.BadParameter(
            "only the escrow key can be rotated yet: handsets must be told of another command, signing or sealing key,"
            " and no message for that exists. Pair the handsets with a new hub if one of those is lost."
        )
    count = rotate_escrow(chosen_settings(settings_file), by=typing_user())
    console.print(
        f"{count} secrets are sealed under a new escrow key; the old one is destroyed. Make a new backup now."
    )
