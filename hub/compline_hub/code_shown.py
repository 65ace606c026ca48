"""Shows a pairing code in the terminal: QR, code, time left, and what became of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from compline_hub.core.offer import OfferState
from compline_hub.core.orders import BY_HUB
from compline_hub.errors import EnrolmentRefused
from compline_hub.qr import terminal_qr
from compline_hub.service.pairing import Given, Outcome, Pairing
from compline_shared.pairing_code import written

LOOK_SECONDS = 0.5
"""How often the screen asks how the offer stands."""
_WAITING = (OfferState.OPEN, OfferState.TAKEN)


class NotPaired(EnrolmentRefused):
    """No handset joined with the code."""


def show(given: Given, pairing: Pairing, console: Console, *, by: str = BY_HUB) -> None:
    """Show the code until a handset joined, the offer is over, or Ctrl-C calls it off, in the name of `by`.

    Raises:
        NotPaired: no handset joined; the message says why.
    """
    try:
        with _interruptible():
            last = _followed(given, pairing, console)
    except KeyboardInterrupt:
        pairing.withdraw(given.offer, by=by)
        last = _outcome(given, pairing)
        if last.state is OfferState.TAKEN:
            raise NotPaired("A handset has taken the code already; see `compline-hub status`.") from None
    if last.state is not OfferState.JOINED:
        raise NotPaired(_ENDS[last.state])
    console.print(
        f"[bold]{escape(last.handset_name)}[/] joined; {escape(last.collector_name)} works with it."
    )


def announce(given: Given, console: Console) -> None:
    """Print the code and its URI, each on a line, for a program or a pipe."""
    console.print(f"code {given.invitation.code.text}")
    console.print(f"uri {given.invitation.uri}", soft_wrap=True)


def _followed(given: Given, pairing: Pairing, console: Console) -> Outcome:
    if not console.is_terminal:
        announce(given, console)
        return _waited(given, pairing)
    console.print(_poster(given, _outcome(given, pairing)))
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while (outcome := _outcome(given, pairing)).state in _WAITING:
            live.update(_countdown(outcome), refresh=True)
            time.sleep(LOOK_SECONDS)
        return outcome


def _waited(given: Given, pairing: Pairing) -> Outcome:
    while (outcome := _outcome(given, pairing)).state in _WAITING:
        time.sleep(LOOK_SECONDS)
    return outcome


def _outcome(given: Given, pairing: Pairing) -> Outcome:
    outcome = pairing.outcome(given.offer)
    if outcome is None:
        raise NotPaired("The code is not known any more; give out a new one.")
    return outcome


def _poster(given: Given, outcome: Outcome) -> RenderableType:
    """What does not change: printed once, so that a small terminal scrolls and cuts nothing off."""
    lines = [
        f"Pair {outcome.handset_name} for {outcome.collector_name}",
        f"On the handset:  compline-edge join {given.invitation.code.text}",
    ]
    if given.invitation.address is not None:
        lines.append(f"                 (where it finds no hub: --hub {written(given.invitation.address)})")
    if given.invitation.officer is not None:
        lines.append(f"Officer's key:   {given.invitation.officer}  (compare it on the handset)")
    if given.holder is not None and given.holder != outcome.handset_name:
        lines.append(f'{outcome.collector_name} works with "{given.holder}" now: only that handset can join.')
    return Group(Text.from_ansi(terminal_qr(given.invitation.uri)), Text("\n".join(lines)))


def _countdown(outcome: Outcome) -> RenderableType:
    if outcome.state is OfferState.TAKEN:
        return Text("A handset has taken the code and is keeping what it got.")
    minutes, seconds = divmod(outcome.seconds_left, 60)
    return Text(
        f"Good for {minutes}:{seconds:02}, one use, {_tries(outcome.tries_left)}. Ctrl-C calls it off."
    )


def _tries(left: int) -> str:
    return "1 try left" if left == 1 else f"{left} tries left"


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGINT end it alike, also where a shell's background job ignores the latter."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_ENDS = {
    OfferState.SPENT: "The code was tried wrong three times; give out a new one.",
    OfferState.EXPIRED: "The code's five minutes are over; give out a new one.",
    OfferState.WITHDRAWN: "The code was called off; nothing was changed.",
}
