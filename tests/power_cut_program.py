"""Cuts the power at each step of an operation, and looks at what a start makes of every state that the disk may be in.

    python -m tests.power_cut_program FOLDER OPERATION STEP EACH [VARIANT]

OPERATION is a change of a binding's life (`tests.kill_program`), or `record`: verdicts with evidence, or `checkpoint`:
the same while the write-ahead logs are folded in every few pages. It is done once, under strace; from its calls the
crash states are made (`tests.disk`), at every STEP-th cut the plain ones and EACH random ones. VARIANT is a control:
`off` and `normal` are the databases' `synchronous`, `no-file-sync` and `no-folder-sync` leave those calls out. Prints
one line a crash state, and ends with status 1 at the first that is not as it must be.
"""

from __future__ import annotations

import io
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from compline_edge.core.binding_life import Bound, Frozen, Wiped
from compline_edge.core.speech import Utterance
from compline_edge.vault.home import Home
from compline_edge.vault.identity import active_binding
from compline_shared.errors import ComplineError
from compline_shared.taxonomy import Role
from compline_shared.wire import canonical
from tests.disk import Crash, SyncFile, SyncFolder, crashes, without_syncs
from tests.homes import HubKeys, chain_of, enrolled, opened
from tests.kill_program import Story
from tests.strace import mark, recorded
from tests.verdicts import draft

SEED = 20261123
DONE = "done"
EVIDENCE = b"evidence" * 300
ROUNDS = (3, 3)
"""Verdicts of each opening; closing folds the write-ahead log in."""
CHECKPOINT = {"record": 1000, "checkpoint": 6}
"""Pages of the write-ahead log after which it is folded in; 1,000 is SQLite's own default."""
FINAL: dict[str, type[Bound | Frozen | Wiped]] = {
    "bind": Bound,
    "freeze": Frozen,
    "rebind": Bound,
    "lease": Bound,
    "wipe": Wiped,
    "resumed-freeze": Frozen,
    "resumed-wipe": Wiped,
}
"""What a change has come to once it was acknowledged."""
MEMORY = Path("/dev/shm")
"""Crash states are many, small and gone at once."""


class Operation(Protocol):
    """What is done while it is recorded, and what must hold after any crash."""

    home: Path

    def act(self) -> None:
        """Do it, marking what somebody was told."""
        ...

    def check(self, home: Path, told: Sequence[str]) -> None:
        """Start on a crash state; raises where it is not as it must be."""
        ...


class Recording:
    """Verdicts are kept; each is acknowledged once `record` returns."""

    def __init__(self, folder: Path, *, synchronous: str, checkpoint: int) -> None:
        self.home = enrolled(folder)
        self._pragmas = (f"synchronous = {synchronous}", f"wal_autocheckpoint = {checkpoint}")
        with opened(self.home) as here:
            self._record(here)

    def act(self) -> None:
        for count in ROUNDS:
            with opened(self.home) as here:
                for pragma in self._pragmas:
                    here.vault._connection.execute(f"PRAGMA {pragma}")
                    here.outbox._connection.execute(f"PRAGMA {pragma}")
                for _ in range(count):
                    mark(str(self._record(here)))

    def check(self, home: Path, told: Sequence[str]) -> None:
        with opened(home) as here:
            verdicts = here.vault.verdicts()
            assert here.vault.last_seq >= max([1, *map(int, told)]), "an acknowledged verdict is lost"
            assert [v.seq for v in verdicts] == list(range(1, here.vault.last_seq + 1))
            assert here.vault._rows("PRAGMA integrity_check", ()) == [("ok",)]
            assert here.outbox._rows("PRAGMA integrity_check", ()) == [("ok",)]
            entries = here.outbox.due(after=0, limit=1000)
            assert HubKeys().open(here.grant, entries) == verdicts, "the outbox has other verdicts"
            chain, head = chain_of(here), chain_of(here).genesis
            for verdict, entry in zip(verdicts, entries, strict=True):
                head = chain.link(head, canonical(verdict))
                assert entry.head == head, "the chain is broken"
            assert all(b"".join(here.vault.evidence(v.seq)) == EVIDENCE for v in verdicts)
            assert self._record(here) == here.outbox.last_seq == len(verdicts) + 1, "it does not go on"

    @staticmethod
    def _record(here: Home) -> int:
        said = (Utterance("您好", Role.COLLECTOR, 0.0, 1.0, 0.9),)
        return here.ledger.record(draft(), io.BytesIO(EVIDENCE), utterances=said).seq


class Change:
    """A change of a binding's life; it is acknowledged once it has returned."""

    def __init__(self, folder: Path, operation: str) -> None:
        self._story = Story(folder, operation)
        self.home = self._story.home

    def act(self) -> None:
        self._story.act(self.home)
        mark(DONE)

    def check(self, home: Path, told: Sequence[str]) -> None:
        if DONE in told:
            self._check_done(home)
        self._story.check(home)

    def _check_done(self, home: Path) -> None:
        assert active_binding(home), "the binding is lost"
        with self._story.open(home) as here:
            assert isinstance(here.binding.life.stage, FINAL[self._story.operation]), "it is undone"
            least = {"bind": 0, "rebind": 2}.get(self._story.operation, 1)
            assert here.binding.life.counter >= least, "it is undone"


def main(folder: Path, name: str, step: int, each: int, variant: str = "full") -> None:
    """Record the operation once and check every crash state of it."""
    operation = _operation(folder, name, variant)
    start, events = recorded(operation.home, operation.act, folder / "trace")
    match variant:
        case "no-file-sync":
            events = without_syncs(events, SyncFile)
        case "no-folder-sync":
            events = without_syncs(events, SyncFolder)
    for crash in crashes(start, events, chance=random.Random(SEED), step=step, each=each):
        line = f"{name} cut at {crash.cut} of {len(events)}, {crash.how} of what was not synced is there"
        try:
            check(operation, crash)
        except (AssertionError, ComplineError) as failure:
            sys.exit(f"{line}: {failure}")
        sys.stdout.write(f"{line}\n")


def _operation(folder: Path, name: str, variant: str) -> Operation:
    if name in CHECKPOINT:
        return Recording(folder, synchronous=variant, checkpoint=CHECKPOINT[name])
    return Change(folder, name)


def check(operation: Operation, crash: Crash) -> None:
    """Lay a crash state out and start on it."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        home = Path(folder) / "home"
        home.mkdir()
        crash.write_to(home)
        operation.check(home, crash.told)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
