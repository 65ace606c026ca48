"""Replaces the key that signs commands; the former one stays until no handset needs it any more.

    1. the new key is laid beside the present one      `command.key.next`
    2. transaction: which key is true, the former, audit   from here on the new one is true
    3. the present one is kept as `command.key.old`, the new one takes its name
    4. each handset is told at its next report, by a command under the former key
    5. when the last one has told the new key's name: transaction (the former is let go, audit), then its file goes

A cut between 1 and 3 is ended by the next start as the database says, one between the two halves of 5 too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from compline_hub.core.audit import Act, Entry
from compline_hub.core.keys import CommandKeys, public_of
from compline_hub.core.standing import Case
from compline_hub.errors import RotationRefused
from compline_hub.office import Hub, holding_keys, init_hub, open_hub
from compline_hub.ports import Ledger
from compline_hub.settings import HubSettings
from compline_hub.store.engine import open_engine
from compline_hub.store.key_files import KeyFiles
from compline_hub.store.ledger import SqlStore
from compline_shared.commands import key_name

COMMAND = "command"
BY_HUB = "hub"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A handset that was not yet heard to take commands under the present key."""

    handset: str  # its name for people
    heard: int | None  # Unix s of its last good frame


@dataclass(frozen=True, slots=True)
class CommandKeyState:
    """How a rotation of the command key stands; `waiting` is empty where there is none under way."""

    name: str  # 16 hex digits
    since: int | None  # Unix s; None: never rotated
    under_way: bool
    waiting: tuple[Waiting, ...]


def rotate_command(settings: HubSettings, *, by: str) -> CommandKeyState:
    """Make another command key the present one; the former one stays for handsets that know no other.

    Raises:
        HubBusy: the hub runs, or another command does.
        RotationRefused: an earlier rotation is not over.
    """
    init_hub(settings)
    files = KeyFiles(settings.data / "keys")
    with open_hub(settings) as hub:  # ends a rotation that was cut off
        retire(hub)
    with holding_keys(settings.data, alone=True):
        keys = files.load()
        if keys.former_command is not None:
            raise RotationRefused(
                "Some handsets do not have the present key yet: see `compline-hub keys status`. Wait for them, or let"
                " them go with `compline-hub keys finish command`."
            )
        fresh = files.stage(COMMAND)
        engine = open_engine(settings.database_url, writing=True)
        try:
            with SqlStore(engine).transaction() as ledger:
                now = int(time.time())
                ledger.book.keep_command_keys(CommandKeys(public_of(fresh), keys.command_public, now))
                ledger.audit.note(Entry(at=now, who=by, act=Act.ROTATED, detail=COMMAND))
        finally:
            engine.dispose()
        files.end_rotation(COMMAND, staged_is_true=True)
    with open_hub(settings) as hub:
        return state(hub)


def state(hub: Hub) -> CommandKeyState:
    """Return how the command key stands."""
    with hub.store.transaction() as ledger:
        known = ledger.book.command_keys()
        under_way = known is not None and known.former is not None
        return CommandKeyState(
            name=key_name(hub.keys.command_public).hex(),
            since=None if known is None else known.since,
            under_way=under_way,
            waiting=_waiting(ledger, known) if known is not None and under_way else (),
        )


def retire(hub: Hub, *, by: str = BY_HUB, even_so: bool = False) -> bool:
    """Destroy the former command key if no handset waits, or ``even_so``; returns whether there is none any more.

    Handsets that still wait then are out of reach for good: they have to be paired anew.
    """
    with hub.store.transaction() as ledger:
        known = ledger.book.command_keys()
        if known is None or known.former is None:
            return True
        if _waiting(ledger, known) and not even_so:
            return False
        ledger.book.keep_command_keys(replace(known, former=None))
        ledger.audit.note(Entry(at=int(time.time()), who=by, act=Act.KEY_DESTROYED, detail=COMMAND))
    KeyFiles(hub.settings.data / "keys").forget_former()
    return True


def _waiting(ledger: Ledger, known: CommandKeys) -> tuple[Waiting, ...]:
    found: dict[str, Waiting] = {}
    for binding in ledger.bindings():
        handset = ledger.handset(binding.handset)
        standing = ledger.book.standing(binding.id)
        over = handset is None or handset.removed is not None or Case(binding, standing).gone
        if handset is not None and not over and standing.command_key != key_name(known.present):
            found[handset.id] = Waiting(handset.name, handset.heard)
    return tuple(found.values())
