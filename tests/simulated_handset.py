"""A handset whose life is the agent's own core, over real frames with real keys but no files; for tests of the hub."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from compline_edge.core import binding_life
from compline_edge.core.binding_life import Erase, Life, Renew, Seal, Terms, Thaw
from compline_edge.core.lease import Account, Reading, advance, opened, reckoned_from, renewed, standing
from compline_shared.batch import Outcome
from compline_shared.certificates import Certificate
from compline_shared.commands import Command, unseal_secrets, verify_command
from compline_shared.enrolment import EnrolmentGrant
from compline_shared.errors import MalformedFrame
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.reports import CommandOutcome, Report, sign_report
from compline_shared.sealed import seal, unseal
from tests.wire_handset import WireHandset

BOOT = b"boot"


@dataclass(slots=True)
class VaultFiles:
    """What lies on its disk: the vault's key sealed away, or the key itself while it is bound."""

    key: bytes | None
    freeze_public: bytes
    secret: bytes
    frozen: bytes | None = None


class SimulatedHandset(WireHandset):
    """Joined, with a vault; takes commands, tells reports, lets time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.life: Life
        self.files: VaultFiles
        self.account: Account
        self.asked: dict[bytes, Account] = {}
        self.answer_keys: dict[bytes, X25519PrivateKey] = {}
        self.now = 0.0
        self.taken: list[Command] = []
        self.room = True
        self.settled = 0
        self.cut_off = False  # whether the power fails in the middle of erasing

    def join(self, grant: EnrolmentGrant, certificate: Certificate | None = None) -> None:
        super().join(grant, certificate)
        place = grant.place
        self.life = Life(
            handset=bytes.fromhex(place.handset),
            binding=bytes.fromhex(place.binding),
            epoch=place.epoch,
            terms=Terms(times=grant.times, operators=grant.operators, strictness=grant.strictness),
        )
        assert grant.binding_secret is not None
        self.files = VaultFiles(secrets.token_bytes(32), grant.freeze_key, bytes(grant.binding_secret))
        self.account = opened(self._reading())

    @property
    def readable(self) -> bytes | None:
        """The vault's key, where anything on the handset gives it."""
        return self.files.key

    @property
    def keys(self) -> HubPublicKeys:
        return self.life.hub_keys or self.grant.hub_keys

    def report(self) -> bytes:
        """The signed report of now."""
        return sign_report(self.telling(), self.signing)

    def telling(self) -> Report:
        nonce, key = secrets.token_bytes(16), X25519PrivateKey.generate()
        self.asked[nonce], self.answer_keys[nonce] = self.account, key
        life = self.life
        return Report(
            handset=life.handset,
            binding=life.binding,
            epoch=life.epoch,
            counter=life.counter,
            state=life.state,
            cause=life.cause,
            policy=life.terms.version,
            hub_keys=self.keys.name,
            rollback_resistant=False,
            lease_used=int(self.account.used),
            owed=len(self.verdicts) - self.settled,
            last_seq=len(self.verdicts),
            nonce=nonce,
            answer_key=key.public_key().public_bytes_raw(),
            results=life.results,
        )

    def take(self, frame: bytes) -> Command | None:
        """Take a frame of the hub; None where it is no command for this handset, so that nothing is to be answered."""
        life = self.life
        with suppress(MalformedFrame):
            receipt = self.receipt(frame)
            back = receipt.outcome is Outcome.GAP  # the hub lost what it had
            self.settled = receipt.up_to if back else max(self.settled, receipt.up_to)
            return None
        try:
            command = self._verified(frame, self.keys)
        except MalformedFrame:
            former = None if life.hub_keys is None else life.former_keys or self.grant.hub_keys
            return None if former is None else self._known(frame, former)
        self.taken.append(command)
        decision = binding_life.order(self.life, command, asked=self.asked, running=int(self.now))
        self.life = decision.life
        match decision.effect:
            case Renew(asked=asked):
                self.account = renewed(self.account, asked)
                self.asked = reckoned_from(asked, self.asked)
            case None:
                pass
            case effect:
                self.perform(effect)
        return command

    def pass_time(self, seconds: float) -> None:
        """Let running time pass, and do what the lease demands."""
        self.now += seconds
        self.account = advance(self.account, self._reading())
        decision = binding_life.tick(self.life, standing(self.account, self.life.terms.times))
        self.life = decision.life
        if decision.effect is not None:
            self.perform(decision.effect)

    def perform(self, effect: Seal | Thaw | Erase | Renew) -> None:
        match effect:
            case Seal():
                self._seal()
            case Thaw() as thaw:
                self._thaw(thaw)
            case Erase():
                self.files = VaultFiles(None, b"", b"")
                if not self.cut_off:
                    self.life = binding_life.done(self.life, self.life.stage)
            case Renew():
                raise AssertionError("done where it was decided")
        self.asked.clear()

    def restart(self) -> None:
        """Forget what only memory held, and go on with what was cut off."""
        self.asked.clear()
        self.cut_off = False
        effect = binding_life.resume(self.life)
        if effect is not None:
            self.perform(effect)

    def _seal(self) -> None:
        assert self.files.key is not None
        place = self.life.place.members()
        to = X25519PublicKey.from_public_bytes(self.files.freeze_public)
        frozen = seal(self.files.key, to, use="freeze", place=place)
        self.files = VaultFiles(None, b"", b"", frozen)
        self.life = binding_life.done(self.life, self.life.stage)

    def _thaw(self, thaw: Thaw) -> None:
        if not self.room:
            self.life = binding_life.failed(self.life, CommandOutcome.NO_ROOM)
            return
        try:
            begins = replace(self.life.place, epoch=thaw.epoch)
            key_of_report = self.answer_keys[thaw.nonce]
            given = unseal_secrets(thaw.sealed, key_of_report, begins=begins, nonce=thaw.nonce)
            private = X25519PrivateKey.from_private_bytes(given.freeze_key)
            assert self.files.frozen is not None
            key = unseal(self.files.frozen, private, use="freeze", place=self.life.place.members(), limit=32)
        except MalformedFrame:
            self.life = binding_life.failed(self.life, CommandOutcome.UNOPENED)
            return
        self.files = VaultFiles(key, given.next_freeze_key, given.binding_secret)
        self.account = renewed(self.account, thaw.asked)
        self.life = binding_life.done(self.life, self.life.stage)
        self._grant = msgspec.structs.replace(self.grant, epoch=self.life.epoch)

    def _reading(self) -> Reading:
        return Reading(boot_id=BOOT, boot=self.now, wall=self.now)

    def _known(self, frame: bytes, former: HubPublicKeys) -> Command | None:
        with suppress(MalformedFrame):
            return self._verified(frame, former)
        return None

    def _verified(self, frame: bytes, keys: HubPublicKeys) -> Command:
        return verify_command(frame, keys.command_key, self.id)
