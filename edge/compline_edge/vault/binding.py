"""One binding of this handset: takes commands and the lease's time, and seals, thaws and erases its vault.

bindings/<id>/            0700
  grant.json              0600  the hub's keys and the terms of the beginning, no secret
  life                    0600  the record: stage, epoch, counter, results, policy
  vault.slot              0600  key, lease account, digest of the record (where the slot is a file)
  secret                  0600  the binding secret, only while bound
  vault.wrap              0600  the vault's key under slot and secret, only while bound
  vault.frozen            0600  the vault's key sealed to the hub's freeze key, only while frozen
  vault.db (+ -wal, -shm) 0600  SQLCipher
  outbox.db (+ ...)       0600  sealed entries
  evidence/<id>.cev       0600  sealed recordings and chats
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_edge.core.binding_life import (
    Bound,
    Decision,
    Effect,
    Erase,
    Freezing,
    Frozen,
    Life,
    Renew,
    Seal,
    Thaw,
    Thawing,
    done,
    failed,
    order,
    order_former,
    resume,
    tick,
)
from compline_edge.core.lease import (
    Account,
    Reading,
    Standing,
    advance,
    left,
    reckoned_from,
    renewed,
    standing,
)
from compline_edge.ports import KeySlot
from compline_edge.vault import keys
from compline_edge.vault.errors import StorageFull, VaultFrozen, VaultLocked
from compline_edge.vault.evidence import forget_evidence
from compline_edge.vault.keys import KEY_BYTES, Unwrapped, VaultKey
from compline_edge.vault.life_files import FROZEN, SECRET, WRAP, LifeFiles
from compline_shared.commands import Command, unseal_secrets
from compline_shared.enrolment import Secret
from compline_shared.errors import MalformedFrame
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.reports import CommandOutcome, Report

MAX_NONCES: Final = 8
"""Newest reports that a permissive command may answer. A nonce is forgotten together with its answer key: when newer
ones push it out, by a change of the vault's keys, by a restart, and when what was sealed to it did not open."""
_BOUND_FILES: Final = (SECRET, WRAP)
_VAULT_FILES: Final = ("vault.db-wal", "vault.db-shm", "vault.db-journal", "vault.db")


@dataclass(frozen=True, slots=True, repr=False)
class _Question:
    """What a report asked, kept in memory alone; the repr shows nothing."""

    account: Account  # the lease's, when it was asked
    key: X25519PrivateKey  # opens what answers it in secret

    def __repr__(self) -> str:
        return "_Question(********)"


