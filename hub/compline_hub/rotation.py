"""Replaces the keys that handsets know; what was before stays until no handset needs it any more.

Command, signing and sealing key:

    1. the new key is laid beside the present one      `command.key.next`
    2. transaction: the present set of public keys, the former one, audit   from here on the new key is true
    3. the present one is kept as `command.key.old`, the new one takes its name
    4. each handset is told at its next report, by a command under the command key that it knows
    5. when nobody needs the former set: transaction (it is let go, audit), then the file of the former key goes

The authority's key (`ca`) goes in two rounds, for a handset meets the hub in TLS before it can be told anything:

    1. key and certificate are made, the key is laid beside the present one   `ca.key.next`
    2. transaction: the present set names both authorities; the old one still issues   round one: 4
    3. when everybody knows both: transaction, the present set names the new one alone   round two: 4
    4. the next start puts the new key in the old one's place, which destroys that; every certificate is made anew

A cut anywhere is ended by the next start as the database says. TLS keys are told to nobody and just replaced.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace

from compline_hub.core.audit import Act, Entry
from compline_hub.core.authority import new_authority
from compline_hub.core.key_sets import KeySets, KnownKey, waits, with_new
from compline_hub.core.keys import certificate_key
from compline_hub.core.standing import Case
from compline_hub.errors import RotationRefused
from compline_hub.office import Hub, init_hub, ledger_of, open_hub, replacing_keys
from compline_hub.ports import Ledger
from compline_hub.service.cases import case_of
from compline_hub.settings import HubSettings
from compline_hub.store.certificate_files import SERIAL_BITS
from compline_hub.store.key_files import KeyFiles
from compline_shared.certificates import read_certificate

BY_HUB = "hub"
TLS = ("tls", "link")
"""The server's key and that of the hub's own way to its broker."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A handset that may still need the former keys."""

    handset: str  # its name for people
    heard: int | None  # Unix s of its last good frame
    knows: (
        bool  # whether it has the present keys, and is waited for because of what was made under former ones
    )


@dataclass(frozen=True, slots=True)
class RotationState:
    """How the keys stand that handsets know; `waiting` is empty where no rotation is under way."""

    name: str  # of the present set, 16 hex digits
    since: int | None  # Unix s; None: never rotated
    authority_ends: int  # Unix s, of the authority that issues now
    changed: KnownKey | None  # what is being replaced
    first_round: bool  # whether another round follows
    waiting: tuple[Waiting, ...]


def rotate(settings: HubSettings, kind: KnownKey, *, by: str) -> RotationState:
    """Make another key of a kind; the one before stays for handsets that know no other.

    Raises:
        HubBusy: the hub runs, or another command does.
        RotationRefused: an earlier rotation is not over.
    """
    init_hub(settings)
    with open_hub(settings) as hub:
        retire(hub)
    with replacing_keys(settings) as files:
        with ledger_of(settings) as ledger:
            before = ledger.book.key_sets()
        if before is None or before.former is not None:
            raise RotationRefused(
                "Some handsets do not have the present keys yet: see `compline-hub keys status`. Wait for them, or let"
                " them go with `compline-hub keys finish`."
            )
        now, staged = int(time.time()), files.stage(kind.value)
        authority = new_authority(certificate_key(staged), now=now, serial=secrets.randbits(SERIAL_BITS) | 1)
        fresh = with_new(before.present, kind, staged, authority=authority.der)
        with ledger_of(settings) as ledger:
            ledger.book.keep_key_sets(KeySets(fresh, before.present, now))
            ledger.audit.note(Entry(at=now, who=by, act=Act.ROTATED, detail=kind.value))
        if kind is not KnownKey.CA:
            files.end_rotation(kind.value, staged_is_true=True)
    with open_hub(settings) as hub:
        return state(hub)


def rotate_tls(settings: HubSettings, *, by: str) -> None:
    """Replace the keys of the hub's server and of its way to its broker; handsets know neither.

    Raises:
        HubBusy: the hub runs, or another command does.
    """
    init_hub(settings)
    with replacing_keys(settings) as files:
        for name in TLS:
            files.stage(name)
        with ledger_of(settings) as ledger:
            ledger.audit.note(Entry(at=int(time.time()), who=by, act=Act.ROTATED, detail=TLS[0]))
        for name in TLS:
            files.end_rotation(name, staged_is_true=True)
    with open_hub(settings):  # makes their certificates
        pass


def state(hub: Hub) -> RotationState:
    """Return how the keys stand."""
    with hub.store.transaction() as ledger:
        sets = ledger.book.key_sets() or hub.ring.sets
        return RotationState(
            name=sets.present.name.hex(),
            since=sets.since,
            authority_ends=read_certificate(sets.present.authorities[0]).not_after,
            changed=sets.changed,
            first_round=sets.coming is not None,
            waiting=_waiting(ledger, sets),
        )


def retire(hub: Hub, *, by: str = BY_HUB, even_so: str | None = None) -> bool:
    """Let the former keys go if nobody needs them; returns whether there are none any more.

    ``even_so`` names the present set for which they go though somebody needs them: as `state` named it, so that nobody
    ends a round that he was not asked about.
    Handsets that still wait then are out of reach for good: they have to be paired anew, and what they owe under a
    former sealing key stays sealed. After an authority's first round the second begins, once the hub is opened anew.
    """
    with hub.store.transaction() as ledger:
        sets = ledger.book.key_sets()
        if sets is None or sets.former is None:
            return True
        if even_so is not None and even_so != sets.present.name.hex():
            raise RotationRefused(
                "The rotation went on meanwhile; see `compline-hub keys status`, and decide anew."
            )
        if even_so is None and _waiting(ledger, sets):
            return False
        now, changed, coming = int(time.time()), sets.changed, sets.coming
        if coming is not None:
            ledger.book.keep_key_sets(KeySets(coming, sets.present, now))
        else:
            ledger.book.keep_key_sets(replace(sets, former=None))
        if changed is not None and (coming is not None or changed is not KnownKey.CA):
            ledger.audit.note(Entry(at=now, who=by, act=Act.KEY_DESTROYED, detail=changed.value))
    if coming is not None:
        return False
    KeyFiles(hub.settings.data / "keys").forget_former()
    return True


def is_outdated(hub: Hub) -> bool:
    """Whether an opened hub works with other keys than the database says by now: it is to be opened anew."""
    with hub.store.transaction() as ledger:
        sets = ledger.book.key_sets()
    return sets is not None and sets != hub.ring.sets


def _waiting(ledger: Ledger, sets: KeySets) -> tuple[Waiting, ...]:
    found: dict[str, Waiting] = {}
    for binding in ledger.bindings():
        handset = ledger.handset(binding.handset)
        case = case_of(ledger, binding)
        if handset is None or handset.removed is not None or _never_came_to_be(ledger, case):
            continue
        if waits(case, sets, certified_by=handset.certified_by):
            knows = case.standing.hub_keys == sets.present.name
            found[handset.id] = Waiting(handset.name, handset.heard, knows)
    return tuple(found.values())


def _never_came_to_be(ledger: Ledger, case: Case) -> bool:
    """Whether the handset never kept this binding: it tells of all that it has, and told of a later one alone."""
    if case.standing.told is not None:
        return False
    later = (one for one in ledger.bindings_of(case.binding.handset) if one.bound > case.binding.bound)
    return any(ledger.book.standing(one.id).told is not None for one in later)
