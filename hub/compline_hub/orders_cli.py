"""The commands that order handsets about: unbind, rebind, wipe, remove, policy, and how far each order has come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from compline_hub.core.orders import Order, OrderState
from compline_hub.core.sentences import english
from compline_hub.errors import OrderRefused
from compline_hub.policy_cli import policy_app
from compline_hub.terminal import SettingsFile, console, opened_hub, typing_user
from compline_shared.reports import BindingState, Cause

if TYPE_CHECKING:
    from compline_hub.office import Hub
    from compline_hub.service.orders import Given

SHOWN = 12
"""Hex digits of a command's id that tables show."""
POLL_SECONDS = 0.3
STILL_PENDING = 2
"""Exit status of --wait when the time is over and nothing is decided."""
Name = Annotated[str, typer.Argument(metavar="HANDSET", help="The handset's name or id.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the handset has done or refused it.")]
WaitSeconds = Annotated[
    int, typer.Option("--wait-seconds", min=1, help="How long --wait waits; the order stands either way.")
]
app = typer.Typer(add_completion=False)
app.add_typer(policy_app, name="policy")


@app.command("unbind")
def unbind_command(
    handset: Name, wait: Wait = False, wait_seconds: WaitSeconds = 600, settings_file: SettingsFile = None
) -> None:
    """Freeze a handset: nothing on it opens its data any more; verdicts that it owes still come. `rebind` undoes it."""
    with opened_hub(settings_file) as hub:
        given = hub.orders.freeze(handset, by=typing_user())
        console.print(f"{escape(given.handset.name)} is being unbound; it freezes as soon as it hears of it.")
        _tell(hub, given, wait=wait, seconds=wait_seconds)


@app.command("rebind")
def rebind_command(
    handset: Name, wait: Wait = False, wait_seconds: WaitSeconds = 600, settings_file: SettingsFile = None
) -> None:
    """Give a frozen handset back to the same collector, its data as it was."""
    with opened_hub(settings_file) as hub:
        given = hub.orders.rebind(handset, by=typing_user())
        console.print(f"{escape(given.handset.name)} is being bound again; it thaws when it is heard next.")
        _tell(hub, given, wait=wait, seconds=wait_seconds)


@app.command("wipe")
def wipe_command(
    handset: Name,
    collector: Annotated[
        str | None,
        typer.Option("--collector", help="Whose data; default: who works with the handset now."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask to type the name (for scripts).")] = False,
    wait: Wait = False,
    wait_seconds: WaitSeconds = 600,
    settings_file: SettingsFile = None,
) -> None:
    """Destroy a collector's data on a handset for good, once two operators have approved it."""
    with opened_hub(settings_file) as hub:
        name = hub.orders.handset(handset).name
        vaults = hub.orders.vaults(handset)
        whose = collector or (vaults[0] if vaults else "its collector")
        console.print(
            f"Wiping [bold]{escape(name)}[/] destroys every recording, chat and text of {escape(whose)} on it for good."
            " Nobody can bring them back. Verdicts that are here stay, those that it owes still come."
        )
        for other in sorted(set(vaults) - {whose}):
            console.print(
                f"The vault of {escape(other)} stays on it; to wipe that: --collector '{escape(other)}'."
            )
        console.print("Two different operators must approve it: compline-hub approve COMMAND --key FILE")
        if not yes and typer.prompt("Type the handset's name to go on") != name:
            raise OrderRefused("That is not the handset's name; nothing was ordered.", code="not_confirmed")
        given = hub.orders.wipe(handset, by=typing_user(), collector=collector)
        console.print("Until then it goes on working: unbind it first if it is in wrong hands.")
        _tell(hub, given, wait=wait, seconds=wait_seconds)


@app.command("remove")
def remove_command(
    handset: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask to type the name (for scripts).")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Let a lost handset in no more, so that its collector can be given another one; its verdicts stay."""
    with opened_hub(settings_file) as hub:
        known = hub.orders.handset(handset)
        console.print(
            f"[bold]{escape(known.name)}[/] is let in no more, for good: no order reaches it, verdicts that it still"
            " owes never come, and it can only pair anew from a new home folder. Verdicts that are here stay."
        )
        console.print(
            "It freezes and then destroys its keys when its lease ends. While it can still be heard, unbind or wipe it"
            " instead."
        )
        if not yes and typer.prompt("Type the handset's name to go on") != known.name:
            raise OrderRefused("That is not the handset's name; nothing was changed.", code="not_confirmed")
        hub.enrolment.remove(known.id, by=typing_user())
        console.print("Removed.")


@app.command("commands")
def commands_command(
    handset: Annotated[str | None, typer.Argument(metavar="[HANDSET]", help="One handset only.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="Newest orders shown.")] = 50,
    settings_file: SettingsFile = None,
) -> None:
    """Show the newest orders and how far each has come, and what each handset told last."""
    with opened_hub(settings_file) as hub:
        only = None if handset is None else hub.orders.handset(handset).id
        orders = hub.reading.orders(only, limit=limit)
        names = {known.id: known.name for known in hub.reading.handsets()}
        standings = hub.reading.standings()
    table = Table("Command", "Handset", "What", "By", "Ordered", "State", box=None)
    for order in orders:
        table.add_row(
            order.id.hex()[:SHOWN],
            escape(names.get(order.handset, order.handset[:8])),
            order.kind.code,
            escape(order.by),
            _moment(order.ordered),
            said(order),
        )
    console.print(table if orders else "Nothing was ordered yet.")
    for id_, name in names.items():
        told = standings[id_].told if id_ in standings else None
        if told is not None and only in (None, id_):
            by_lease = (
                " by its lease" if told.cause is Cause.LEASE and told.state is not BindingState.BOUND else ""
            )
            console.print(
                f"{escape(name)}: {told.state.code}{by_lease}, told {_moment(told.at)}, owes {told.owed} verdicts"
            )


def said(order: Order) -> str:
    """An order's state in words."""
    words = order.state.code
    if order.pending and not order.ready:
        words += f", waits for approvals: {len(order.approvals)} of {order.needed}"
    elif order.state is OrderState.ORDERED:
        words += ", not yet seen by the handset" if order.tries else ", not yet sent"
    else:
        words += f" {_moment(order.changed)}"
    return words if order.reason is None else f"{words}: {english(order.reason)}"


def _tell(hub: Hub, given: Given, *, wait: bool, seconds: int) -> None:
    console.print(f"Command {given.order.id.hex()[:SHOWN]}; compline-hub commands shows how far it has come.")
    if wait:
        _wait(lambda: hub.orders.order(given.order.id), until=time.monotonic() + seconds)


def _wait(look: Callable[[], Order | None], *, until: float) -> None:
    order = look()
    with console.status("") as status:
        while order is not None and order.pending and time.monotonic() < until:
            status.update(said(order))
            time.sleep(POLL_SECONDS)
            order = look()
    if order is None:
        return
    console.print(said(order))
    if order.pending:
        raise typer.Exit(STILL_PENDING)
    if order.state is not OrderState.DONE:
        raise typer.Exit(1)


def _moment(at: int) -> str:
    return time.strftime("%m-%d %H:%M:%S", time.localtime(at))
