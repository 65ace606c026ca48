"""Carries out, while the agent runs, what the hub commands and what the end of a lease demands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol

import structlog

from compline_edge.core.binding_life import Bound, Effect, Erase, Seal
from compline_edge.core.lease import Standing
from compline_edge.ports import LeaseClock, NotKept
from compline_edge.vault.binding import Binding
from compline_edge.vault.home import Home
from compline_shared.batch import unpack_receipt
from compline_shared.commands import Command, verify_command
from compline_shared.errors import MalformedFrame
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.reports import BindingState, Report, sign_report

TICK: Final = 600.0
"""Seconds between two counts of the lease; no longer than what a reboot counts at least (`core.lease`)."""
ROOM_RETRY: Final = 5.0
"""Seconds before what the disk had no room for is tried again."""
UNHEARD: Final = 20.0
"""Seconds after which a greeting that no order answered is said again, doubled each time: a broker may drop it."""
ASK_AGAIN: Final = 2 * 3_600
"""Seconds of the lease, at most, after which the hub is asked to renew it though the connection never broke."""
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
        self._patience: float | None = None  # s until the next report, while the hub has not answered one
        self._greeted = asyncio.Event()

    async def greet(self) -> tuple[bytes, ...]:
        """Return a report of every binding: what a new connection begins with; none yet where the disk fails."""
        async with self._changing:
            await self._count()
            self._patience = UNHEARD
            self._greeted.set()
            return await self._reports(self._home.bindings.values())

    async def hear(self, frame: bytes) -> tuple[bytes, ...] | None:
        """Carry a command out and return the report that answers it; None where the frame is no command for us."""
        heard = self._heard(frame)
        if heard is None:
            return None
        binding, command = heard
        async with self._changing:
            if command is None:
                return await self._reports((binding,))
            self._patience = None
            effect = await self._with_room(
                lambda: binding.order(command, present=binding is self._home.binding)
            )
            if effect is not None:
                await self._perform(binding, effect)
            _log.info(
                "command_heard", kind=type(command.body).__name__.lower(), state=binding.life.state.code
            )
            self._told(self._home.binding)
            return await self._reports((binding,))

    def _heard(self, frame: bytes) -> tuple[Binding, Command | None] | None:
        """The binding that a frame is a command to; no command where a key before the present one signed it.

        That hub has not heard of the change, whether it sends a command or a receipt: a report tells it, and it signs
        anew.
        """
        for binding in self._home.bindings.values():
            command = _verified(frame, binding.hub_keys, binding)
            if command is not None:
                return binding, command
            former = binding.former_keys
            if former is not None and _is_of(frame, former, binding):
                return binding, None
        return None

    async def keep(self, post: Callable[[bytes], object]) -> None:
        """Count the leases for as long as the agent runs, and ask for their renewal by ``post`` where that is due.

        A greeting that the hub does not answer is said again.
        """
        while True:
            async with self._changing:
                await self._count()
                for report in await self._reports(b for b in self._home.bindings.values() if _asks(b)):
                    post(report)
            await self._pause(post)

    async def _pause(self, post: Callable[[bytes], object]) -> None:
        """Wait a tick; meanwhile say again what the hub does not answer."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._tick
        while (left := until - loop.time()) > 0:
            self._greeted.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, self._patience or left)):
                    await self._greeted.wait()
                    continue
            if self._patience is not None and loop.time() < until:
                self._patience *= 2
                async with self._changing:
                    for report in await self._reports(self._home.bindings.values()):
                        post(report)

    async def _reports(self, bindings: Iterable[Binding]) -> tuple[bytes, ...]:
        """Return their reports; where the disk does not say what is owed they are said later, and orders are heard."""
        try:
            return tuple([await self._report(binding) for binding in bindings])
        except NotKept as error:
            _log.warning("not_reported", error=type(error).__name__)
            self._patience = self._patience or UNHEARD
            self._greeted.set()
            return ()

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
        return sign_report(await asyncio.to_thread(self._told_of, binding), self._home.identity.signing)

    def _told_of(self, binding: Binding) -> Report:
        if binding is not self._home.binding:  # it made way once it owed nothing, and sends nothing any more
            return binding.report(owed=0, last_seq=0)
        settled = self._home.outbox.settled  # first: it never passes what is kept
        last = self._home.last_kept
        return binding.report(owed=last - settled, last_seq=last)

    async def _with_room(self, work: Callable[[], Effect | None]) -> Effect | None:
        """Do blocking work, again where the disk is full or fails: neither a command nor a lease's end is dropped."""
        while True:
            try:
                return await asyncio.to_thread(work)
            except NotKept as error:
                _log.warning("no_room", reason="life", error=type(error).__name__)
                await asyncio.sleep(ROOM_RETRY)


def _verified(frame: bytes, hub: HubPublicKeys, binding: Binding) -> Command | None:
    place = binding.life.place
    with suppress(MalformedFrame):
        command = verify_command(frame, hub.command_key, place.handset)
        if command.place.binding == place.binding:
            return command
    return None


def _is_of(frame: bytes, hub: HubPublicKeys, binding: Binding) -> bool:
    """Whether a hub with these keys made a frame for this binding, a command or a receipt."""
    place = binding.life.place
    if _verified(frame, hub, binding) is not None:
        return True
    with suppress(MalformedFrame):
        return unpack_receipt(frame, hub.receipt_key, place.handset).binding == place.binding
    return False


def _asks(binding: Binding) -> bool:
    """Whether it is time to ask the hub for a renewal without being asked."""
    over = {BindingState.WIPING, BindingState.WIPED}
    if binding.life.state in over:
        return False
    return binding.standing is not Standing.GOOD or binding.lease_used >= min(
        ASK_AGAIN, binding.life.terms.times.warn / 2
    )
