"""Looks at a home and touches nothing: what record, slot and outbox say, whether or not an agent works there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compline_edge.core.binding_life import Life
from compline_edge.core.lease import Account, advance
from compline_edge.ports import KeySlot, LeaseClock
from compline_edge.vault.durable import is_short
from compline_edge.vault.errors import NotEnrolled, VaultLocked
from compline_edge.vault.former import beginning_in
from compline_edge.vault.home import SlotAt
from compline_edge.vault.identity import active_binding, bounded, folder_of
from compline_edge.vault.life_files import life_in, true_file
from compline_edge.vault.outbox import owed_in
from compline_shared.enrolment import read_kept_grant, read_request

TRIES: Final = 5
BETWEEN: Final = 0.05
"""Seconds until a change that an agent is just making is through."""


@dataclass(frozen=True, slots=True)
class BindingGlance:
    """The present binding, as of now."""

    hub: str
    life: Life
    account: Account | None  # up to now; None once the keys were destroyed
    rollback_resistant: bool
    owed: int  # verdicts
    left_alone: int  # files of before the binding
    short_of_room: bool  # too little is free for anything to be judged


@dataclass(frozen=True, slots=True)
class Glance:
    """What a home is."""

    handset: str
    binding: BindingGlance | None  # None before it has joined a hub


def look(home: Path, *, clock: LeaseClock, slot_at: SlotAt) -> Glance:
    """Return what the home says now; no vault, no key of a vault and no lock is needed.

    Raises:
        NotEnrolled: no identity yet.
        FilesPutBack, VaultLocked: the files or the slot are not this binding's.
    """
    if not (home / "request.json").exists():
        raise NotEnrolled("This handset has no identity yet; run `compline-edge join CODE` first.")
    handset, active = read_request(bounded(home / "request.json")).handset, active_binding(home)
    return Glance(handset, None if active is None else _binding(folder_of(home, active), clock, slot_at))


def _binding(folder: Path, clock: LeaseClock, slot_at: SlotAt) -> BindingGlance:
    slot = slot_at(folder / "vault.slot")
    life, account = _life(folder, slot)
    beginning = beginning_in(folder)
    return BindingGlance(
        hub=read_kept_grant(bounded(folder / "grant.json")).hub_name,
        life=life,
        account=None if account is None else advance(account, clock.reading()),
        rollback_resistant=slot.rollback_resistant,
        owed=owed_in(folder / "outbox.db"),
        left_alone=0 if beginning is None else beginning.left_alone,
        short_of_room=is_short(folder),
    )


def _life(folder: Path, slot: KeySlot) -> tuple[Life, Account | None]:
    for _ in range(TRIES):
        try:
            file, record = true_file(folder, slot)
        except VaultLocked as locked:
            failure = locked
            time.sleep(BETWEEN)
        else:
            return life_in(file), None if record is None else record.account
    raise failure
