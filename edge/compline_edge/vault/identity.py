"""The agent's home: who this handset is, whom it is bound to, and the stores of that binding.

home/                       0700
  identity.key              0600  Ed25519 seed, the identity slot
  certificate, hub_time     0600  of the handset, and what the hub said last of the time (`certificate_store`)
  request.json              0600  its id and public keys, as the hub is shown them
  active                    0600  id of the current binding
  bindings/<id>/            0700
    grant.json              0600  hub's keys and authority, branch key, binding secret
    vault.slot              0600  the vault slot's key
    vault.wrap              0600  the vault's key, wrapped under slot and binding secret
    vault.db (+ -wal, -shm) 0600  SQLCipher
    outbox.db (+ ...)       0600  sealed entries
    evidence/<id>.cev       0600  sealed recordings and chats
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from compline_edge.core.identity import Identity, identity_of
from compline_edge.ports import Clock, KeySlot
from compline_edge.vault.durable import make_folder, private_file, write_file
from compline_edge.vault.errors import AlreadyEnrolled, HomeInUse, NotEnrolled
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.keys import VaultKey, unwrap, wrap
from compline_edge.vault.ledger import Ledger
from compline_edge.vault.outbox import DEFAULT_LIMIT, Outbox
from compline_edge.vault.store import Vault
from compline_shared.chain import Chain
from compline_shared.enrolment import (
    MAX_FILE,
    BadEnrolment,
    EnrolmentGrant,
    EnrolmentRequest,
    read_grant,
    read_request,
    write_grant,
    write_request,
)
from compline_shared.p256 import point_of
from compline_shared.place import Place

_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Home:
    """An enrolled handset, open; a context manager that closes both stores."""

    identity: Identity
    grant: EnrolmentGrant
    vault: Vault
    outbox: Outbox
    ledger: Ledger  # the Owing port
    _lock: BinaryIO = field(repr=False)

    @property
    def place(self) -> Place:
        """Handset, binding and epoch."""
        return self.grant.place

    def close(self) -> None:
        """Close vault and outbox and let another agent in."""
        self.vault.close()
        self.outbox.close()
        self._lock.close()

    def __enter__(self) -> Home:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def create_identity(home: Path) -> EnrolmentRequest:
    """Make this handset's id and signing key, and return what to show the hub; the same again on a second call.

    Raises:
        StorageFull: no room.
        BadEnrolment: the request of an earlier call is damaged.
    """
    make_folder(home)
    path = home / "request.json"
    slot = FileSlot(home / "identity.key")
    if slot.holds and path.exists():
        return read_request(_bounded(path))
    seed = os.urandom(32)
    keys = identity_of(seed)
    request = EnrolmentRequest(
        handset=os.urandom(_ID_BYTES).hex(),
        signing_key_public=keys.signing.public_key().public_bytes_raw(),
        receiving_key_public=keys.receiving.public_key().public_bytes_raw(),
        tls_key_public=point_of(keys.tls),
    )
    slot.put(seed)
    write_file(path, write_request(request))
    return request


def is_bound(home: Path) -> bool:
    """Return whether the home has a current binding."""
    return _active(home) is not None


def join(home: Path, grant: EnrolmentGrant) -> None:
    """Take the hub's grant: make the binding's vault key and stores, and make it the current binding.

    A second call with the same grant changes nothing.

    Raises:
        NotEnrolled: no identity yet.
        BadEnrolment: the grant is for another handset.
        AlreadyEnrolled: bound already, to another binding or under other terms.
        StorageFull: no room; join again when there is.
    """
    if not (home / "request.json").exists():
        raise NotEnrolled("This handset has no identity yet; run `compline-edge join CODE` first.")
    if read_request(_bounded(home / "request.json")).handset != grant.handset:
        raise BadEnrolment("The grant is for another handset; let the hub enrol this handset's own request.")
    active = _active(home)
    if active is not None:
        if active == grant.binding and _bounded(_folder(home, active) / "grant.json") == write_grant(grant):
            return
        raise AlreadyEnrolled("This handset is bound already; use another home folder for another binding.")
    folder = _folder(home, grant.binding)
    make_folder(folder)
    slot = FileSlot(folder / "vault.slot")
    slot.put(os.urandom(32))
    wrapped = wrap(VaultKey.generate(), slot, grant.binding_secret, grant.place.binding)
    write_file(folder / "vault.wrap", wrapped)
    write_file(folder / "grant.json", write_grant(grant))
    write_file(home / "active", grant.binding.encode())


def open_home(
    home: Path,
    *,
    clock: Clock,
    slot_at: Callable[[Path], KeySlot] = FileSlot,
    outbox_limit: int = DEFAULT_LIMIT,
) -> Home:
    """Open the current binding's vault and outbox and finish what a crash cut off.

    ``outbox_limit`` is in bytes. Raises:
        NotEnrolled: `init` or `join` was not run here.
        HomeInUse: another agent works here.
        VaultLocked: the key slot or the binding does not belong to this vault.
        StorageFull: no room.
    """
    active = _active(home)
    if active is None:
        raise NotEnrolled("This handset is not bound to a hub yet; run `compline-edge join CODE` first.")
    with ExitStack() as undo:
        lock = undo.enter_context(_locked(home))
        folder = _folder(home, active)
        grant = read_grant(_bounded(folder / "grant.json"))
        identity = identity_of(slot_at(home / "identity.key").get())
        slot = slot_at(folder / "vault.slot")
        key = unwrap(_bounded(folder / "vault.wrap"), slot, grant.binding_secret, grant.place.binding)
        chain = Chain(grant.branch_key, grant.place.binding)
        vault = Vault(folder, key=key, chain=chain)
        undo.callback(vault.close)
        outbox = Outbox(folder / "outbox.db", genesis=chain.genesis, limit=outbox_limit)
        undo.callback(outbox.close)
        ledger = Ledger(vault, outbox, place=grant.place, hub=grant.sealing_key, clock=clock)
        ledger.recover()
        undo.pop_all()
    return Home(identity=identity, grant=grant, vault=vault, outbox=outbox, ledger=ledger, _lock=lock)


def _locked(home: Path) -> BinaryIO:
    file = private_file(home / "lock")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise HomeInUse("Another agent works in this home; stop it, or use another home folder.") from None
    return file


def _active(home: Path) -> str | None:
    path = home / "active"
    return _bounded(path).decode() if path.exists() else None


def _folder(home: Path, binding: str) -> Path:
    return home / "bindings" / binding


def _bounded(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise NotEnrolled(
            f"The file {path.name} is missing from the agent's home; restore it or enrol anew."
        ) from None
