"""The agent's home, open: who this handset is, its bindings, and the stores of the present one.

home/                       0700
  identity.key              0600  the identity slot: the seed of the handset's keys
  request.json              0600  its id and public keys, as the hub is shown them
  certificate, hub_time     0600  of the handset, and what the hub said last of the time (`certificate_store`)
  active                    0600  id of the present binding
  bindings/<id>/            0700  as `binding` and `former` say
"""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from compline_edge.clock import BootClock
from compline_edge.core.binding_life import Bound, Effect, Erase, Seal
from compline_edge.core.identity import Identity, identity_of
from compline_edge.ports import Clock, KeySlot, LeaseClock, NotKept
from compline_edge.vault.binding import Binding
from compline_edge.vault.durable import private_file
from compline_edge.vault.errors import HomeInUse, NotEnrolled, OutboxFull, VaultFrozen
from compline_edge.vault.evidence import Officer
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.identity import active_binding, bounded, folder_of
from compline_edge.vault.ledger import Ledger
from compline_edge.vault.outbox import DEFAULT_LIMIT, Outbox
from compline_edge.vault.store import Vault
from compline_shared.chain import Chain
from compline_shared.enrolment import EnrolmentGrant, read_kept_grant
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import BindingId
from compline_shared.place import Place

SlotAt = Callable[[Path], KeySlot]
Parting = Callable[["Home"], object]
_LEASE_CLOCK = BootClock()


@dataclass(frozen=True, slots=True)
class _Stores:
    """What is there only while the vault is open."""

    vault: Vault
    ledger: Ledger


class Home:
    """An enrolled handset, open; a context manager that closes its stores. Safe to use from any thread."""

    def __init__(
        self,
        *,
        identity: Identity,
        grant: EnrolmentGrant,
        bindings: Mapping[BindingId, Binding],
        outbox: Outbox,
        chain: Chain,
        clock: Clock,
        lease_clock: LeaseClock,
        lock: BinaryIO,
        parting: Parting,
    ) -> None:
        self.identity = identity
        self.grant = grant
        self.bindings = bindings
        self.outbox = outbox
        self._chain = chain
        self._clock = clock
        self._lease_clock = lease_clock
        self._locked = lock
        self._parting = parting
        self._changing = threading.RLock()
        self._stores: _Stores | None = None

    @property
    def binding(self) -> Binding:
        """The present binding."""
        return self.bindings[self.grant.place.binding]

    @property
    def place(self) -> Place:
        """Handset, binding and present epoch."""
        return self.binding.life.place

    @property
    def hub_keys(self) -> HubPublicKeys:
        """The keys by which the present binding knows its hub now; they may change while the home is open."""
        return self.binding.hub_keys

    @property
    def last_kept(self) -> int:
        """Seq of the newest verdict that may still be sent, 0 = none; no later one is sealed to keys before `hub_keys`.

        What the vault owes the outbox counts while it is open. Raises StorageFailing.
        """
        stores = self._stores
        return self.outbox.last_seq if stores is None else stores.ledger.last_kept

    @property
    def vault(self) -> Vault:
        """The open vault; raises VaultFrozen where it is not."""
        return self._opened().vault

    @property
    def ledger(self) -> Ledger:
        """The Owing port over the open vault; raises VaultFrozen where it is not."""
        return self._opened().ledger

    @property
    def is_open(self) -> bool:
        """Whether the vault is open."""
        return self._stores is not None

    def settle(self) -> None:
        """Count the leases up to now, do what they or an earlier start demand, and open the vault if it is bound.

        Raises:
            VaultLocked, StoresDisagree, StorageFull: as opening does.
        """
        with self._changing:
            for binding in self.bindings.values():
                effect = binding.tick(self._lease_clock.reading()) or binding.unfinished
                if effect is not None:
                    self.perform(binding, effect)
            if self._stores is None and isinstance(self.binding.life.stage, Bound):
                self._open()

    def perform(self, binding: Binding, effect: Effect) -> None:
        """Carry out what was decided of a binding; its vault closes first, and opens where it is bound afterwards."""
        with self._changing:
            present = binding is self.binding
            if present and isinstance(effect, Seal):
                self._drain(binding)
            if present and isinstance(effect, Erase):
                self._rescue(binding)
            if present:
                self.close_vault()
            binding.perform(effect)
            if present and isinstance(binding.life.stage, Bound):
                self._open()

    def close_vault(self) -> None:
        """Close the vault and forget its key; what uses it gets VaultFrozen."""
        with self._changing:
            stores, self._stores = self._stores, None
            if stores is not None:
                stores.vault.close()

    def close(self) -> None:
        """Close vault and outbox and let another agent in."""
        self.close_vault()
        self.outbox.close()
        self._locked.close()

    def __enter__(self) -> Home:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> _Stores:
        stores = self._stores
        if stores is None:
            raise VaultFrozen(VaultFrozen.__doc__)
        return stores

    def _open(self) -> None:
        officer = self.grant.officer_key
        vault = Vault(
            self.binding.folder,
            key=self.binding.vault_key(),
            chain=self._chain,
            officer=None
            if officer is None
            else Officer(X25519PublicKey.from_public_bytes(officer), self.place),
        )
        try:
            ledger = Ledger(
                vault, self.outbox, place=self.place, hub=lambda: self.hub_keys, clock=self._clock
            )
            ledger.recover()
        except BaseException:
            vault.close()
            raise
        self._stores = _Stores(vault, ledger)

    def _drain(self, binding: Binding) -> None:
        """Let the agent say what it did not judge, and move to the outbox all that the vault still owes.

        A full disk's reserve is spent on it; what finds no room all the same stays owed and leaves after a re-bind.
        """
        binding.make_room()
        with suppress(NotKept, OutboxFull):
            if self._stores is None:
                self._open()
            self._parting(self)
        with suppress(NotKept, OutboxFull, VaultFrozen):
            self.ledger.recover()

    def _rescue(self, binding: Binding) -> None:
        """Move to the outbox what missed it, as long as the vault is open; whatever fails, the wipe goes on."""
        stores = self._stores
        if stores is not None and stores.ledger.behind:
            with suppress(Exception):
                binding.make_room()
                stores.ledger.move()


