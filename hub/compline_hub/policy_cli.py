"""The commands that set the branch's policy: lease times, and how strict it is with each category."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from compline_hub.errors import OrderRefused
from compline_hub.terminal import SettingsFile, console, opened_hub, typing_user
from compline_shared.lease import DAY, HOUR, LeaseTimes
from compline_shared.strictness import LIMITS, NAMED, Strictness, named, points_of, silenced
from compline_shared.taxonomy import Category

if TYPE_CHECKING:
    from compline_hub.service.orders import Given

_CODES = ", ".join(category.code for category in sorted(NAMED))
policy_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help=f"""How long a handset works without its hub, and how strict the branch is with each category.

A sentence that no phrase catches is judged by a text model, which says how sure it is: 0 to 95 %. From the model's own
calibration it follows from where on that goes to the review queue (a notice), is whispered to the collector (a
warning) or is an alarm (serious). The branch may set these three points anew for a category:

- `policy strict abuse --review 60 --whisper 80 --alarm 95`: lower is stricter and finds more, right and wrong.
- `policy reset abuse` takes that back, `policy reset --all` for every category.
- `policy silence manner` leaves a category out altogether. It asks, is written into the audit, and page and phones
  say that it is so, until `policy reset manner`.

Bounds: {LIMITS}. Phrases of lexicons and rules of packs count as their packs say, whatever the points.
A running phone judges so from its next report on; no restart, and nothing that was judged is judged again.
""",
)
_Category = Annotated[str, typer.Argument(metavar="CATEGORY", help=f"One of: {_CODES}.")]


@policy_app.command("set")
def policy_set_command(
    warn: Annotated[str, typer.Option("--warn", help="Warn the collector after, e.g. 24h.")] = "24h",
    freeze: Annotated[str, typer.Option("--freeze", help="Freeze after, e.g. 72h.")] = "72h",
    destroy: Annotated[
        str, typer.Option("--destroy", help="Destroy the keys after so much running time, e.g. 30d.")
    ] = "30d",
    settings_file: SettingsFile = None,
) -> None:
    """Set what a handset does that hears no hub: warn, then freeze, then destroy its data's keys."""
    times = _times(warn, freeze, destroy)
    with opened_hub(settings_file) as hub:
        _ordered(hub.orders.policy(times, by=typing_user()))


@policy_app.command("strict")
def policy_strict_command(
    category: _Category,
    review: Annotated[
        int, typer.Option("--review", help="Noticed, and in the review queue, from so sure on.")
    ],
    whisper: Annotated[int, typer.Option("--whisper", help="Whispered to the collector from so sure on.")],
    alarm: Annotated[int, typer.Option("--alarm", help="An alarm from so sure on.")],
    settings_file: SettingsFile = None,
) -> None:
    """Set from which confidence (percent) on a category counts; `policy reset CATEGORY` undoes it."""
    chosen = points_of(_category(category), review=review, whisper=whisper, alarm=alarm)
    with opened_hub(settings_file) as hub:
        _graded(hub.orders.grade(chosen, by=typing_user()))


@policy_app.command("silence")
def policy_silence_command(
    category: _Category,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask to type the category (for scripts).")
    ] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Leave a category out altogether, whatever finds it; `policy reset CATEGORY` undoes it."""
    chosen = silenced(_category(category))
    console.print(
        f"From now on nothing of {category} is told by any phone of this branch, by phrase, rule or model. The audit"
        " keeps that it was silenced, and by whom; the page and every phone say so."
    )
    if not yes and typer.prompt("Type the category to go on") != category:
        raise OrderRefused("That is not the category; nothing was changed.", code="not_confirmed")
    with opened_hub(settings_file) as hub:
        _graded(hub.orders.grade(chosen, by=typing_user()))


@policy_app.command("reset")
def policy_reset_command(
    category: Annotated[str | None, typer.Argument(metavar="[CATEGORY]", help=f"One of: {_CODES}.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every category.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Judge a category as the model's calibration says again: undoes `strict` and `silence`."""
    if (category is None) is not everything:
        raise typer.BadParameter("name one category, or say --all")
    chosen = None if category is None else _category(category)
    with opened_hub(settings_file) as hub:
        _graded(hub.orders.reset(chosen, by=typing_user()))


@policy_app.command("show")
def policy_show_command(settings_file: SettingsFile = None) -> None:
    """Show the branch's lease times, and how strict it is."""
    with opened_hub(settings_file) as hub:
        times, strictness = hub.orders.times(), hub.orders.strictness()
    console.print(f"warn {_span(times.warn)}, freeze {_span(times.freeze)}, destroy {_span(times.destroy)}")
    for line in _lines(strictness):
        console.print(line)


def _lines(strictness: Strictness) -> list[str]:
    lines = []
    for each in strictness:
        points = each.points
        if points is None:
            lines.append(f"{each.category.code}: [bold red]silenced[/], nothing of it is told")
        else:
            lines.append(
                f"{each.category.code}: review from {points.review}, whisper from {points.whisper}, alarm from"
                f" {points.alarm} %"
            )
    rest = "every other category" if strictness else "every category"
    return [*lines, f"{rest}: as the model's calibration says"]


def _graded(given: Sequence[Given]) -> None:
    if given:
        _ordered(given)
    else:
        console.print("Set; no handset is to be told.")


def _ordered(given: Sequence[Given]) -> None:
    console.print(f"Ordered for {len(given)} handsets; it holds on each from its next report on.")
    waiting = sum(not one.order.ready for one in given)
    if waiting:
        console.print(f"{waiting} of them wait for two approvals, because the operators change with it.")


def _category(code: str) -> Category:
    category = named(code)
    if category is None:
        raise typer.BadParameter(f"{code!r} is none of: {_CODES}")
    return category


def _times(warn: str, freeze: str, destroy: str) -> LeaseTimes:
    spans = [_seconds(text) for text in (warn, freeze, destroy)]
    try:
        return msgspec.convert(spans, LeaseTimes)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(
            "warn is 1 hour to 30 days, freeze 2 hours to 30 days, destroy 3 to 365 days,"
            " each longer than the one before"
        ) from error


def _seconds(text: str) -> int:
    match = re.fullmatch(r"(\d{1,4})([hd])", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no time; write hours or days, e.g. 24h or 30d")
    return int(match[1]) * (HOUR if match[2] == "h" else DAY)


def _span(seconds: int) -> str:
    return f"{seconds // HOUR}h" if seconds % DAY or seconds < 4 * DAY else f"{seconds // DAY}d"
