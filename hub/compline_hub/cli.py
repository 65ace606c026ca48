"""The hub's command line; each command loads what it needs, so that help and mistakes answer at once."""

from __future__ import annotations

import asyncio
import importlib.metadata
import time
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from compline_hub import audit_cli, officer_cli, operators_cli, orders_cli, safekeeping_cli
from compline_hub.errors import HubNotReady
from compline_hub.settings import HubSettings
from compline_hub.terminal import SettingsFile, chosen_settings, console, typing_user
from compline_shared.errors import ComplineError


class Sentences(TyperGroup):
    """Turns an expected error into one sentence on stderr and exit status 1."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 (click's own signature)
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except (ComplineError, OSError, ExceptionGroup) as error:
            sentence = _sentence(error)
            if sentence is None:
                raise
        typer.echo(f"Error: {sentence}", err=True)
        raise typer.Exit(1)


app = typer.Typer(
    cls=Sentences,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help=f"""The branch hub of Compline: takes sealed verdicts of the branch's handsets in, keeps them, shows them live.

**First time**

1. `compline-hub init` makes keys and database.
2. `compline-hub serve` runs the hub; open the address that it prints.
3. `compline-hub pair --name "Desk 7" --collector "Li Wei"` shows a code; on the handset, within 5 minutes:
   `compline-edge join CODE`.

**A handset's life**

- `compline-hub unbind "Desk 7"` freezes it at once, `rebind` gives it back to the same collector, `wipe` destroys its
  data for good: two operators (`operator new`, `operator add`) must `approve` that. `remove` is for a lost one.
- `compline-hub commands` shows how far each order has come; `policy set` sets how long a handset works without its hub,
  `policy strict` how strict the branch is.

**Settings** stand in `compline.toml` under `[hub]` (in the current folder, or `--config FILE`);
`COMPLINE_HUB_NAME` in the environment wins over `name` in the file, and so on for every setting:
{", ".join(HubSettings.__struct_fields__)}.

Phones on the LAN reach the hub once `listen = "192.168.1.20"` (this machine's address there) is set: broker, pairing
port and advert use it, and pairing codes tell it. The page has no sign-in yet and therefore answers on 127.0.0.1 only.
""",
)
app.add_typer(orders_cli.app)
app.add_typer(operators_cli.app)
app.add_typer(audit_cli.app, name="audit")
app.add_typer(officer_cli.app)
app.add_typer(safekeeping_cli.app)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"compline-hub {importlib.metadata.version('compline-hub')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Shown by the application's own help."""


@app.command("init")
def init_command(settings_file: SettingsFile = None) -> None:
    """Make the data folder, keys and database; run again, it changes nothing."""
    from compline_hub.office import init_hub

    settings = chosen_settings(settings_file)
    fingerprint = init_hub(settings)
    console.print(f"Hub [bold]{escape(settings.name)}[/] is ready, fingerprint [bold]{fingerprint}[/].")
    console.print(
        f"Data: {escape(str(settings.data))}  (back it up; keys/ opens everything that handsets seal)"
    )
    console.print("Next: compline-hub serve")


@app.command("serve")
def serve_command(settings_file: SettingsFile = None) -> None:
    """Run broker, intake, network advert and page until Ctrl-C."""
    settings = chosen_settings(settings_file)
    from compline_hub.app import serve

    def announce(address: str) -> None:
        console.print(
            f"[bold]{escape(settings.name)}[/] runs. Page: [bold]{address}[/] (this machine only; no sign-in yet)"
        )
        host, port = settings.broker_address
        console.print(f"Handsets meet it by MQTT at {host}:{port} and pair at port {settings.pairing_port}.")
        console.print("Stop with Ctrl-C.")

    asyncio.run(serve(settings, ready=announce))


@app.command("work")
def work_command(
    number: Annotated[int, typer.Argument(min=2, max=16, help="Which one: 2 to the setting `workers`.")],
    settings_file: SettingsFile = None,
) -> None:
    """Take verdicts in beside `serve`, on the same machine and data folder, until Ctrl-C.

    For a branch whose one process does not keep up. Let the store be PostgreSQL (`database = "postgresql://..."`: with
    SQLite they only wait for one another), set `workers = 3`, start `serve` again and, each as a process of its own,
    `compline-hub work 2` and `compline-hub work 3`. Each handles the handsets that fall to its number; while a worker
    does not run, the hub handles those too.
    """
    settings = chosen_settings(settings_file)
    from compline_hub.work import work

    def announce(address: str) -> None:
        console.print(
            f"Worker [bold]{number}[/] of {settings.workers} takes verdicts in from the broker at {address}."
        )
        console.print("Stop with Ctrl-C.")

    asyncio.run(work(settings, number, ready=announce))


@app.command("pair")
def pair_command(
    name: Annotated[str, typer.Option("--name", help="What people here call the handset.")],
    collector: Annotated[
        str, typer.Option("--collector", help="Who works with it; a new name is a new person.")
    ],
    once: Annotated[
        bool, typer.Option("--once", help="Print code and URI and exit; the code stays good for 5 minutes.")
    ] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Give out a pairing code and wait until a handset has joined with it, while `serve` runs.

    The code is good for 5 minutes, one use and three tries. In a terminal a QR is shown; else two lines, `code ...` and
    `uri compline:...`, and the outcome. The exit status is 0 when a handset joined.
    """
    settings = chosen_settings(settings_file)
    from compline_hub.code_shown import announce, show
    from compline_hub.office import is_served, open_hub

    with open_hub(settings) as hub:
        if not is_served(settings):
            raise HubNotReady(
                "The hub does not run, so no handset could join; start `compline-hub serve` first."
            )
        given = hub.pairing.offer(handset_name=name, collector_name=collector, by=typing_user())
        if once:
            announce(given, console)
        else:
            show(given, hub.pairing, console, by=typing_user())


@app.command("status")
def status_command(settings_file: SettingsFile = None) -> None:
    """Say whether the hub runs, what it holds, and which handsets it hears."""
    from compline_hub.office import is_served, open_hub

    settings = chosen_settings(settings_file)
    now = int(time.time())
    with open_hub(settings) as hub:
        summary = hub.reading.summary(since=0, now=now)
        handsets = hub.reading.handsets()
    running = f"runs, page http://127.0.0.1:{settings.port}/" if is_served(settings) else "does not run"
    console.print(f"[bold]{escape(settings.name)}[/] ({hub.keys.fingerprint}) {running}")
    console.print(
        f"Verdicts {summary.verdicts}, findings {sum(summary.severities.values())}, alarms {summary.alarms}"
    )
    table = Table("Handset", "Id", "Last heard", box=None)
    for handset in handsets:
        table.add_row(escape(handset.name), handset.id[:8], _heard(handset.heard, now))
    console.print(
        table
        if handsets
        else 'No handset has joined yet: compline-hub pair --name "Desk 7" --collector "Li Wei"'
    )


def _sentence(error: Exception) -> str | None:
    """Return what a person reads of an error, of a group of tasks the first; None where it is none to expect."""
    match error:
        case ExceptionGroup(exceptions=errors):
            sentences = [_sentence(inner) for inner in errors]
            return None if None in sentences else sentences[0]
        case ComplineError():
            return str(error)
        case BrokenPipeError():
            return None  # click ends quietly
        case OSError(filename=str() as name):
            return f"{name}: {error.strerror}; check that it is there and that you may use it."
        case _:
            return None


def _heard(heard: int | None, now: int) -> str:
    if heard is None:
        return "never"
    if heard >= now - 60:
        return "just now"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(heard))
