"""Pairs this handset with a hub: finds it, joins by the code, keeps what was won."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from compline_edge.core.certificate_life import clock_error
from compline_edge.core.identity import identity_of
from compline_edge.core.joining import Won
from compline_edge.link.discovery import Door, find_hub
from compline_edge.link.errors import FalseHub, PairingRefused, Unreachable
from compline_edge.link.pairing import join_at
from compline_edge.ports import Address, Clock
from compline_edge.settings import EdgeSettings
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.durable import make_folder
from compline_edge.vault.home import SlotAt, locked
from compline_edge.vault.identity import create_identity, join, require_joinable
from compline_edge.wiring import slot_at
from compline_shared.enrolment import met_at
from compline_shared.errors import ComplineError
from compline_shared.pairing import Refusal
from compline_shared.pairing_code import Invitation, officer_fingerprint


class NoHubFound(ComplineError):
    """No hub says on this network where it is: name its address with --hub HOST:PORT, as its screen shows it."""


@dataclass(frozen=True, slots=True)
class Paired:
    """What the person who pairs may want to see."""

    hub_name: str
    officer: str | None  # fingerprint of the compliance officer's key, to be compared
    clock_days: int  # this handset's clock is so many days ahead of the hub's (negative: behind)


Find: TypeAlias = Callable[[EdgeSettings], Sequence[Address]]


def on_network(settings: EdgeSettings) -> Sequence[Address]:
    """Return where hubs of any name say that handsets pair; hints, no more."""
    interfaces = (settings.discovery_interface,) if settings.discovery_interface else None
    return asyncio.run(find_hub(None, door=Door.PAIRING, interfaces=interfaces))


def pair(settings: EdgeSettings, invitation: Invitation, *, clock: Clock, find: Find = on_network) -> Paired:
    """Join the hub that gave the code out; what fails leaves the handset as it was.

    `find` is asked where the code names no address.

    Raises:
        AlreadyEnrolled: bound already, or still owing; nobody was asked.
        HomeInUse: an agent works here.
        NoHubFound: no address is known.
        Unreachable, PairingRefused, FalseHub: the hub, or who passes for it.
        StorageFull: no room; within the code's five minutes the same handset may join again.
    """
    home = settings.home_folder
    slots = slot_at(settings)
    make_folder(home)
    with locked(home):
        require_joinable(home, slot_at=slots)
        return _pair(settings, invitation, slots, clock=clock, find=find)


def _pair(
    settings: EdgeSettings, invitation: Invitation, slots: SlotAt, *, clock: Clock, find: Find
) -> Paired:
    home = settings.home_folder
    request = create_identity(home, slot_at=slots)
    identity = identity_of(slots(home / "identity.key").get())
    won: list[Won] = []

    def keep_from(address: Address, what: Won) -> None:
        CertificateStore(home).keep(what.certificate, hub_time=what.hub_time)
        join(home, met_at(what.grant, address.host), slot_at=slots, hub_time=what.hub_time)
        won.append(what)

    def try_at(address: Address) -> None:
        join_at(
            address,
            invitation,
            identity=identity,
            handset=request.handset_id,
            keep=lambda what: keep_from(address, what),
        )

    known = () if invitation.address is None else (Address(*invitation.address),)
    _first_that_knows(known or find(settings), try_at)
    (what,) = won
    officer = what.grant.officer_key
    return Paired(
        hub_name=what.grant.hub_name,
        officer=None if officer is None else officer_fingerprint(officer),
        clock_days=clock_error(clock=clock.now(), hub=what.hub_time),
    )


def _first_that_knows(addresses: Sequence[Address], try_at: Callable[[Address], None]) -> None:
    """Try what calls itself a hub until one pairs; where none does, raise what says most."""
    errors: list[ComplineError] = []
    if not addresses:
        raise NoHubFound(NoHubFound.__doc__)
    for address in addresses:
        try:
            try_at(address)
        except (Unreachable, PairingRefused, FalseHub) as error:
            errors.append(error)
        else:
            return
    raise max(errors, key=_weight)


def _weight(error: ComplineError) -> int:
    if isinstance(error, PairingRefused):
        return 1 if error.reason is Refusal.NO_OFFER else 3
    return 2 if isinstance(error, FalseHub) else 0
