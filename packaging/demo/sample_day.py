"""The sample day: what is played, and what is truly said in it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parents[1] / "sample-day"
LIVE = "threats"
"""The call that is played at real-time pace, as the phone's recorder writes it."""


class Said(msgspec.Struct, frozen=True):
    """Something truly said; times in seconds, None for what is missing from the whole call."""

    category: str
    start_s: float | None
    end_s: float | None


class Call(msgspec.Struct, frozen=True):
    """One recording of the day."""

    id: str
    about: str
    started: datetime
    path: str
    duration_s: float
    findings: tuple[Said, ...]
    tolerated: frozenset[str]  # categories that a reviewer might also give
    must_find: frozenset[str]  # categories that the shipped model and lexicon do find

    @property
    def recording(self) -> Path:
        """The file in the sample day."""
        return FOLDER / self.path

    @property
    def said(self) -> frozenset[str]:
        """Categories truly in it."""
        return frozenset(finding.category for finding in self.findings)


class ChatLine(msgspec.Struct, frozen=True):
    """One message of the day."""

    path: str
    line: int
    categories: tuple[str, ...]
    conversation: str = ""  # a text file has none


class SampleDay(msgspec.Struct, frozen=True):
    """Everything that is played."""

    calls: tuple[Call, ...]
    chats: tuple[ChatLine, ...]

    @property
    def chat_files(self) -> tuple[Path, ...]:
        """The chat files, in order of name."""
        return tuple(FOLDER / path for path in sorted({line.path for line in self.chats}))

    @property
    def said_in_chats(self) -> dict[str, frozenset[str]]:
        """Categories truly in each conversation, by the script's name for it; a text file is one conversation."""
        said: dict[str, set[str]] = defaultdict(set)
        for line in self.chats:
            if line.conversation or line.path.endswith(".txt"):
                said[line.conversation or Path(line.path).name] |= set(line.categories)
        return {name: frozenset(categories) for name, categories in said.items()}


def load_day() -> SampleDay:
    """Read the day's labels."""
    return msgspec.json.decode((FOLDER / "expected.json").read_bytes(), type=SampleDay)
