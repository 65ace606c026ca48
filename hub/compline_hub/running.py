"""Keeps a process of the hub running with the keys of now, and its rounds going."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog

from compline_hub.office import Hub, open_hub
from compline_hub.settings import HubSettings

BUSY_SECONDS = 2.0
"""After which a hub that could not be opened anew is tried again."""
Run = Callable[[Hub, asyncio.Event, Callable[[str], None]], Awaitable[bool]]
"""Runs an opened hub until the event, telling when it runs; returns before, with true, to be opened anew."""
_log = structlog.get_logger("compline_hub")


def ending_of(stop: asyncio.Event | None) -> asyncio.Event:
    """Return `stop`, or an event that SIGINT and SIGTERM set."""
    ending = stop or asyncio.Event()
    if stop is None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ending.set)
    return ending


async def run_on(
    settings: HubSettings, ending: asyncio.Event, ready: Callable[[str], None] | None, run: Run
) -> None:
    """Run, and open the hub anew whenever it is to work with other keys: no former one stays in memory.

    What keeps it from being opened anew, a database that is away for a moment say, is waited out.
    """
    up = 0  # how often it ran

    def came_up(address: str) -> None:
        nonlocal up
        up += 1
        if up == 1 and ready is not None:
            ready(address)

    while True:
        before = up
        try:
            with open_hub(settings) as hub:
                if not await run(hub, ending, came_up):
                    return
        except Exception as error:
            if not before or up > before:  # it never ran, or was running again
                raise
            _log.error("hub_not_opened_anew", error=type(error).__name__)
            await asyncio.sleep(BUSY_SECONDS)
        if up and ending.is_set():
            return


async def repeat(seconds: float, failed: str, work: Callable[[], Awaitable[bool | None]]) -> None:
    """Do something again and again until it returns true; a store that is busy or away now is tried again.

    ``failed`` is the event that is logged where it raises.
    """
    while True:
        await asyncio.sleep(seconds)
        try:
            if await work():
                return
        except Exception as error:  # noqa: BLE001 (what one round did not do the next one does)
            _log.error(failed, error=type(error).__name__)
