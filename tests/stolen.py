"""A handset's life on real files, photographed at every step, for an attacker who gets the photographs.

Every change of the key slot is photographed just before and just after, as a cut at that moment would leave the disk.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec.structs import replace

from compline_edge.core.speech import Utterance
from compline_edge.ports import KeySlot
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.home import Home, SlotAt
from compline_edge.vault.identity import create_identity, join
from compline_shared.commands import Command, sign_command
from compline_shared.lease import HOUR
from compline_shared.taxonomy import Role
from tests.homes import HubKeys
from tests.lives import LifeHub, TurnedClock, living, obey, roster_grant
from tests.slots import Chip
from tests.verdicts import draft

NAME, NUMBER = "欧阳若汐", "15400007788"
WORDS = "昨天下午在河边公园散步时看到了三只白鹭"
CANARIES = (NAME, NUMBER, WORDS)
OFFICER = X25519PrivateKey.from_private_bytes(b"\x77" * 32)
ANOTHER = "0011001100110011"
_SLOT_FILE = "vault.slot"


@dataclass(frozen=True, slots=True)
class Photograph:
    """Everything that the handset holds at one moment; what the key slots hold is apart from the files."""

    files: dict[str, bytes]  # path below the home -> content
    slots: frozenset[bytes]
    heard: tuple[bytes, ...]  # every command frame that has crossed the air so far


@dataclass(frozen=True, slots=True)
class Album:
    """All photographs of one life, oldest first, and at which of them the life had come to which state."""

    photographs: tuple[Photograph, ...]
    at: dict[str, int]  # state -> index of its photograph

    def up_to(self, state: str) -> tuple[Photograph, ...]:
        """The photographs until a state was reached, that one last."""
        return self.photographs[: self.at[state] + 1]


@dataclass(slots=True)
class Story:
    """One home whose photographs are taken as its life goes on."""

    folder: Path
    kind: str  # of the slot: "file" or "chip"
    chip: Chip = field(default_factory=Chip)
    home: Path = field(init=False)
    hub: LifeHub = field(init=False)
    clock: TurnedClock = field(init=False)
    _photographs: list[Photograph] = field(default_factory=list)
    _at: dict[str, int] = field(default_factory=dict)
    _heard: list[bytes] = field(default_factory=list)
    _doing: str = ""

    def album(self) -> Album:
        """What was photographed so far."""
        return Album(tuple(self._photographs), dict(self._at))

    def frozen_and_thawed(self) -> Album:
        """Bound, renewed, frozen, thawed, frozen by the lease, thawed and frozen again, bound to another collector."""
        self._begin()
        self._order("freezing", self.hub.freeze, "frozen by command")
        self._order("thawing", self.hub.rebind, "thawed again")
        self.clock.run(73 * HOUR)
        self._open().close()
        self._take("frozen by lease")
        self._order("thawing", self.hub.rebind, "thawed again")
        self._order("freezing", self.hub.freeze, "frozen again after a re-bind")
        with self._open() as here:
            here.outbox.settle(here.outbox.last_seq, now=0.0)
        grant = HubKeys().grant(create_identity(self.home).handset, binding=ANOTHER)
        join(self.home, grant, clock=self.clock, slot_at=self._slot_at)
        with self._open() as here:
            here.ledger.record(draft(), None)
        self._take("re-bound to another collector (the old vault)")
        return self.album()

    def wiped(self) -> Album:
        """Bound, renewed, frozen, told how to thaw in vain, thawed and wiped."""
        self._begin()
        self._order("freezing", self.hub.freeze, "frozen by command")
        self._rebind_in_vain()
        self._order("thawing", self.hub.rebind, "thawed again")
        self._order("wiping", self.hub.wipe, "wiped")
        return self.album()

    def _begin(self) -> None:
        self.home, self.clock = self.folder / "home", TurnedClock()
        request = create_identity(self.home)
        self.hub = LifeHub.of(request)
        grant = replace(roster_grant(request.handset), officer_key=OFFICER.public_key().public_bytes_raw())
        join(self.home, grant, clock=self.clock, slot_at=self._slot_at)
        with self._open() as here:
            text = (Utterance(f"{NAME}您好，{WORDS}", Role.COLLECTOR, 0.0, 9.0, 0.9),)
            evidence = io.BytesIO(f"{NAME} {NUMBER}：{WORDS}".encode() * 40)
            source = f"{NAME}@{NUMBER}_20261120.wav"
            here.ledger.record(draft(), evidence, utterances=text, source=source)
            self._take("bound, at work")  # with its write-ahead log
        self._take("bound")
        self._order("renewing", self.hub.lease, "bound, lease renewed")

    def _order(self, doing: str, command: Callable[[], Command], then: str) -> None:
        with self._open() as here:
            self.hub.hear(here)
            ordered = command()
            self._heard.append(sign_command(ordered, HubKeys().command))
            self._doing = doing
            obey(here, ordered)
            self._doing = ""
        self._take(then)

    def _rebind_in_vain(self) -> None:
        """The hub sends a re-bind that comes too late to be obeyed."""
        freeze_key = self.hub.freeze_key
        with self._open() as here:
            self.hub.hear(here)
        self._heard.append(sign_command(self.hub.rebind(), HubKeys().command))
        self.hub.freeze_key = freeze_key
        self._take("frozen, a re-bind was sent in vain")

    def _open(self) -> Home:
        return living(self.home, self.clock, slot_at=self._slot_at)

    @property
    def _slot_at(self) -> SlotAt:
        return lambda path: _Photographed(self._inner(path), self)

    def _inner(self, path: Path) -> KeySlot:
        return FileSlot(path) if self.kind == "file" else self.chip.slot_at(path)

    def photograph_cut(self, moment: str) -> None:
        """Photograph a change of the slot; the last one of an order is its commit point."""
        if self._doing:
            self._take(f"{self._doing}, cut off {moment} the slot")

    def _take(self, state: str) -> None:
        paths = [path for path in sorted(self.home.rglob("*")) if path.is_file()]
        slots = frozenset(path.read_bytes() for path in paths if path.name == _SLOT_FILE)
        files = {str(p.relative_to(self.home)): p.read_bytes() for p in paths if p.name != _SLOT_FILE}
        if self.kind == "chip":
            slots = frozenset(self.chip.contents.values())
        self._at[state] = len(self._photographs)
        self._photographs.append(Photograph(files, slots, tuple(self._heard)))


class _Photographed:
    """Passes on to a slot, and has each change photographed before and after."""

    def __init__(self, slot: KeySlot, story: Story) -> None:
        self._slot = slot
        self._story = story

    @property
    def rollback_resistant(self) -> bool:
        return self._slot.rollback_resistant

    @property
    def holds(self) -> bool:
        return self._slot.holds

    def put(self, content: bytes) -> None:
        self._story.photograph_cut("before")
        self._slot.put(content)
        self._story.photograph_cut("after")

    def get(self) -> bytes:
        return self._slot.get()

    def destroy(self) -> None:
        self._story.photograph_cut("before")
        self._slot.destroy()
        self._story.photograph_cut("after")
