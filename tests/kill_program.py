"""Kills a change of a binding's life at one system call after another and looks each time at what is left.

    python -m tests.kill_program FOLDER OPERATION STEP [careless]

A child does the operation on a copy of the same home and is killed, by strace, as it enters its n-th call of one kind
that changes the disk; n goes up in steps until a child gets through, then the next kind's turn comes. `careless` is the
control: it lets the slot go first. Prints one line a kill, and ends with status 1 at the first home that is not as it
must be.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from compline_edge.core.binding_life import Bound, Frozen, Wiped
from compline_edge.vault.home import Home
from compline_edge.vault.identity import create_identity, join
from compline_edge.vault.life_files import LifeFiles
from compline_edge.vault.slot_record import SlotRecord
from compline_shared.errors import ComplineError
from tests.bindings import some_keys
from tests.homes import HubKeys
from tests.lives import LifeHub, TurnedClock, living, obey, roster_grant
from tests.strace import traced
from tests.verdicts import draft

CALLS = (
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "ftruncate",
    "close",  # between one change and the next
)
VERDICTS = 3
OTHER_KEYS = some_keys(b"k")
"""Of the hub after a rotation."""
EVIDENCE = b"what was said" * 99


class Story:
    """One home and its hub, just before the operation."""

    def __init__(self, folder: Path, operation: str) -> None:
        self.operation = operation
        self.home = folder / "home"
        self.clock = TurnedClock()
        request = create_identity(self.home)
        self.grant = roster_grant(request.handset)
        self.hub = LifeHub.of(request)
        self.following = HubKeys().sealing  # the next epoch's freeze key, known to the parent as well
        if operation != "bind":
            join(self.home, self.grant, clock=self.clock)
            with self.open(self.home) as here:
                for _ in range(VERDICTS):
                    here.ledger.record(draft(), io.BytesIO(EVIDENCE))
                self.hub.hear(here)
                if operation == "rebind":
                    obey(here, self.hub.freeze())
                elif operation == "resumed-freeze":
                    here.binding.order(self.hub.freeze())
                elif operation == "resumed-wipe":
                    here.binding.order(self.hub.wipe())

    def open(self, home: Path) -> Home:
        return living(home, self.clock)

    def act(self, home: Path) -> None:
        """The operation, from opening to closing."""
        if self.operation == "bind":
            join(home, self.grant, clock=self.clock)
            return
        with self.open(home) as here:
            self.hub.hear(here)
            match self.operation:
                case "freeze":
                    obey(here, self.hub.freeze())
                case "rebind":
                    obey(here, self.hub.rebind(self.following))
                case "lease":
                    obey(here, self.hub.lease())
                case "rekey":
                    obey(here, self.hub.rekey(OTHER_KEYS))
                case "wipe":
                    obey(here, self.hub.wipe())
                case "resumed-freeze" | "resumed-wipe":
                    pass  # opening does what an earlier start could not finish

    def check(self, home: Path) -> None:
        """What must hold after a kill anywhere, and that the story can go on to its end."""
        if self.operation == "bind":
            join(home, self.grant, clock=self.clock)
            with self.open(home) as here:
                assert here.vault.last_seq == 0
            return
        with self.open(home) as here:
            stage = here.binding.life.stage
            assert here.outbox.last_seq == VERDICTS, "a verdict is lost"
            if isinstance(stage, Bound):
                assert b"".join(here.vault.evidence(VERDICTS)) == EVIDENCE, "the vault is not whole"
            names = {path.name for path in here.binding.folder.iterdir()}
            if isinstance(stage, Frozen):
                assert not names & {"secret", "vault.wrap"}, "a frozen binding kept what opens it"
            if isinstance(stage, Wiped):
                assert not names & {
                    "secret",
                    "vault.wrap",
                    "vault.frozen",
                    "vault.db",
                    "vault.slot",
                    "evidence",
                }, names
            allowed = {
                "freeze": Bound | Frozen,
                "rebind": Bound | Frozen,
                "lease": Bound,
                "rekey": Bound,
                "wipe": Bound | Wiped,
                "resumed-freeze": Frozen,
                "resumed-wipe": Wiped,
            }[self.operation]
            assert isinstance(stage, allowed), stage
            assert here.binding.hub_keys in (self.grant.hub_keys, OTHER_KEYS)
            self._go_on(here)

    def _go_on(self, here: Home) -> None:
        hub = LifeHub(self.hub.handset)
        if self.operation == "rebind" and here.place.epoch == 2:
            hub.freeze_key = self.following
        if isinstance(here.binding.life.stage, Bound):
            hub.hear(here)
            obey(here, hub.freeze())
        if isinstance(here.binding.life.stage, Frozen):
            hub.hear(here)
            obey(here, hub.rebind())
            assert here.vault.last_seq == VERDICTS, "not whole after freezing and thawing again"


def killed(call: str, at: int, work: Callable[[], None]) -> bool:
    """Do ``work`` in a child that is killed as it enters its ``at``-th such call; False where it got through before."""
    inject = f"inject={call}:signal=SIGKILL:when={at}"
    status = traced(work, "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject)
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        sys.exit("the operation failed without a kill")
    return False


def put_slot_first() -> None:
    """The control: the commit point comes before what it makes true is on the disk."""
    write, put = LifeFiles._write, LifeFiles._put
    held: list[tuple[str, bytes]] = []

    def hold(_files: LifeFiles, name: str, content: bytes) -> None:
        held.append((name, content))

    def put_then_write(files: LifeFiles, record: SlotRecord) -> None:
        put(files, record)
        for name, content in held:
            write(files, name, content)
        held.clear()

    setattr(LifeFiles, "_write", hold)  # noqa: B010 (a method is replaced on purpose)
    setattr(LifeFiles, "_put", put_then_write)  # noqa: B010


def main(folder: Path, operation: str, step: int, *mode: str) -> None:
    """Kill at each call of each kind."""
    story = Story(folder / "before", operation)
    if mode == ("careless",):
        put_slot_first()
    for call in CALLS:
        for at in count(1, step):
            copy = folder / f"{call}-{at}"
            shutil.copytree(story.home, copy)
            if not killed(call, at, lambda home=copy: story.act(home)):  # type: ignore[misc]
                break
            try:
                story.check(copy)
            except (AssertionError, ComplineError) as failure:
                sys.exit(f"{operation} killed at {call} {at}: {failure}")
            sys.stdout.write(f"{operation} killed at {call} {at}\n")
            shutil.rmtree(copy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
