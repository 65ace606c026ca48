"""Everything that pages and the API may ask the hub."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from compline_hub.core.alarm import Alarm
from compline_hub.core.enrolled import Handset
from compline_hub.core.record import Kept, Query, Summary
from compline_hub.ports import Reading
from compline_hub.service.news import News
from compline_shared.ids import VerdictId

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Desk:
    """The reading side of the hub, wired."""

    hub: str  # its name
    reading: Reading
    phrases: Mapping[int, tuple[str, str]]  # of lexicon entries
    sentences: Mapping[int, tuple[str, str]]  # of rules
    news: News
    refused: Callable[[], dict[str, int]]
    clock: Callable[[], float] = time.time

    def now(self) -> int:
        """Unix seconds."""
        return int(self.clock())

    def verdicts(self, query: Query) -> Sequence[Kept]:
        """Return a page of verdicts."""
        return self.reading.verdicts(query)

    def verdict(self, verdict: VerdictId) -> Kept | None:
        """Return one verdict, or None."""
        return self.reading.verdict(verdict)

    def last_arrival(self) -> int:
        """Return the arrival of the newest verdict, 0 = none."""
        return self.reading.last_arrival()

    def summary(self, *, since: int | None) -> Summary:
        """Return counts since `since` (Unix s; None = the last 24 hours)."""
        now = self.now()
        return self.reading.summary(since=now - DAY if since is None else since, now=now)

    def handsets(self) -> Sequence[Handset]:
        """Return all enrolled handsets."""
        return self.reading.handsets()

    def alarms(self) -> Sequence[Alarm]:
        """Return the newest alarms."""
        return self.reading.alarms()
