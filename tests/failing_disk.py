"""Lets the disk fail at one call after another, in the handset's and the hub's stores, and cuts the power afterwards.

    python -m tests.failing_disk STORY CALL ERROR STEP [VARIANT]

STORY is `hand-over` or `hub`. It is done in a child, once for every STEP-th call of one kind, which strace lets fail
with ERROR; ERROR+ is that and all that follow. The child does what agent and hub do then: it keeps nothing for
acknowledged, tries again, and starts again where it cannot. What the disk may hold afterwards is made as by a power
cut (`tests.disk`): a sync that failed lost what it was to write, though later ones succeed. VARIANT is a control.
Prints the figures as one object of JSON, and ends with status 1 at a state that is not as it must be.
"""

from __future__ import annotations

import json
import logging
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Protocol
from unittest import mock

import structlog

from compline_edge.ports import NotKept
from compline_hub.core.intake import Refusal
from compline_hub.service.intake import Intake
from compline_hub.store import durable
from compline_hub.store.ledger import SqlStore
from tests.branch_store import Clock
from tests.bulk_power_cuts import FAILURES, MEMORY, MOST_SAID
from tests.cut_story import FULL, Story
from tests.disk import PLAIN, Disk, Event, FailedSync, Mark, Start
from tests.hand_over_cuts import HandOverStory, Stores, record
from tests.hub_cuts import AnswersFirst, HubStory, Teller
from tests.strace import READ, in_a_child, mark, recorded

TRIES = 3
OPENINGS = 3
EACH = 3
"""Verdicts, or groups of frames, of an opening."""
CUTS = 6
"""Moments of a power cut, beside the end and those right after somebody was told."""
HOW = (*PLAIN, "ordered", "random", "random")
SEED = 20261125


NOT_STARTED = (*FAILURES[1:], OSError)
"""How a start may end on a disk that fails; the next one goes on."""
REWRITES = (
    "compline_edge.vault.outbox.rewrite_log",
    "compline_edge.vault.store.rewrite_log",
    "compline_hub.store.durable.rewrite_log",
)
_CALLED = re.compile(r"(?:(\d+) +)?(\w+)\(")


class Failing(Story, Protocol):
    """A story that goes on as the product does when its disk fails."""

    def opening(self, number: int) -> None:
        """One start of the program, from opening its stores to where it ends or is killed."""
        ...


class FailingHandOver(HandOverStory):
    """The agent: what was not kept is tried again, and what is not kept then waits for the next start."""

    def __init__(self, folder: Path, variant: str) -> None:
        super().__init__(folder, variant=FULL, seed=SEED, verdicts=OPENINGS * EACH)
        self._tells_anyway = variant == "acknowledges-anyway"

    def work(self) -> None:
        in_openings(self)

    def opening(self, number: int) -> None:
        with self._stores(self.root, self._ledger, close=number == OPENINGS - 1) as here:
            here.ledger.recover()
            first = here.vault.last_seq + 1
            for seq in range(first, first + EACH):
                if not self._recorded(here, seq):
                    return
            with suppress(NotKept):
                here.outbox.settle(first - 1, now=0.0)

    def _recorded(self, here: Stores, seq: int) -> bool:
        for _ in range(TRIES):
            try:
                here.ledger.require_room()
                kept = record(here.ledger, seq).seq
            except NotKept:
                if self._tells_anyway:
                    mark(str(seq))
                continue
            except Exception as failure:
                raise AssertionError(f"an error without a name for it: {failure!r}") from failure
            assert kept == seq
            mark(str(seq))
            return True
        return False


class FailingHub(HubStory):
    """The hub: what was not kept gets no receipt, and its handset sends it again."""

    _in_groups = False

    def __init__(self, folder: Path, variant: str) -> None:
        super().__init__(folder, variant=FULL, seed=SEED, groups=OPENINGS * EACH)
        self._intake = AnswersFirst if variant == "acknowledges-anyway" else Intake

    def work(self) -> None:
        in_openings(self)

    def opening(self, number: int) -> None:
        durable.rewrite_log(self.root / "hub.db")
        with self._engine(self.root, close=number == OPENINGS - 1) as engine:
            hub = self._intake(
                SqlStore(engine), self._ring, Teller(self._handsets), news=lambda: None, clock=Clock()
            )
            for group in self._groups[number * EACH : (number + 1) * EACH]:
                for _ in range(TRIES):
                    if Refusal.STORE_FAILED not in hub.take(group):
                        break


STORIES: Mapping[str, Callable[[Path, str], Failing]] = {"hand-over": FailingHandOver, "hub": FailingHub}


def in_openings(story: Failing) -> None:
    """Start again and again, each time in a process that is killed in the end."""
    for number in range(OPENINGS):

        def start(number: int = number) -> None:
            with suppress(*NOT_STARTED):
                story.opening(number)

        in_a_child(start)


def look(story: Failing, start: Start, events: list[Event], line: str) -> int:
    """Look at what the disk may hold after a run with a fault; returns at how many states."""
    chance, seen = random.Random(line), set[tuple[bytes, int]]()
    told = {at for at, event in enumerate(events, start=1) if isinstance(event, Mark)}
    cuts = {len(events), *told, *chance.sample(range(len(events)), min(CUTS, len(events)))}
    disk = Disk(start)
    for cut in range(len(events) + 1):
        if cut:
            disk.take(events[cut - 1])
        for how in HOW if cut in cuts else ():
            crash = disk.crash(how, chance)
            if (crash.disk, len(crash.told)) in seen:
                continue
            seen.add((crash.disk, len(crash.told)))
            with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
                crash.write_to(Path(folder))
                try:
                    story.check(Path(folder), crash.told)
                except FAILURES as failure:
                    where = f"{line}, cut at {cut} of {len(events)}, {how}"
                    sys.exit(f"{where}: {failure!r}"[:MOST_SAID])
    return len(seen)


def main(name: str, call: str, error: str, step: int, variant: str = FULL) -> None:
    """Let each STEP-th call fail in turn."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name_of,
        ExitStack() as patched,
    ):
        folder = Path(name_of)
        if variant == "trusts-the-log":
            for place in REWRITES:
                patched.enter_context(mock.patch(place))
        story = STORIES[name](folder, variant)
        before = folder / "before"
        shutil.copytree(story.root, before)
        recorded(story.root, story.work, folder / "trace", reads=call == READ)
        looked = failed = runs = 0
        for at in range(1, most_of(call, folder / "trace") + 1, step):
            shutil.rmtree(story.root)
            shutil.copytree(before, story.root)
            every = "+" if error.endswith("+") else ""
            fault = f"{call}:error={error.removesuffix('+')}:when={at}{every}"
            start, events = recorded(
                story.root, story.work, folder / "trace", inject=(fault,), reads=call == READ
            )
            failed += sum(isinstance(event, FailedSync) for event in events)
            looked += look(story, start, events, f"{name}, {fault}")
            runs += 1
    figures = {
        "story": name,
        "call": call,
        "error": error,
        "runs": runs,
        "failed_syncs": failed,
        "states": looked,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def most_of(call: str, trace: Path) -> int:
    """How many such calls one process made at most: strace counts them for each."""
    found = (_CALLED.match(line) for line in trace.read_text(encoding="ascii").splitlines())
    return max(Counter(each[1] for each in found if each and each[2] == call).values(), default=0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), *sys.argv[5:])