class Binding:
    """A binding's life on disk; safe to call from any thread, one change at a time."""

    def __init__(self, folder: Path, slot: KeySlot, *, paired: HubPublicKeys) -> None:
        """Read the record and settle what a crash cut off, but for the effect that `unfinished` names.

        ``paired`` are the hub's keys as they were when this binding was made.

        Raises:
            FilesPutBack: the files are not those that the slot knows.
        """
        self.folder = folder
        self._paired = paired
        self._lock = threading.RLock()
        self._files = LifeFiles(folder, slot)
        self._asked: OrderedDict[bytes, _Question] = OrderedDict()
        with suppress(StorageFull):
            self._settle_thaw()
            self._files.keep_reserve()
        self._tidy()

    @property
    def life(self) -> Life:
        """The record."""
        return self._files.life

    @property
    def hub_keys(self) -> HubPublicKeys:
        """The keys by which this binding knows its hub."""
        return self.life.hub_keys or self._paired

    @property
    def former_keys(self) -> HubPublicKeys | None:
        """Those before: whoever signs with them is to be told of the present ones, and is not obeyed."""
        return None if self.life.hub_keys is None else self.life.former_keys or self._paired

    @property
    def rollback_resistant(self) -> bool:
        """What the slot says of itself."""
        return self._files.slot.rollback_resistant

    @property
    def unfinished(self) -> Effect | None:
        """The effect that a start has to do again, with the vault closed."""
        return resume(self.life)

    @property
    def standing(self) -> Standing:
        """What the lease allows, as of the last tick."""
        return standing(self._files.slot_record.account, self.life.terms.times)

    @property
    def lease_used(self) -> float:
        """Seconds of the lease that were used, as of the last tick."""
        return self._files.slot_record.account.used

    @property
    def account(self) -> Account | None:
        """The lease's account as of the last tick; None once the keys were destroyed."""
        return self._account()

    @property
    def time_left(self) -> float:
        """Seconds until the lease freezes the vault, as of the last tick."""
        return left(self._files.slot_record.account, self.life.terms.times)

    def vault_key(self) -> VaultKey:
        """Return the key that opens the vault.

        Raises:
            VaultFrozen: the binding is not bound now, nor about to be frozen.
            VaultLocked: the files do not belong to this slot.
        """
        with self._lock:
            if not isinstance(self.life.stage, Bound | Freezing):
                raise VaultFrozen(VaultFrozen.__doc__)
            return self._unwrapped().key

    def report(self, *, owed: int, last_seq: int) -> Report:
        """Return what the hub is to know now, with a fresh nonce that its answer may use.

        ``last_seq`` is that of the newest verdict that the outbox holds, 0 where none of it can be sent any more.
        """
        with self._lock:
            nonce, key = os.urandom(16), X25519PrivateKey.generate()
            account = self._account()
            if account is not None:
                self._asked[nonce] = _Question(account, key)
                while len(self._asked) > MAX_NONCES:
                    self._asked.popitem(last=False)
            life = self.life
            return Report(
                handset=life.handset,
                binding=life.binding,
                epoch=life.epoch,
                counter=life.counter,
                state=life.state,
                cause=life.cause,
                policy=life.terms.version,
                hub_keys=self.hub_keys.name,
                rollback_resistant=self.rollback_resistant,
                lease_used=int(account.used) if account else 0,
                owed=owed,
                last_seq=last_seq,
                nonce=nonce,
                answer_key=key.public_key().public_bytes_raw(),
                results=life.results,
            )

    def order(self, command: Command, *, present: bool = True) -> Effect | None:
        """Decide on a command of the hub and commit what was decided; returns what is to be done with the vault closed.

        ``present`` says whether the handset works under this binding now; a former one is never thawed.

        Raises:
            StorageFull: no room; nothing was decided.
        """
        with self._lock:
            self._settle_thaw()
            account = self._account()
            running = int(account.last.boot) if account else 0
            decide = order if present else order_former
            decision = decide(self.life, command, asked=self._accounts, running=running)
            if isinstance(decision.effect, Renew):
                self._renew(decision.life, decision.effect.asked)
                return None
            return self._decided(decision)

    def tick(self, reading: Reading) -> Effect | None:
        """Count time up to a reading; returns what the lease's end demands, to be done with the vault closed."""
        with self._lock:
            account = self._account()
            if account is None:
                return None
            account = advance(account, reading)
            self._files.count(account)
            return self._decided(tick(self.life, standing(account, self.life.terms.times)))

    def perform(self, effect: Effect) -> None:
        """Do what was decided; the vault must be closed. May be cut off anywhere and done again.

        Raises:
            StorageFull: no room to seal; the vault stays as it was, and it is tried again.
        """
        with self._lock:
            match effect:
                case Seal():
                    self._seal()
                case Thaw():
                    self._thaw(effect)
                case Erase():
                    self._erase()
                case Renew(asked=asked):
                    self._renew(self.life, asked)

    def make_room(self) -> None:
        """Give up the reserve, so that a full disk does not keep what is owed from leaving a vault that closes."""
        self._files.give_up_reserve()

    @property
    def _accounts(self) -> dict[bytes, Account]:
        """The lease's account when each nonce that is still good was given."""
        return {nonce: question.account for nonce, question in self._asked.items()}

    def _settle_thaw(self) -> None:
        """A thaw that was cut off did not happen: what the hub sent for it is gone, and it sends it again."""
        if isinstance(self.life.stage, Thawing):
            self._files.commit(failed(self.life, CommandOutcome.OLD_NONCE))

    def _decided(self, decision: Decision) -> Effect | None:
        if decision.life != self.life:
            if self._account() is None:
                self._files.end(decision.life)
            else:
                self._files.commit(decision.life)
        return decision.effect

    def _account(self) -> Account | None:
        """The lease's account; None once the keys were destroyed, for nothing is left to lease."""
        return self._files.slot_record.account if self._files.slot.holds else None

    def _seal(self) -> None:
        """Put a new key into the slot and seal the vault's key under it to the hub; secret and wrap end with that."""
        held, slot_key = self._unwrapped(), os.urandom(KEY_BYTES)
        frozen = keys.freeze(held.key, slot_key=slot_key, freeze_key=held.freeze_key, place=self.life.place)
        sealed = done(self.life, self.life.stage)
        self._files.commit(sealed, key=slot_key, files={FROZEN: frozen}, gone=_BOUND_FILES)
        self._asked.clear()

    def _thaw(self, thaw: Thaw) -> None:
        question = self._asked.get(thaw.nonce)
        if question is None:
            self._files.commit(failed(self.life, CommandOutcome.OLD_NONCE))
            return
        place = replace(self.life.place, epoch=thaw.epoch)
        try:
            secrets = unseal_secrets(thaw.sealed, question.key, begins=place, nonce=thaw.nonce)
            vault_key = keys.thaw(
                self._files.read(FROZEN),
                slot_key=self._files.slot_record.key,
                freeze_key=secrets.freeze_key,
                place=self.life.place,
            )
        except (MalformedFrame, VaultLocked):
            self._files.commit(failed(self.life, CommandOutcome.UNOPENED))
            del self._asked[thaw.nonce]
            return
        slot_key, secret = os.urandom(KEY_BYTES), Secret(secrets.binding_secret)
        held = Unwrapped(vault_key, secrets.next_freeze_key)
        wrapped = keys.wrap(held, slot_key=slot_key, secret=secret, binding=self.life.place.binding)
        files = {WRAP: wrapped, SECRET: secrets.binding_secret}
        account = renewed(self._files.slot_record.account, thaw.asked)
        try:
            self._files.commit(
                done(self.life, self.life.stage), account=account, key=slot_key, files=files, gone=(FROZEN,)
            )
        except StorageFull:
            self._files.commit(failed(self.life, CommandOutcome.NO_ROOM))
        self._asked.clear()

    def _renew(self, life: Life, asked: Account) -> None:
        """Take up the lease anew; of a bound vault the key goes under a new slot key, so that earlier copies die."""
        account = renewed(self._files.slot_record.account, asked)
        if isinstance(life.stage, Bound):
            slot_key = os.urandom(KEY_BYTES)
            secret, binding = Secret(self._files.read(SECRET)), life.place.binding
            wrapped = keys.wrap(self._unwrapped(), slot_key=slot_key, secret=secret, binding=binding)
            self._files.commit(life, account=account, key=slot_key, files={WRAP: wrapped})
        else:
            self._files.commit(life, account=account)
        reckoned = reckoned_from(asked, self._accounts)
        self._asked = OrderedDict(
            (nonce, replace(question, account=reckoned[nonce])) for nonce, question in self._asked.items()
        )

    def _erase(self) -> None:
        """Keys first: from the first step on nothing opens the vault, however large its files are."""
        self._files.destroy()
        self._files.remove(*_BOUND_FILES, FROZEN)
        forget_evidence(self.folder / "evidence")
        self._files.remove(*_VAULT_FILES)  # and makes durable that the evidence is gone
        self._files.end(done(self.life, self.life.stage))
        self._asked.clear()

    def _unwrapped(self) -> Unwrapped:
        return keys.unwrap(
            self._files.read(WRAP),
            slot_key=self._files.slot_record.key,
            secret=Secret(self._files.read(SECRET)),
            binding=self.life.place.binding,
        )

    def _tidy(self) -> None:
        """Remove what a crash left of the state before."""
        if isinstance(self.life.stage, Frozen):
            self._files.remove(*_BOUND_FILES)
        elif isinstance(self.life.stage, Bound):
            self._files.remove(FROZEN)
