"""Carries out, while the agent runs, what the hub commands and what the end of a lease demands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from compline_edge.core.binding_life import Bound, Effect, Erase, Seal
from compline_edge.core.lease import Standing
from compline_edge.ports import LeaseClock
from compline_edge.vault.binding import Binding
from compline_edge.vault.errors import StorageFull
from compline_edge.vault.home import Home
from compline_shared.commands import verify_command
from compline_shared.errors import MalformedFrame
from compline_shared.ids import BindingId
from compline_shared.reports import BindingState, sign_report

TICK: Final = 600.0
"""Seconds between two counts of the lease; no longer than what a reboot counts at least (`core.lease`)."""
ROOM_RETRY: Final = 5.0
"""Seconds before what the disk had no room for is tried again."""
ASK_AGAIN: Final = 2 * 3_600
"""Seconds of the lease after which the hub is asked to renew it though the connection never broke."""
_log = structlog.get_logger("compline_edge")


class Judging(Protocol):
    """What the warden asks of the agent: nothing may use a vault that is about to close."""

    async def pause(self) -> None:
        """Stop judging, and return once nothing uses the vault."""
        ...

    def resume(self) -> None:
        """Judge again if the vault is open."""
        ...


class Warden:
    """The `Orders` port over a home; one change at a time."""

    def __init__(
        self,
        home: Home,
        *,
        clock: LeaseClock,
        judging: Judging,
        told: Callable[[Binding], object] = lambda _binding: None,
        tick_s: float = TICK,
    ) -> None:
        """``told`` hears of the present binding after each change and at each count of its lease."""
        self._home = home
        self._clock = clock
        self._judging = judging
        self._told = told
        self._tick = tick_s
        self._changing = asyncio.Lock()

    async def greet(self) -> tuple[bytes, ...]:
        """Return a report of every binding: what a new connection begins with."""
        async with self._changing:
            await self._count()
            return tuple(await asyncio.gather(*(self._report(b) for b in self._home.bindings.values())))

    async def hear(self, frame: bytes) -> tuple[bytes, ...] | None:
        """Carry a command out and return the report that answers it; None where the frame is no command for us."""
        try:
            command = verify_command(frame, self._home.grant.command_key, self._home.place.handset)
        except MalformedFrame:
            return None
        binding = self._home.bindings.get(BindingId(command.binding.hex()))
        if binding is None:
            return None
        async with self._changing:
            effect = await self._with_room(lambda: binding.order(command))
            if effect is not None:
                await self._perform(binding, effect)
            _log.info(
                "command_heard", kind=type(command.body).__name__.lower(), state=binding.life.state.code
            )
            self._told(self._home.binding)
            return (await self._report(binding),)

    async def keep(self, post: Callable[[bytes], object]) -> None:
        """Count the leases for as long as the agent runs, and ask for their renewal by ``post`` where that is due."""
        while True:
            async with self._changing:
                await self._count()
                due = [b for b in self._home.bindings.values() if _asks(b)]
                for report in [await self._report(binding) for binding in due]:
                    post(report)
            await asyncio.sleep(self._tick)

    async def _count(self) -> None:
        for binding in self._home.bindings.values():
            reading = self._clock.reading()
            effect = await self._with_room(lambda b=binding, r=reading: b.tick(r))  # type: ignore[misc]
            if effect is not None:
                _log.warning("lease_over", state=binding.life.state.code)
                await self._perform(binding, effect)
        self._told(self._home.binding)

    async def _perform(self, binding: Binding, effect: Effect) -> None:
        present = binding is self._home.binding
        if present and isinstance(effect, Seal | Erase):
            await self._judging.pause()
        await self._with_room(lambda: self._home.perform(binding, effect))
        _log.info("binding_changed", state=binding.life.state.code, epoch=binding.life.epoch)
        if present and isinstance(binding.life.stage, Bound):
            self._judging.resume()

    async def _report(self, binding: Binding) -> bytes:
        owed = 0
        if binding is self._home.binding:
            owed = self._home.outbox.last_seq - self._home.outbox.settled
        return sign_report(await asyncio.to_thread(binding.report, owed=owed), self._home.identity.signing)

    async def _with_room(self, work: Callable[[], Effect | None]) -> Effect | None:
        """Do blocking work, again and again where the disk is full: neither a command nor a lease's end is dropped."""
        while True:
            try:
                return await asyncio.to_thread(work)
            except StorageFull:
                _log.warning("no_room", reason="life")
                await asyncio.sleep(ROOM_RETRY)


def _asks(binding: Binding) -> bool:
    """Whether it is time to ask the hub for a renewal without being asked."""
    over = {BindingState.WIPING, BindingState.WIPED}
    if binding.life.state in over:
        return False
    return binding.standing is not Standing.GOOD or binding.lease_used >= ASK_AGAIN
