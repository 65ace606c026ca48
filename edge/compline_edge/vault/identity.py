"""Makes what a home begins with: the handset's identity, and the first files of a binding."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from compline_edge.clock import BootClock
from compline_edge.core.beginning import Beginning
from compline_edge.core.binding_life import Bound, Frozen, Life, Terms, Wiped
from compline_edge.core.identity import identity_of
from compline_edge.core.lease import opened
from compline_edge.ports import KeySlot, LeaseClock
from compline_edge.vault.durable import make_folder, write_file
from compline_edge.vault.errors import AlreadyEnrolled, NotEnrolled
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.former import keep_beginning
from compline_edge.vault.keys import KEY_BYTES, Unwrapped, VaultKey, wrap
from compline_edge.vault.life_files import SECRET, WRAP, LifeFiles
from compline_edge.vault.outbox import owes
from compline_shared.enrolment import (
    MAX_FILE,
    BadEnrolment,
    EnrolmentGrant,
    EnrolmentRequest,
    read_request,
    write_grant,
    write_request,
)
from compline_shared.p256 import point_of

_ID_BYTES = 8
_CLOCK = BootClock()


def create_identity(home: Path, *, slot_at: Callable[[Path], KeySlot] = FileSlot) -> EnrolmentRequest:
    """Make this handset's id and keys, and return what to show the hub; the same again on a second call.

    Raises:
        StorageFull: no room.
        VaultLocked: the slot does not answer.
        BadEnrolment: the request of an earlier call is damaged.
    """
    make_folder(home)
    path = home / "request.json"
    slot = slot_at(home / "identity.key")
    if slot.holds and path.exists():
        return read_request(bounded(path))
    seed = os.urandom(32)
    keys = identity_of(seed)
    request = EnrolmentRequest(
        handset=os.urandom(_ID_BYTES).hex(),
        signing_key_public=keys.signing.public_key().public_bytes_raw(),
        tls_key_public=point_of(keys.tls),
    )
    slot.put(seed)
    write_file(path, write_request(request))
    return request


def require_joinable(home: Path, *, slot_at: Callable[[Path], KeySlot] = FileSlot) -> None:
    """Raise AlreadyEnrolled where the present binding still has its vault open, or owes the hub something."""
    active = active_binding(home)
    if active is not None:
        _require_over(folder_of(home, active), slot_at)


def join(
    home: Path,
    grant: EnrolmentGrant,
    *,
    clock: LeaseClock = _CLOCK,
    slot_at: Callable[[Path], KeySlot] = FileSlot,
    hub_time: int | None = None,
) -> None:
    """Take the hub's grant: make the binding's vault key and first record, and make it the present binding.

    A second call with the same grant changes nothing. A binding that is frozen or wiped and owes nothing makes way for
    another: its vault stays as it is, and the new one keeps when it began, for what is older is not its collector's.
    ``hub_time`` is what the hub says of the time now, Unix s, where it has spoken.

    Raises:
        NotEnrolled: no identity yet.
        BadEnrolment: the grant is for another handset.
        AlreadyEnrolled: bound already, to another binding or under other terms.
        StorageFull: no room; join again when there is.
    """
    if not (home / "request.json").exists():
        raise NotEnrolled("This handset has no identity yet; run `compline-edge join CODE` first.")
    if read_request(bounded(home / "request.json")).handset != grant.handset:
        raise BadEnrolment("The grant is for another handset; pair this handset by a code of its own.")
    active = active_binding(home)
    if active == grant.binding:
        stage = LifeFiles(folder_of(home, active), slot_at(folder_of(home, active) / "vault.slot")).life.stage
        if not isinstance(stage, Bound):
            raise AlreadyEnrolled(
                "This handset has this binding already, and it is not bound now: let the branch bind it again"
                " (compline-hub rebind)."
            )
        if bounded(folder_of(home, active) / "grant.json") == write_grant(_without_secret(grant)):
            return
        raise AlreadyEnrolled(
            "This handset has this binding already, under other terms; nothing was changed."
        )
    require_joinable(home, slot_at=slot_at)
    folder = folder_of(home, grant.binding)
    make_folder(folder)
    slot = slot_at(folder / "vault.slot")
    if not slot.holds:
        _begin(folder, slot, grant, clock)
    if active is not None:
        wall = clock.reading().wall
        keep_beginning(folder, Beginning(handset=wall, hub=wall if hub_time is None else hub_time))
    write_file(home / "active", grant.binding.encode())


def active_binding(home: Path) -> str | None:
    """Return the id of the present binding."""
    path = home / "active"
    return bounded(path).decode() if path.exists() else None


def folder_of(home: Path, binding: str) -> Path:
    """Where a binding's files lie."""
    return home / "bindings" / binding


def bounded(path: Path) -> bytes:
    """Return a small file's bytes, at most one more than may be; raises NotEnrolled where it is missing."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise NotEnrolled(
            f"The file {path.name} is missing from the agent's home; restore it or pair this handset anew."
        ) from None


def _begin(folder: Path, slot: KeySlot, grant: EnrolmentGrant, clock: LeaseClock) -> None:
    """Write a binding's first files; where a crash cut this off, the slot is empty and it is done anew."""
    if grant.binding_secret is None:
        raise BadEnrolment("The grant lacks its binding secret; pair by a new code.")
    place, slot_key = grant.place, os.urandom(KEY_BYTES)
    held = Unwrapped(VaultKey.generate(), grant.freeze_key)
    wrapped = wrap(held, slot_key=slot_key, secret=grant.binding_secret, binding=place.binding)
    life = Life(
        handset=bytes.fromhex(place.handset),
        binding=bytes.fromhex(place.binding),
        epoch=place.epoch,
        terms=Terms(times=grant.times, operators=grant.operators, strictness=grant.strictness),
    )
    write_file(folder / "grant.json", write_grant(_without_secret(grant)))
    files = {WRAP: wrapped, SECRET: bytes(grant.binding_secret)}
    LifeFiles.begin(folder, slot, life, key=slot_key, account=opened(clock.reading()), files=files)


def _require_over(folder: Path, slot_at: Callable[[Path], KeySlot]) -> None:
    stage = LifeFiles(folder, slot_at(folder / "vault.slot")).life.stage
    if not isinstance(stage, Frozen | Wiped):
        raise AlreadyEnrolled(
            "This handset is bound already; let the hub unbind it first, or use another home folder."
        )
    if owes(folder / "outbox.db"):
        raise AlreadyEnrolled(
            "This handset still owes verdicts of its former binding; run `compline-edge run` near the hub, then join."
        )


def _without_secret(grant: EnrolmentGrant) -> EnrolmentGrant:
    return replace(grant, binding_secret=None)
