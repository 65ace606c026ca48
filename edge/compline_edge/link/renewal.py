"""Renews the handset's certificate before it ends, and asks for the hub's time when a clock is in doubt."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from compline_edge.core.identity import Identity
from compline_edge.link.certificate_keeper import CertificateKeeper
from compline_edge.link.errors import NotRenewed, Unreachable
from compline_edge.link.pairing import renew_at
from compline_edge.ports import Address
from compline_shared.errors import ComplineError
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import HandsetId

Find: TypeAlias = Callable[[], Awaitable[Sequence[Address]]]
_log = structlog.get_logger("compline_edge.link")


@dataclass(frozen=True, slots=True)
class RenewalPace:
    """Seconds."""

    look: float = (
        5.0  # between looks whether a renewal is due: a broken connection may have put the clock in doubt
    )
    again: float = 30.0  # after a first failure, doubled each time
    longest: float = 3_600.0


PACE: Final = RenewalPace()


class RenewalLoop:
    """One handset's renewals; `run` it as a task until it is cancelled."""

    def __init__(
        self,
        keeper: CertificateKeeper,
        *,
        identity: Identity,
        handset: HandsetId,
        hub: Callable[[], HubPublicKeys],
        find: Find,
        pace: RenewalPace = PACE,
    ) -> None:
        """``hub`` says by which keys the hub is known now; ``find`` where pairing ports may be, for each attempt."""
        self._keeper = keeper
        self._identity = identity
        self._handset = handset
        self._hub = hub
        self._find = find
        self._pace = pace

    async def run(self) -> None:
        """Renew whenever it is due, until cancelled."""
        failures = 0
        while True:
            if not self._keeper.renewal_due:
                failures = 0
                await asyncio.sleep(self._pace.look)
            elif await self._renewed():
                failures = 0
            else:
                wait = min(self._pace.again * 2**failures, self._pace.longest)
                failures = min(failures + 1, 16)
                await asyncio.sleep(wait * random.uniform(0.5, 1.5))

    async def _renewed(self) -> bool:
        for address in await self._find():
            try:
                certificate, hub_time = await asyncio.to_thread(
                    renew_at, address, self._handset, hub=self._hub(), identity=self._identity
                )
            except Unreachable:
                continue
            except NotRenewed:
                _log.error("renewal.refused")
                continue
            try:
                await asyncio.to_thread(self._keeper.take, certificate, hub_time=hub_time)
            except ComplineError as error:
                _log.warning("renewal.not_kept", reason=type(error).__name__)  # used until the agent ends
            _log.info("renewal.done", ends=certificate.not_after)
            return True
        _log.info("renewal.unreachable")
        return False
