"""Agents that do nothing but deliver, each a process that may be killed; a new life costs no imports.

    python -m tests.delivering_agent COUNT VARIANT HOME...

Each home's agent records verdicts through its real vault until it has COUNT, and delivers them by its real courier
until it is killed. Commands come on stdin, one a line: `start N`, `kill N`; each is answered by a line once it is done.
VARIANT is `real`, or a control: `puback` takes a message that it handed to the broker for delivered, `stubborn` knocks
at one hub of those that it finds and at no other.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from compline_edge.agent import Agent, open_agent
from compline_edge.link import courier as carrying
from compline_edge.ports import Address
from compline_edge.settings import EdgeSettings
from compline_shared import outbox
from compline_shared.courier import Courier
from compline_shared.taxonomy import Severity
from tests.branch import FAST
from tests.puback import settling_on_send
from tests.verdicts import draft

URGENT = 0.05


def main(count: int, variant: str, *homes: Path) -> None:
    """Obey until stdin ends; then end every agent."""
    agents: dict[int, int] = {}
    try:
        for line in sys.stdin:
            what, number = line.split()[0], int(line.split()[1])
            if what == "start":
                agents[number] = os.fork() or live(homes[number], count, variant)
            else:
                end(agents.pop(number))
            sys.stdout.write(line)
            sys.stdout.flush()
    finally:
        for pid in agents.values():
            end(pid)


def end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def live(home: Path, count: int, variant: str) -> NoReturn:
    os.dup2(2, 1)  # stdout is for answers
    try:
        if variant == "puback":
            setattr(carrying, "react", settling_on_send)  # noqa: B010 (mypy would have it as it is)
            setattr(outbox, "settle", partial(outbox.settle, keep=-2 * outbox.GRAIN))  # noqa: B010 (at once)
        asyncio.run(work(home, count, variant))
    except BaseException as error:  # noqa: BLE001 (whoever watches reads it; the process may not live on as its parent)
        sys.stderr.write(f"an agent ended: {error!r}\n")
    os._exit(1)


async def work(home: Path, count: int, variant: str) -> None:
    watched = home.with_name(f"{home.name}-phone")
    watched.mkdir(exist_ok=True)
    async with open_agent(EdgeSettings(home=str(home), recordings=(str(watched),), live=False)) as agent:
        agent.courier._pace = FAST
        agent.courier._courier = Courier(settled=agent.home.outbox.settled, pace=FAST)
        if variant == "stubborn":
            agent.courier._find = stubborn(agent.courier._find)
        recording = asyncio.to_thread(record, agent, count)
        await asyncio.gather(agent.run(), recording)


def stubborn(find: Callable[[], Awaitable[Sequence[Address]]]) -> Callable[[], Awaitable[Sequence[Address]]]:
    async def first_of_several() -> Sequence[Address]:
        found = sorted(await find(), key=lambda address: address.port)
        return found[:1] if len(found) > 1 else ()

    return first_of_several


def record(agent: Agent, count: int) -> None:
    """Record in bursts, as calls end and chats come."""
    chance = random.Random()
    ledger = agent.home.ledger
    while (last := ledger.last_kept) < count:
        for _ in range(min(chance.randint(1, 30), count - last)):
            severity = Severity.VETO if chance.random() < URGENT else Severity.WARNING
            ledger.record(draft(severity=severity), None)
        time.sleep(chance.uniform(0, 0.03))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], *map(Path, sys.argv[3:]))
