"""A hub that orders a binding's life, and clocks that a test turns, for tests of freeze, thaw, wipe and lease."""

from __future__ import annotations

import dataclasses
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec.structs import replace

from compline_edge.core.lease import Reading
from compline_edge.ports import KeySlot
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.home import Home, SlotAt, open_home
from compline_edge.vault.identity import create_identity, join
from compline_shared.commands import (
    Body,
    Command,
    Freeze,
    Lease,
    Operator,
    Rebind,
    RebindSecrets,
    Rekey,
    Wipe,
    approve,
    seal_secrets,
    sign_command,
    verify_command,
)
from compline_shared.enrolment import EnrolmentGrant, EnrolmentRequest
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.reports import Report, sign_report, verify_report
from tests.homes import HubKeys, SystemClock

OPERATORS = {name: Ed25519PrivateKey.from_private_bytes(name * 4) for name in (b"operatr1", b"operatr2")}
ROSTER = tuple(Operator(name, key.public_key().public_bytes_raw()) for name, key in OPERATORS.items())


@dataclass(slots=True)
class TurnedClock:
    """Lease clocks that stand until a test turns them."""

    boot_id: bytes = b"boot"
    boot: float = 1_000.0
    wall: float = 1_795_400_000.0

    def reading(self) -> Reading:
        return Reading(self.boot_id, self.boot, self.wall)

    def run(self, seconds: float) -> None:
        """Let time pass as it does."""
        self.boot += seconds
        self.wall += seconds

    def reboot(self, *, off: float = 0.0) -> None:
        """Switch off, for a while, and on."""
        self.boot_id = os.urandom(4)
        self.boot = 0.0
        self.wall += off


@dataclass(slots=True)
class LifeHub:
    """The hub's side of one binding: keys of each epoch, counter, and what the last report said."""

    handset: str
    keys: HubKeys = field(default_factory=HubKeys)
    counter: int = 0
    freeze_key: X25519PrivateKey = field(default_factory=lambda: HubKeys().freeze)
    report: Report | None = None

    def hear(self, home: Home) -> Report:
        """Take a report as it crosses the wire."""
        report = home.binding.report(owed=home.last_kept - home.outbox.settled, last_seq=home.last_kept)
        frame = sign_report(report, home.identity.signing)
        place = home.place
        self.report = verify_report(frame, home.identity.signing.public_key(), place.handset)
        return self.report

    def command(self, body: Body, *, approvers: tuple[bytes, ...] = tuple(OPERATORS)) -> Command:
        """Make the next command; a wipe gets its approvals."""
        assert self.report is not None
        self.counter = max(self.counter, self.report.counter) + 1
        command = Command(
            handset=self.report.handset,
            binding=self.report.binding,
            epoch=self.report.epoch,
            counter=self.counter,
            id=os.urandom(16),
            body=body,
        )
        if isinstance(body, Wipe):
            approvals = tuple(approve(command, name, OPERATORS[name]) for name in approvers)
            command = replace(command, body=Wipe(approvals))
        return command

    def freeze(self) -> Command:
        return self.command(Freeze())

    def wipe(self, *, approvers: tuple[bytes, ...] = tuple(OPERATORS)) -> Command:
        return self.command(Wipe(()), approvers=approvers)

    def lease(self) -> Command:
        assert self.report is not None
        return self.command(Lease(self.report.nonce, 1_795_400_000))

    def rekey(self, keys: HubPublicKeys) -> Command:
        """Say that these are the hub's keys from now on."""
        assert self.report is not None
        return self.command(Rekey(self.report.nonce, keys))

    @classmethod
    def of(cls, request: EnrolmentRequest) -> LifeHub:
        """The hub that a handset shows itself to."""
        return cls(request.handset)

    def rebind(self, following: X25519PrivateKey | None = None) -> Command:
        """Give the epoch's private freeze key away and begin the next epoch."""
        assert self.report is not None
        following = following or X25519PrivateKey.generate()
        secrets = RebindSecrets(
            freeze_key=self.freeze_key.private_bytes_raw(),
            binding_secret=os.urandom(32),
            next_freeze_key=following.public_key().public_bytes_raw(),
        )
        begins = dataclasses.replace(self.report.place, epoch=self.report.epoch + 1)
        sealed = seal_secrets(secrets, self.report.answer_key, begins=begins, nonce=self.report.nonce)
        self.freeze_key = following
        return self.command(Rebind(self.report.nonce, sealed))


def bound(
    folder: Path, *, clock: TurnedClock | None = None, slot_at: SlotAt = FileSlot
) -> tuple[Path, LifeHub, TurnedClock]:
    """Make a home that is bound to a hub which knows two operators; nothing of it is open."""
    home, clock = folder / "home", clock or TurnedClock()
    request = create_identity(home)
    certificate = HubKeys().certify(request.handset, request.tls_key_public)
    CertificateStore(home).keep(certificate, hub_time=int(time.time()))
    join(home, roster_grant(request.handset), clock=clock, slot_at=slot_at)
    return home, LifeHub.of(request), clock


def roster_grant(handset: str) -> EnrolmentGrant:
    """A grant that names the two operators."""
    return replace(HubKeys().grant(handset), operators=ROSTER)


def living(home: Path, clock: TurnedClock, *, slot_at: SlotAt = FileSlot) -> Home:
    """Open the home on turned clocks."""

    def at(path: Path) -> KeySlot:
        return FileSlot(path) if path.name == "identity.key" else slot_at(path)

    return open_home(
        home,
        clock=SystemClock(),
        lease_clock=clock,
        slot_at=at,
        outbox_limit=2**24,
    )


def obey(home: Home, command: Command) -> None:
    """Let a command cross the wire and be carried out."""
    frame = sign_command(command, HubKeys().command)
    heard = verify_command(frame, HubKeys().command.public_key(), home.place.handset)
    effect = home.binding.order(heard)
    if effect is not None:
        home.perform(home.binding, effect)
