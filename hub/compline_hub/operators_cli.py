"""The commands of those who approve: make a key, add and remove operators, approve a command here or elsewhere."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from compline_hub.core.commanding import template
from compline_hub.core.operators import operator_id
from compline_hub.orders_cli import SHOWN, said
from compline_hub.terminal import (
    PassphraseFile,
    SettingsFile,
    console,
    opened_hub,
    passphrase,
    typing_user,
)
from compline_shared.commands import Command, Policy, Wipe, approve

if TYPE_CHECKING:
    from compline_hub.service.operators import RosterChanged
    from compline_hub.service.orders import Given

app = typer.Typer(add_completion=False)
operator_app = typer.Typer(no_args_is_help=True, help="Who may approve a wipe, two together.")
app.add_typer(operator_app, name="operator")


@operator_app.command("new")
def new_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The operator's name.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where the private key goes (mode 0600).")
    ],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make an operator's key pair, on any machine, also offline: FILE stays with them, FILE.pub goes to the hub."""
    from compline_hub.store.operator_files import make_operator

    card = make_operator(out, name=name, passphrase=passphrase(passphrase_file, confirm=True))
    console.print(f"Operator {escape(name)}, id {operator_id(card.key).hex()}.")
    console.print(
        f"Keep {escape(out.name)} with {escape(name)} alone."
        f" On the hub: compline-hub operator add {escape(out.name)}.pub"
    )


@operator_app.command("add")
def add_command(
    card: Annotated[Path, typer.Argument(metavar="FILE.pub", help="What `operator new` wrote for the hub.")],
    settings_file: SettingsFile = None,
) -> None:
    """Let an operator approve from now on; every handset is told."""
    from compline_hub.store.operator_files import read_card

    held = read_card(card)
    with opened_hub(settings_file) as hub:
        _tell(hub.operators.add(held.name, held.key, by=typing_user()), "added")


@operator_app.command("remove")
def remove_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The operator's name or id.")],
    settings_file: SettingsFile = None,
) -> None:
    """Let an operator approve no more; every handset is told."""
    with opened_hub(settings_file) as hub:
        _tell(hub.operators.remove(name, by=typing_user()), "removed")


@operator_app.command("list")
def list_command(settings_file: SettingsFile = None) -> None:
    """Show who may approve."""
    with opened_hub(settings_file) as hub:
        records = hub.operators.all()
    table = Table("Operator", "Id", "Since", "Removed", box=None)
    for record in records:
        table.add_row(escape(record.name), record.id.hex(), _day(record.added), _day(record.removed))
    console.print(table if records else "No operator yet: compline-hub operator new NAME --out FILE")


@app.command("approve")
def approve_command(
    command: Annotated[
        str | None, typer.Argument(metavar="[COMMAND]", help="The command's id, as `commands` shows it.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The operator's key.")] = None,
    request: Annotated[
        Path | None, typer.Option("--request", metavar="FILE", help="Approve what is in a request file.")
    ] = None,
    approval: Annotated[
        Path | None, typer.Option("--approval", metavar="FILE", help="Take an approval file in.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the request or the approval there.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    settings_file: SettingsFile = None,
) -> None:
    """Approve a wipe or a change of operators; two different operators are needed.

    On the hub's machine: `approve COMMAND --key FILE`. On another one: `approve COMMAND --out REQUEST` here,
    `approve --request REQUEST --key FILE --out APPROVAL` there, `approve --approval APPROVAL` here.
    """
    match command, request, approval:
        case str(), None, None if key is not None and out is None:
            _approve_here(command, key, passphrase_file, settings_file)
        case str(), None, None if key is None and out is not None:
            _write_request(command, out, settings_file)
        case None, Path(), None if key is not None and out is not None:
            _approve_elsewhere(request, key, out, passphrase_file)
        case None, None, Path() if key is None and out is None:
            _take_approval(approval, settings_file)
        case _:
            raise typer.BadParameter(
                "give COMMAND with --key or with --out, or --request with --key and --out, or --approval alone"
            )


def meaning(command: Command, handset: str) -> str:
    """What somebody approves, in words that come from what is signed (but for the handset's name)."""
    place = f"handset {handset} ({command.handset.hex()}), binding {command.binding.hex()}"
    match command.body:
        case Wipe():
            return (
                f"WIPE {place}: destroys every recording, chat and text of that binding's collector on it for good."
                " Vaults of others who worked with the handset are other bindings and stay."
            )
        case Policy() as policy:
            ids = ", ".join(operator.id.hex() for operator in policy.operators) or "nobody"
            return f"OPERATORS of {place} become: {ids}."
        case _:
            return f"Something that needs no approval, for {place}: do not sign it."


def _approve_here(command: str, key: Path, passphrase_file: Path | None, settings_file: Path | None) -> None:
    from compline_hub.store.operator_files import open_operator

    with opened_hub(settings_file) as hub:
        given = hub.orders.find(command)
        wanted = template(given.order)
        console.print(escape(meaning(wanted, given.whose)))
        signer = open_operator(key, passphrase=passphrase(passphrase_file, confirm=False))
        signed = approve(wanted, operator_id(signer.public_key().public_bytes_raw()), signer)
        _approved(hub.orders.approve(given.order.id, signed))


def _write_request(command: str, out: Path, settings_file: Path | None) -> None:
    from compline_hub.store.operator_files import MAX_NAME, request_of, write_new

    with opened_hub(settings_file) as hub:
        given = hub.orders.find(command)
    write_new(out, request_of(template(given.order), handset_name=given.whose[:MAX_NAME]))
    console.print(
        f"Take {escape(out.name)} to the operator:"
        f" compline-hub approve --request {escape(out.name)} --key FILE --out FILE"
    )


def _approve_elsewhere(request: Path, key: Path, out: Path, passphrase_file: Path | None) -> None:
    from compline_hub.store.operator_files import ApprovalGiven, open_operator, read_request, write_new

    handset, command = read_request(request)
    console.print(escape(meaning(command, handset)))
    signer = open_operator(key, passphrase=passphrase(passphrase_file, confirm=False))
    signed = approve(command, operator_id(signer.public_key().public_bytes_raw()), signer)
    given = ApprovalGiven(command=command.id, operator=signed.operator, signature=signed.signature)
    write_new(out, given)
    console.print(
        f"Take {escape(out.name)} back to the hub: compline-hub approve --approval {escape(out.name)}"
    )


def _take_approval(approval: Path, settings_file: Path | None) -> None:
    from compline_hub.store.operator_files import read_approval

    held = read_approval(approval)
    with opened_hub(settings_file) as hub:
        _approved(hub.orders.approve(held.command, held.approval))


def _approved(given: Given) -> None:
    console.print(
        f"{escape(given.handset.name)}, command {given.order.id.hex()[:SHOWN]}: {said(given.order)}"
    )


def _tell(changed: RosterChanged, what: str) -> None:
    waiting = [one for one in changed.given if not one.order.ready]
    console.print(
        f"Operator {escape(changed.operator.name)} is {what}; {len(changed.given)} handsets are told."
    )
    for one in waiting:
        console.print(
            f"{escape(one.handset.name)} asks its present operators first: compline-hub approve"
            f" {one.order.id.hex()[:SHOWN]} --key FILE (two of them)"
        )


def _day(at: int | None) -> str:
    return "" if at is None else time.strftime("%Y-%m-%d", time.localtime(at))
