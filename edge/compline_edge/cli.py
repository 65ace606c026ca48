"""The agent's command line."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.metadata
import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from msgspec.structs import replace
from rich.console import Console
from typer.core import TyperGroup

from compline_edge.agent import open_agent
from compline_edge.clock import BootClock, SystemClock, local_zone
from compline_edge.core.dispute_words import DISPUTED
from compline_edge.core.lack_words import Lack, judging_without
from compline_edge.core.lease_words import OPEN_AGAIN, told
from compline_edge.core.room_words import JUDGING_AGAIN, Shortage, judging_stopped
from compline_edge.core.strictness_words import AS_CALIBRATED, judged_by
from compline_edge.display import inspection_progress, legible, print_jsonl, print_table
from compline_edge.inspection import Inspector, Row, sources
from compline_edge.joining import pair
from compline_edge.link.conditions import MachineConditions
from compline_edge.logs import configure_logs
from compline_edge.models_cli import models_app
from compline_edge.rules_cli import rules_app
from compline_edge.selftest import trials
from compline_edge.settings import EdgeSettings, load_settings
from compline_edge.status import print_status, status_row
from compline_edge.vault.binding import Binding
from compline_edge.vault.glance import look
from compline_edge.voice_cli import known_by_voice, voice_app
from compline_edge.wiring import instruments, lacks_of, slot_at
from compline_shared.errors import ComplineError
from compline_shared.pairing_code import read_address, read_invitation


class Sentences(TyperGroup):
    """Turns an expected error into one sentence on stderr and exit status 1."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 (click's own signature)
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except ComplineError as error:
            sentence = str(error)
        except BrokenPipeError:
            raise  # click ends quietly
        except OSError as error:
            if error.filename is None:
                raise
            sentence = f"{error.filename}: {error.strerror}; check that it is there and that you may use it."
        typer.echo(f"Error: {sentence}", err=True)
        raise typer.Exit(1)


app = typer.Typer(
    cls=Sentences,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help=f"""Compline on the handset: judges calls and chats offline, keeps what was said sealed, and owes the hub
verdicts that cannot carry content.

**Without a hub**: `compline-edge inspect FOLDER` judges recordings and chat exports where they lie.

**With a hub**

1. On the hub: `compline-hub pair --name "Desk 7" --collector "Li Wei"` shows a code, good for 5 minutes.
2. `compline-edge join CODE` pairs this handset.
3. `compline-edge voice enrol RECORDING`, once and with the collector's consent, where recordings have one channel.
4. `compline-edge run --recordings FOLDER` watches, judges and delivers.
5. `compline-edge status` says how this handset stands with its hub, also while it runs.

**Settings** stand in `compline.toml` under `[edge]` (in the current folder, or `--config FILE`);
`COMPLINE_EDGE_LANGUAGE` in the environment wins over `language` in the file, and so on for every setting:
{", ".join(EdgeSettings.__struct_fields__)}.
""",
)
app.add_typer(models_app, name="models")
app.add_typer(rules_app, name="rules")
app.add_typer(voice_app, name="voice")

_MODELS = typer.Option("--models", help="Folder of models and lexicons; default: the one shipped.")
_LANGUAGE = typer.Option("--language", "-l", help="Language of the calls, e.g. zh-CN or en; default: zh-CN.")
_TRANSCRIBER = typer.Option("--transcriber", help="auto, ctc (small, Mandarin) or vosk (any Vosk model).")
_CONFIG = typer.Option("--config", help="Settings file; default: compline.toml here, if there is one.")
_HOME = typer.Option(
    "--home", help="Where keys, vault and outbox lie; default: ~/.local/share/compline/edge."
)


@app.command()
def selftest(
    language: Annotated[str | None, _LANGUAGE] = None,
    models: Annotated[Path | None, _MODELS] = None,
    config: Annotated[Path | None, _CONFIG] = None,
) -> None:
    """Try on this machine everything that judging rests on: decoding, models, thresholds, lexicon.

    Every model's files are compared with their checksums, and what it computes here with its known answers. The exit
    status is 1 where anything failed.
    """
    failed = 0
    for trial in trials(_settings(config, language=language, models=models)):
        typer.echo(
            f"{'FAILED' if trial.failure else 'ok':<7} {trial.name}: {legible(trial.failure or trial.found)}"
        )
        failed += trial.failure is not None
    if failed:
        raise typer.Exit(1)