def open_home(
    home: Path,
    *,
    clock: Clock,
    lease_clock: LeaseClock = _LEASE_CLOCK,
    slot_at: SlotAt = FileSlot,
    outbox_limit: int = DEFAULT_LIMIT,
    parting: Parting = lambda _home: None,
) -> Home:
    """Open the home and finish what a crash cut off; the vault is open then if the present binding is bound.

    ``outbox_limit`` is in bytes; ``parting`` is called with the home before its vault is frozen, to keep what is still
    to be said of it. Raises:
        NotEnrolled: this handset was not paired with a hub.
        HomeInUse: another agent works here.
        VaultLocked: the key slot or the files do not belong to this vault.
        StorageFull: no room.
    """
    active = active_binding(home)
    if active is None:
        raise NotEnrolled("This handset is not bound to a hub yet; run `compline-edge join CODE` first.")
    with ExitStack() as undo:
        lock = undo.enter_context(locked(home))
        identity = identity_of(slot_at(home / "identity.key").get())
        bindings = {
            BindingId(folder.name): Binding(
                folder, slot_at(folder / "vault.slot"), paired=_grant_in(folder).hub_keys
            )
            for folder in sorted((home / "bindings").iterdir())
            if folder.name == active or (folder / "life").exists()
        }
        folder = folder_of(home, active)
        grant = _grant_in(folder)
        chain = Chain(grant.branch_key, grant.place.binding)
        outbox = Outbox(folder / "outbox.db", genesis=chain.genesis, limit=outbox_limit)
        undo.callback(outbox.close)
        opened = Home(
            identity=identity,
            grant=grant,
            bindings=bindings,
            outbox=outbox,
            chain=chain,
            clock=clock,
            lease_clock=lease_clock,
            lock=lock,
            parting=parting,
        )
        opened.settle()
        undo.pop_all()
    return opened


def _grant_in(folder: Path) -> EnrolmentGrant:
    return read_kept_grant(bounded(folder / "grant.json"))


def locked(home: Path) -> BinaryIO:
    """Hold the home, whose folder exists, until the file is closed; raises HomeInUse where another program does."""
    file = private_file(home / "lock")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise HomeInUse("Another agent works in this home; stop it, or use another home folder.") from None
    return file
