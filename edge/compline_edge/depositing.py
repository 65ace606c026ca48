"""Sends sealed evidence to the hub for the compliance officer, piece by piece, bound, frozen or wiped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import structlog

from compline_edge.core.binding_life import Wiped, Wiping
from compline_edge.core.conditions import evidence_may_go
from compline_edge.link.deposit import NotTaken, deposit_at
from compline_edge.link.errors import Unreachable
from compline_edge.ports import Address, NotKept, Surroundings
from compline_edge.vault.binding import Binding
from compline_edge.vault.evidence import OwedEvidence, owed_evidence, place_of, settle_evidence
from compline_edge.vault.home import Home
from compline_shared.transfer import Offer

LOOK: Final = 30.0
"""Seconds between looks for evidence that is owed."""
LONGEST: Final = 1_800.0
"""Seconds, the most that the pause grows to while no hub takes any."""
Find: TypeAlias = Callable[[], Awaitable[Sequence[Address]]]
_log = structlog.get_logger("compline_edge")


class Depositor:
    """One handset's deposits; `run` it as a task until it is cancelled."""

    def __init__(
        self, home: Home, *, find: Find, surroundings: Surroundings | None = None, look_s: float = LOOK
    ) -> None:
        """``find`` says where pairing ports may be, in order; it is asked anew for each round.

        Where ``surroundings`` tell of a metered network or a low battery, evidence waits.
        """
        self._surroundings = surroundings
        self._held = False  # whether it was said that evidence waits
        self._home = home
        self._find = find
        self._look = look_s
        self._stopping = threading.Event()

    async def run(self) -> None:
        """Deposit whatever is owed, until cancelled; a piece that is under way is broken off between two chunks."""
        pause = self._look
        try:
            while True:
                went = await self._round()
                pause = self._look if went else min(2 * pause, LONGEST)
                await asyncio.sleep(pause)
        finally:
            self._stopping.set()

    async def _round(self) -> bool:
        """Send all that is owed; returns whether nothing was left behind."""
        owed = [(binding, piece) for binding in self._home.bindings.values() for piece in _owed(binding)]
        if not owed:
            return True
        may_go = self._surroundings is None or evidence_may_go(self._surroundings.look())
        if not may_go:
            if not self._held:
                _log.info("evidence_waits", pieces=len(owed), reason="conditions")
            self._held = True
            return True
        self._held = False
        addresses = await self._find()
        for binding, piece in owed:
            if not await self._deposited(addresses, binding, piece):
                return False
        return True

    async def _deposited(self, addresses: Sequence[Address], binding: Binding, piece: OwedEvidence) -> bool:
        for address in addresses:
            try:
                await self._in_thread(address, binding, piece)
            except Unreachable:
                continue
            except NotTaken as refused:
                _log.warning("evidence_not_taken", reason=refused.reason.code)
                return False
            except NotKept as error:
                _log.warning("evidence_not_settled", reason=type(error).__name__)
                return False
            except FileNotFoundError:  # wiped, or swept, meanwhile
                return True
            _log.info("evidence_deposited", bytes=piece.size)
            return True
        _log.info("evidence_waits", pieces=1)
        return False

    async def _in_thread(self, address: Address, binding: Binding, piece: OwedEvidence) -> None:
        """Send in a thread; when cancelled, wait until it has let go of the home's files."""
        sending = asyncio.get_running_loop().run_in_executor(None, self._send, address, binding, piece)
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            self._stopping.set()
            await asyncio.gather(sending, return_exceptions=True)
            raise

    def _send(self, address: Address, binding: Binding, piece: OwedEvidence) -> None:
        life, folder = binding.life, _folder(binding)
        offer = Offer(
            handset=life.handset,
            binding=life.binding,
            evidence=piece.id,
            digest=piece.digest,
            size=piece.size,
            sealed_key=piece.sealed_key,
        )
        with place_of(folder, piece.id).open("rb") as source:
            deposit_at(
                address,
                self._home.hub_keys,
                offer,
                identity=self._home.identity,
                source=source,
                go_on=lambda: not self._stopping.is_set(),
            )
        settle_evidence(folder, piece.id, keep_file=not isinstance(binding.life.stage, Wiping | Wiped))


def _folder(binding: Binding) -> Path:
    return binding.folder / "evidence"


def _owed(binding: Binding) -> Sequence[OwedEvidence]:
    folder = _folder(binding)
    return owed_evidence(folder) if folder.is_dir() else ()
