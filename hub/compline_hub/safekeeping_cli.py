"""The commands that keep the hub's secrets: backup, restore, rotation."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from compline_hub.terminal import (
    PassphraseFile,
    SettingsFile,
    chosen_settings,
    console,
    opened_hub,
    passphrase,
    typing_user,
)

if TYPE_CHECKING:
    from compline_hub.rotation import CommandKeyState

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
    kind: Annotated[str, typer.Argument(metavar="KIND", help="escrow or command")],
    settings_file: SettingsFile = None,
) -> None:
    """Replace a key while the hub does not run: `escrow` seals all binding secrets anew, `command` signs what comes."""
    match kind:
        case "escrow":
            _rotate_escrow(settings_file)
        case "command":
            _rotate_command(settings_file)
        case _:
            raise typer.BadParameter(
                "only the keys `escrow` and `command` can be rotated: handsets owe verdicts that are sealed to the"
                " sealing key and settle on receipts of the signing key, and no message yet tells them of others."
                " Pair the handsets with a new hub if one of those is lost."
            )


@keys_app.command("status")
def status_command(settings_file: SettingsFile = None) -> None:
    """Say which command key is in force, and which handsets do not have it yet."""
    from compline_hub.rotation import state

    with opened_hub(settings_file) as hub:
        _show(state(hub))


@keys_app.command("finish")
def finish_command(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="command")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Destroy the former command key though handsets still wait: no order reaches those ever again."""
    from compline_hub.rotation import retire, state

    if kind != "command":
        raise typer.BadParameter("only a rotation of the key `command` waits for handsets.")
    with opened_hub(settings_file) as hub:
        now = state(hub)
        _show(now)
        if not now.under_way:
            return
        if now.waiting and not yes:
            typer.confirm(
                "No order, freeze or wipe will reach them again. Destroy the former key?", abort=True
            )
        retire(hub, by=typing_user(), even_so=True)
    console.print("The former command key is destroyed. Restart a hub that runs, and make a new backup now.")


def _rotate_escrow(settings_file: Path | None) -> None:
    from compline_hub.safekeeping import rotate_escrow

    count = rotate_escrow(chosen_settings(settings_file), by=typing_user())
    console.print(
        f"{count} secrets are sealed under a new escrow key; the old one is destroyed. Make a new backup now."
    )


def _rotate_command(settings_file: Path | None) -> None:
    from compline_hub.rotation import rotate_command as rotate

    _show(rotate(chosen_settings(settings_file), by=typing_user()))
    console.print("Start the hub: each handset is told at its next report. Make a new backup now.")


def _show(state: CommandKeyState) -> None:
    console.print(f"Command key {state.name}" + (", never rotated." if state.since is None else "."))
    if not state.under_way:
        console.print("No former key is kept.")
        return
    console.print(f"The former key is kept for {len(state.waiting)} handsets that do not have this one yet:")
    for waiting in state.waiting:
        when = (
            "never heard"
            if waiting.heard is None
            else f"last heard {time.strftime('%Y-%m-%d %H:%M', time.localtime(waiting.heard))}"
        )
        console.print(f"  {escape(waiting.handset)}, {when}")


def _time(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
