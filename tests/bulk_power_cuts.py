"""Cuts the power in a long story again and again, each time another state of the disk, in two processes.

    python -m tests.bulk_power_cuts STORY STATES SEED [VARIANT]

STORY is `outbox`, `hand-over` (vault and outbox under the ledger) or `hub` (its store under intake), SEED makes it. It
is done once, under strace; then states are made and looked at until STATES differ from each other in their files.
VARIANT is a control. Prints the figures as one object of JSON, and ends with status 1 at a state that is not as it
must be.
"""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import sqlcipher3.dbapi2 as sqlcipher
import structlog
from sqlalchemy.exc import DBAPIError

from compline_shared.errors import ComplineError
from tests.cut_story import FULL, Story
from tests.disk import PLAIN, Crash, Disk, Event, Mark, Start, SyncFile, SyncFolder, without_syncs
from tests.hand_over_cuts import HandOverStory
from tests.hub_cuts import HubStory
from tests.outbox_cuts import OutboxStory
from tests.strace import recorded

MEMORY = Path("/dev/shm")
"""States are many, small and gone at once."""
WORKERS = 2
ROUNDS = 400
"""After so many rounds over all cuts it is no use to look for other states."""
EACH = ("ordered", "random", "random", "random")
"""Of each cut in each round; the plain ones in the first round only."""
MOST_SAID = 500
"""Characters of what went wrong."""
FAILURES = (AssertionError, ComplineError, sqlite3.Error, sqlcipher.Error, DBAPIError)
LEFT_OUT: Mapping[str, type[SyncFile | SyncFolder]] = {
    "no-file-sync": SyncFile,
    "no-folder-sync": SyncFolder,
}
STORIES: Mapping[str, Callable[[Path, str, int], Story]] = {
    "outbox": lambda folder, variant, seed: OutboxStory(folder, variant=variant, seed=seed, acts=400),
    "hand-over": lambda folder, variant, seed: HandOverStory(folder, variant=variant, seed=seed, verdicts=40),
    "hub": lambda folder, variant, seed: HubStory(folder, variant=variant, seed=seed, groups=60),
}


def states(start: Start, events: Sequence[Event], *, seed: int, step: int) -> Iterator[Crash]:
    """Yield states of every ``step``-th cut, those between them in later rounds; some come more than once."""
    for number in range(ROUNDS):
        disk = Disk(start)
        for cut in range(len(events) + 1):
            if cut:
                disk.take(events[cut - 1])
            if (cut + number) % step == 0:
                chance = random.Random(f"{seed} {number} {cut}")
                for how in (*PLAIN, *EACH) if number < step else EACH:
                    yield disk.crash(how, chance)


def look(story: Story, start: Start, events: Sequence[Event], *, share: int, seed: int, worker: int) -> None:
    """Look at this worker's states, told by their hash, until ``share`` differ in their files.

    A state that was seen is looked at again where more was told before it: then more must be there.
    """
    seen: dict[bytes, int] = {}
    step = max(1, len(events) * len((*PLAIN, *EACH)) // (WORKERS * share))
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        for crash in states(start, events, seed=seed, step=step):
            told = seen.get(crash.disk, -1)
            if crash.disk[0] % WORKERS != worker or told >= len(crash.told):
                continue
            seen[crash.disk] = len(crash.told)
            place = Path(folder) / "state"
            place.mkdir()
            crash.write_to(place)
            try:
                story.check(place, crash.told)
            except FAILURES as failure:
                sys.exit(f"cut at {crash.cut} of {len(events)}, {crash.how}: {failure!r}"[:MOST_SAID])
            shutil.rmtree(place)
            if len(seen) == share:
                return
    sys.exit(f"only {len(seen)} different states")


def main(name: str, count: int, seed: int, variant: str = FULL) -> None:
    """Record the story once and look at so many different states of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        story = STORIES[name](Path(folder), variant, seed)
        start, events = recorded(story.root, story.work, Path(folder) / "trace")
    if variant in LEFT_OUT:
        events = without_syncs(events, LEFT_OUT[variant])
    begun = time.monotonic()
    workers = []
    for worker in range(WORKERS):
        workers.append(os.fork())
        if workers[-1] == 0:
            look(story, start, events, share=-(-count // WORKERS), seed=seed, worker=worker)
            sys.stdout.flush()
            os._exit(0)
    ended = [os.waitpid(worker, 0)[1] for worker in workers]
    if any(ended):
        sys.exit(f"{name} does not hold")
    seconds = time.monotonic() - begun
    figures = {
        "story": name,
        "states": WORKERS * -(-count // WORKERS),
        "calls": len(events),
        "told": sum(isinstance(event, Mark) for event in events),
        "seconds": round(seconds, 1),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