@app.command()
def inspect(
    paths: Annotated[
        list[Path], typer.Argument(help="Recordings, chat exports (.jsonl), texts (.txt), folders.")
    ],
    output: Annotated[
        Literal["table", "jsonl"], typer.Option("--format", "-f", help="For people or for programs.")
    ] = "table",
    show_text: Annotated[
        bool, typer.Option("--show-text", help="Print what was said. Off: nothing said.")
    ] = False,
    language: Annotated[str | None, _LANGUAGE] = None,
    transcriber: Annotated[Literal["auto", "ctc", "vosk"] | None, _TRANSCRIBER] = None,
    collector: Annotated[str | None, typer.Option(help="WeCom user id of the collector in exports.")] = None,
    voice: Annotated[
        list[Path] | None,
        typer.Option(help="Recording of the collector alone, 60 s: tells who speaks in mono. Kept nowhere."),
    ] = None,
    models: Annotated[Path | None, _MODELS] = None,
    config: Annotated[Path | None, _CONFIG] = None,
) -> None:
    """Judge files offline, with no hub, no vault and no keys.

    Findings never change the exit status; an input that could not be judged in full makes it 1, and the others are
    judged all the same. In a .txt file each line is one message of the collector.
    """
    settings = _settings(config, language=language, transcriber=transcriber, models=models)
    ready = instruments(settings)
    chosen = sources(paths)
    problems = (*ready.problems, *chosen.problems)
    for problem in problems:
        typer.echo(legible(problem), err=True)
    if without := judging_without(ready.lacks):
        typer.echo(without, err=True)
    inspector = Inspector(
        listener=known_by_voice(ready.listener, voice, settings),
        longest=settings.longest_call_hours * 3600,
        collector=collector or settings.collector_id or None,
        show_text=show_text,
        zone=local_zone(),
    )
    table: list[Row] = []
    errors: list[str] = []
    with inspection_progress(len(chosen.files), shared=output == "jsonl") as progress:
        for path in chosen.files:
            with progress.file(path) as heard:
                for row in inspector.inspect(path, heard=heard):
                    if output == "jsonl":
                        print_jsonl(row)
                    else:
                        table.append(row)
                    errors += [row.error] if isinstance(row.error, str) else []
    if output == "table":
        print_table(table, show_text=show_text)
    for sentence in errors:
        typer.echo(legible(sentence), err=True)
    if chosen.others:
        files = "1 file" if chosen.others == 1 else f"{chosen.others} files"
        typer.echo(
            f"Left alone in folders, as of another kind: {files}; name one outright to try it.", err=True
        )
    if errors or problems:
        raise typer.Exit(1)


@app.command()
def join(
    code: Annotated[
        str, typer.Argument(help="What the hub shows: the 16 characters, or the scanned `compline:` text.")
    ],
    hub: Annotated[
        str | None, typer.Option(help="host:port of the hub's pairing port; default: find it on the LAN.")
    ] = None,
    home: Annotated[Path | None, _HOME] = None,
    config: Annotated[Path | None, _CONFIG] = None,
) -> None:
    """Pair with the hub that shows the code: from now on this handset owes that hub its verdicts."""
    settings = _settings(config, home=home)
    invitation = read_invitation(code)
    if hub is not None:
        invitation = dataclasses.replace(invitation, address=read_address(hub))
    paired = pair(settings, invitation, clock=SystemClock())
    typer.echo(f"Joined {paired.hub_name}. Next: compline-edge run --recordings FOLDER")
    typer.echo(
        "Do its recordings have one channel? Then also compline-edge voice enrol RECORDING, a minute of the collector "
        "alone, with consent: without it nobody knows who speaks there."
    )
    if paired.officer is not None:
        typer.echo(f"Compare with the compliance officer: the key is {paired.officer}")
    if paired.clock_days:
        days = abs(paired.clock_days)
        way = "ahead of" if paired.clock_days > 0 else "behind"
        typer.echo(
            f"This handset's clock is {days} days {way} the hub's: set it, or times in verdicts are wrong."
        )


