"""A control: a courier that takes what it handed to the broker for delivered."""

from __future__ import annotations

from dataclasses import replace

from compline_shared import courier
from compline_shared.courier import Courier, Event, Send, SettleUpTo, Step


def settling_on_send(state: Courier, event: Event, now: float) -> Step:
    state, commands = courier.react(state, event, now)
    sent = [command.entries[-1].seq for command in commands if isinstance(command, Send)]
    if not sent:
        return state, commands
    return replace(state, settled=sent[-1]), (*commands, SettleUpTo(sent[-1]))
