"""Reads the hub's page API the way a browser does, and says what of the day is on the page."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from sample_day import FOLDER, SampleDay


class Found(msgspec.Struct, frozen=True):
    """A finding on the page."""

    category: str
    confidence: int
    offset: int


class Shown(msgspec.Struct, frozen=True, rename={"pass_": "pass"}):
    """A verdict on the page."""

    seq: int
    started: int
    kind: str
    pass_: str
    superseded_by: int | None
    findings: tuple[Found, ...]
    coverage: int
    abstained: str | None


class Shelf(msgspec.Struct, frozen=True):
    """What the API answers."""

    verdicts: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """One thing of the day that must come to stand on the page."""

    name: str
    kind: str
    started: datetime | None  # None: a text file without times
    said: frozenset[str]
    tolerated: frozenset[str] = frozenset()
    must_find: frozenset[str] = frozenset()

    def shown_by(self, verdict: Shown) -> bool:
        """Whether a verdict is about this; file names of phones give the time to the minute."""
        if verdict.kind != self.kind:
            return False
        return self.started is None or int(self.started.timestamp()) // 60 == verdict.started // 60


def expected(day: SampleDay) -> tuple[Expected, ...]:
    """Return everything that must come, calls and conversations, in order of time."""
    calls = [
        Expected(call.id, "call", call.started, call.said, call.tolerated, call.must_find)
        for call in day.calls
    ]
    begins = _conversation_starts(day)
    chats = [Expected(name, "chat", begins.get(name), said) for name, said in day.said_in_chats.items()]
    return tuple(sorted(calls + chats, key=lambda e: (e.started is None, e.started or datetime.min)))


def read_page(url: str) -> tuple[Shown, ...]:
    """Return the verdicts that stand on the page now."""
    with urllib.request.urlopen(f"{url}api/verdicts?limit=500", timeout=5) as answer:
        return msgspec.json.decode(answer.read(), type=Shelf).verdicts


def settle(wanted: Sequence[Expected], shown: Sequence[Shown]) -> dict[str, Shown]:
    """Return the final verdict of each thing that has one, by name."""
    final = [verdict for verdict in shown if verdict.superseded_by is None and verdict.pass_ == "full"]
    places: dict[str, Shown] = {}
    for one in sorted(wanted, key=lambda e: e.started is None):
        fitting = [v for v in final if one.shown_by(v) and v not in places.values()]
        if fitting:
            places[one.name] = fitting[0]
    return places


def _conversation_starts(day: SampleDay) -> dict[str, datetime]:
    begins: dict[str, datetime] = {}
    for path in {line.path for line in day.chats if line.path.endswith(".jsonl")}:
        messages = [json.loads(line) for line in (FOLDER / path).read_text(encoding="utf-8").splitlines()]
        for line in day.chats:
            if line.path == path and line.conversation:
                at = datetime.fromtimestamp(messages[line.line - 1]["msgtime"] / 1000).astimezone()
                begins[line.conversation] = min(at, begins.get(line.conversation, at))
    return begins