@app.command()
def run(
    recordings: Annotated[
        list[Path] | None, typer.Option(help="Folder to watch; may be given again.")
    ] = None,
    chats: Annotated[
        list[Path] | None, typer.Option(help="Folder of chat exports; may be given again.")
    ] = None,
    hub: Annotated[
        str | None, typer.Option(help="host:port of the broker; default: find it on the LAN.")
    ] = None,
    language: Annotated[str | None, _LANGUAGE] = None,
    transcriber: Annotated[Literal["auto", "ctc", "vosk"] | None, _TRANSCRIBER] = None,
    models: Annotated[Path | None, _MODELS] = None,
    home: Annotated[Path | None, _HOME] = None,
    config: Annotated[Path | None, _CONFIG] = None,
) -> None:
    """Watch the phone's folders, judge what arrives, keep it sealed, deliver verdicts. Ctrl-C ends, nothing is lost."""
    settings = _settings(
        config,
        recordings=tuple(map(str, recordings or ())),
        chats=tuple(map(str, chats or ())),
        hub=hub,
        language=language,
        transcriber=transcriber,
        models=models,
        home=home,
    )
    configure_logs(settings.home_folder / "logs")
    try:
        asyncio.run(_run(settings))
    except ExceptionGroup as group:
        raise _told(group) from None


@app.command()
def status(
    output: Annotated[
        Literal["table", "json"], typer.Option("--format", "-f", help="For people or for programs.")
    ] = "table",
    home: Annotated[Path | None, _HOME] = None,
    config: Annotated[Path | None, _CONFIG] = None,
) -> None:
    """Say what this handset is: bound or frozen, until when, what keeps its keys, and what it owes.

    Reads only, opens no vault, and works beside a running agent.
    """
    settings = _settings(config, home=home)
    glance = look(settings.home_folder, clock=BootClock(), slot_at=slot_at(settings))
    conditions = MachineConditions(metered=settings.metered).look()
    lacks: tuple[Lack, ...] = ()
    with suppress(ComplineError):  # what cannot be used at all `run` says, and `selftest`
        lacks = lacks_of(settings)
    row = status_row(glance, slot=settings.slot, conditions=conditions, lacks=lacks)
    print_status(row, as_json=output == "json")


async def _run(settings: EdgeSettings) -> None:
    console = Console(stderr=True, highlight=False)
    said: list[str | None] = [None, None]

    def tell(binding: Binding) -> None:
        """Print what the collector has to know, once each time it becomes another."""
        sentence = told(binding.life, binding.account)
        if sentence != said[0]:
            console.print(sentence or OPEN_AGAIN)
        said[0] = sentence
        policy = judged_by(binding.life.terms.strictness)
        if policy != said[1]:
            console.print(policy or AS_CALIBRATED)
        said[1] = policy

    def tell_room(shortage: Shortage | None) -> None:
        console.print(JUDGING_AGAIN if shortage is None else judging_stopped(shortage))

    def tell_dispute() -> None:
        console.print(DISPUTED)

    agent_of = open_agent(settings, told_binding=tell, told_room=tell_room, told_dispute=tell_dispute)
    async with agent_of as agent:
        running = asyncio.ensure_future(agent.run())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
        if agent.home.is_open:
            console.print("Watching; verdicts go to the hub as they are made. Ctrl-C ends.")
        if without := judging_without(agent.lacks):
            console.print(without)
        tell(agent.home.binding)
        try:
            await running
        except asyncio.CancelledError:
            owed = agent.home.outbox.last_seq - agent.home.outbox.settled
            console.print(f"Stopped. {owed} verdicts are still owed to the hub and stay kept.")


def _told(group: ExceptionGroup[Exception]) -> Exception:
    """Return the one error of a task group that has a sentence for people, else the whole group."""
    for error in group.exceptions:
        inner = _told(error) if isinstance(error, ExceptionGroup) else error
        if isinstance(inner, ComplineError):
            return inner
    return group


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"compline-edge {importlib.metadata.version('compline-edge')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Everything before the command."""


def _settings(config: Path | None, **options: object) -> EdgeSettings:
    """Return the settings, with options given on the command line over file and environment."""
    given = {
        name: str(value) if isinstance(value, Path) else value for name, value in options.items() if value
    }
    return replace(load_settings(config), **given)
