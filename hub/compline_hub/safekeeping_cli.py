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
    from compline_hub.rotation import RotationState

app = typer.Typer(add_completion=False)
keys_app = typer.Typer(no_args_is_help=True, help="The hub's own keys.")
app.add_typer(keys_app, name="keys")
_ROTATED = ("escrow", "tls", "command", "signing", "sealing", "ca")
_BEFORE = {
    "sealing": "owes verdicts that are sealed to the former key",
    "ca": "shows a certificate of the former authority, and asks for another by itself",
}
_LOST = {
    "command": "No order, freeze or wipe will reach them again.",
    "signing": "They will take no receipt of this hub again, and so never settle what they owe.",
    "sealing": "What they owe under the former key can never be opened.",
    "ca": "Those that do not know the new authority will not find this hub again.",
}
_ANEW = "Remove each with `compline-hub remove NAME` and pair it from a new home folder."


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
    kind: Annotated[str, typer.Argument(metavar="KIND", help=", ".join(_ROTATED))],
    settings_file: SettingsFile = None,
) -> None:
    """Replace a key while the hub does not run.

    `escrow` seals all binding secrets anew, `tls` is what the hub's server proves itself with: both are done at once.
    `command`, `signing`, `sealing` and `ca` are told to each handset at its next report; until the last one has them
    the former key is kept. `ca` takes two such rounds. A broker of your own is to be reloaded when `ca` or `tls` change
    what it shows and takes: after this command, and whenever the hub logs keys_changed.
    """
    match kind:
        case "escrow":
            _rotate_escrow(settings_file)
        case "tls":
            _rotate_tls(settings_file)
        case "command" | "signing" | "sealing" | "ca":
            _rotate_told(kind, settings_file)
        case _:
            raise typer.BadParameter(
                f"choose one of {', '.join(_ROTATED)}. The key of the pseudonyms stays: with another one nobody"
                " could tell which verdicts are of one case."
            )


@keys_app.command("status")
def status_command(settings_file: SettingsFile = None) -> None:
    """Say which set of keys is in force, and which handsets still need the one before."""
    from compline_hub.rotation import state

    with opened_hub(settings_file) as hub:
        _show(state(hub))


@keys_app.command("finish")
def finish_command(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Let the former keys go though handsets still need them.

    Those have to be removed (`compline-hub remove NAME`) and paired from a new home folder, and what they owe does not
    come any more. Of `ca` this ends one round of two: the first where the new authority is to issue now, as after a
    backup of that time was brought back, the second where nobody is to be waited for who shows the old one.
    """
    from compline_hub.rotation import retire, state

    with opened_hub(settings_file) as hub:
        now = state(hub)
        _show(now)
        if now.changed is None:
            return
        if now.waiting and not yes:
            typer.confirm(f"{_LOST[now.changed.value]} {_ANEW}\nLet the former key go?", abort=True)
        over = retire(hub, by=typing_user(), even_so=now.name)
    console.print(
        "The former key is destroyed; make a new backup now."
        if over
        else "The new authority issues from now on; a second round tells the handsets so. Make a new backup now."
    )


def _rotate_escrow(settings_file: Path | None) -> None:
    from compline_hub.safekeeping import rotate_escrow

    count = rotate_escrow(chosen_settings(settings_file), by=typing_user())
    console.print(
        f"{count} secrets are sealed under a new escrow key; the old one is destroyed. Make a new backup now."
    )


def _rotate_tls(settings_file: Path | None) -> None:
    from compline_hub.rotation import rotate_tls

    rotate_tls(chosen_settings(settings_file), by=typing_user())
    console.print("The hub has new TLS keys and certificates. Start it, and make a new backup now.")


def _rotate_told(kind: str, settings_file: Path | None) -> None:
    from compline_hub.core.key_sets import KnownKey
    from compline_hub.rotation import rotate

    _show(rotate(chosen_settings(settings_file), KnownKey(kind), by=typing_user()))
    console.print("Start the hub: each handset is told at its next report. Make a new backup now.")


def _show(state: RotationState) -> None:
    console.print(f"Keys {state.name}" + (", never rotated." if state.since is None else "."))
    console.print(f"The authority ends on {time.strftime('%Y-%m-%d', time.localtime(state.authority_ends))}.")
    if state.changed is None:
        console.print("No former key is kept.")
        return
    what = f"Another {state.changed.value} key" + (", first round of two" if state.first_round else "")
    if not state.waiting:
        console.print(f"{what}: nobody needs the former one any more; it goes as soon as the hub runs.")
        return
    counted = "1 handset" if len(state.waiting) == 1 else f"{len(state.waiting)} handsets"
    console.print(f"{what}: the former one is kept for {counted}.")
    for waiting in state.waiting:
        when = "never heard" if waiting.heard is None else f"last heard {_time(waiting.heard)}"
        why = _BEFORE[state.changed.value] if waiting.knows else "does not know it yet"
        console.print(f"  {escape(waiting.handset)}: {why}, {when}")
    console.print(
        "They get it by themselves when they meet the hub; one that is lost: compline-hub remove NAME."
    )


def _time(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
