"""The commands of the compliance officer: make a key offline, and open evidence with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from compline_hub.terminal import PassphraseFile, console, passphrase
from compline_shared.pairing_code import officer_fingerprint

app = typer.Typer(add_completion=False)
officer_app = typer.Typer(
    no_args_is_help=True,
    help="The compliance officer's key, to whom evidence is sealed, and evidence opened with it.",
)
app.add_typer(officer_app, name="officer")


@officer_app.command("new")
def new_command(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where the private key goes (mode 0600).")
    ],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make the officer's key pair, on any machine, best one without a network: FILE stays with the officer.

    The public key goes into the hub's settings before handsets are paired; a handset keeps the one it was paired with.
    """
    from compline_hub.store.officer_files import make_officer

    public = make_officer(out, passphrase=passphrase(passphrase_file, confirm=True))
    console.print(
        f"Keep {escape(out.name)} with the compliance officer alone, and a copy where a fire does not reach."
    )
    console.print("On the hub, in compline.toml under \\[hub]:")
    console.print(f'officer_key = "{public.hex()}"')
    console.print(f"Phones show its fingerprint when they pair: {officer_fingerprint(public)}")


@officer_app.command("open")
def open_command(
    evidence: Annotated[
        Path, typer.Argument(metavar="EVIDENCE.cev", help="From the hub's data folder, its .cek beside it.")
    ],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="What `officer new` wrote.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where the recording or chat goes (mode 0600).")
    ],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Open one piece of evidence; nothing of it is left where it is not what was deposited."""
    from compline_hub.store.officer_files import open_evidence, open_officer

    held = open_officer(key, passphrase=passphrase(passphrase_file, confirm=False))
    size = open_evidence(evidence, held, out)
    console.print(f"{escape(out.name)}: {size} bytes, as they were recorded. Delete it when it has served.")
