"""The commands of the compliance officer: make a key offline, find evidence at the hub, and open it with the key."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from compline_hub.core.evidence import Evidenced, Listed
from compline_hub.terminal import PassphraseFile, SettingsFile, console, opened_hub, passphrase
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


@officer_app.command("list")
def list_command(
    handset: Annotated[
        str | None, typer.Option("--handset", metavar="NAME", help="One handset's, also a removed one's.")
    ] = None,
    collector: Annotated[
        str | None, typer.Option("--collector", metavar="NAME", help="One collector's, on whatever handset.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            metavar="DATE",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
            help="Recorded then or later: 2026-03-01 or 2026-03-01T14:30.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Newest pieces shown.")] = 200,
    settings_file: SettingsFile = None,
) -> None:
    """On the hub: show which evidence lies here, of which verdict, and the file that `officer open` takes.

    Each piece is two lines: when, handset, collector, verdict (its number in that binding), kind, findings and size of
    the sealed file; then its path. What was said stays sealed: only the officer's key opens it.
    """
    from compline_hub.service.evidence import Wanted, find_evidence
    from compline_hub.store.evidence_files import EvidenceFiles

    wanted = Wanted(
        handset=handset, collector=collector, since=0 if since is None else int(since.timestamp())
    )
    with opened_hub(settings_file) as hub:
        found = find_evidence(hub.reading, EvidenceFiles(hub.settings.data / "evidence"), wanted)
    for listed in found.pieces[-limit:]:
        console.print(f"{_line(listed)}\n    {escape(listed.piece.file)}", soft_wrap=True, emoji=False)
    if len(found.pieces) > limit:
        console.print(f"{len(found.pieces) - limit} older pieces are not shown; see --limit and --since.")
    if not found.pieces:
        console.print("No such evidence lies here.")
    if found.absent:
        console.print(f"Verdicts whose evidence is not here (yet): {found.absent}")


@officer_app.command("open")
def open_command(
    evidence: Annotated[
        Path, typer.Argument(metavar="EVIDENCE.cev", help="As `officer list` names it, its .cek beside it.")
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


def _line(listed: Listed) -> str:
    holding, piece = listed.holding, listed.piece
    return "  ".join(
        (
            time.strftime("%Y-%m-%d %H:%M", time.localtime(listed.at)),
            escape(holding.handset_name or "unknown handset"),
            escape(holding.collector or "unknown collector"),
            _verdict(listed),
            f"{piece.size:,} bytes",
        )
    )


def _verdict(listed: Listed) -> str:
    if listed.verdict is not None:
        return _findings(listed.verdict)
    if listed.piece.digest is None:
        return "cannot be opened: no sound .cek lies beside it"
    return "its verdict is not here yet; the time is when it came"


def _findings(verdict: Evidenced) -> str:
    codes = ", ".join(category.code for category in verdict.categories)
    severity = "no finding" if verdict.severity is None else f"{verdict.severity.code}: {codes}"
    later = "  (a later pass superseded it)" if verdict.superseded else ""
    return f"verdict {verdict.seq}  {verdict.kind.code}  {severity}{later}"
