"""Reads calls.toml into frozen values and refuses a script that the voice or the labels cannot follow."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

COLLECTOR, OTHER = "collector", "other"
_LINE = re.compile(r"(?P<who>[co])(?:\((?P<manner>\w+)\))?: (?P<words>.+)")
_CLAUSE_END = re.compile(r"(?<=[、，。！？])")
_UNSPEAKABLE = re.compile(r"[^\u4e00-\u9fff、，。！？]")


class ScriptError(ValueError):
    """The script of the sample day is wrong; the message names the call and what to change."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How words are spoken: factors of the speaker's speed (above 1 is slower), pitch, energy; gain in dB."""

    speed: float = 1.0
    pitch: float = 1.0
    energy: float = 1.0
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Timbre:
    """A made-up speaker: pitch and formant as factors of the natural voice, speed above 1 is slower."""

    pitch: float
    formant: float
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of a dialogue; `clauses` keep their closing punctuation."""

    role: str
    manner: str
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A label: what the collector truly does, and the words that carry it ("" where words are missing)."""

    category: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Call:
    """One recording: what the phone's log would say, the dialogue, its labels and how the file is written."""

    id: str
    maker: str
    container: str
    codec: str
    rate: int  # Hz
    channels: int  # 2: collector left, other right
    started: datetime
    name: str
    number: str
    direction: str
    answered: bool
    effective: bool
    contact: str
    case: str
    collector: str
    other: str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    conduct: tuple[str, ...]
    tolerated: tuple[str, ...]
    must_find: tuple[str, ...]
    warned: bool
    silence: float  # s of line noise when nobody speaks
    ringback: int  # ring-back tones before the hang-up
    about: str


@dataclass(frozen=True, slots=True)
class Day:
    """All calls of the day with the voices, manners and readings they use."""

    calls: tuple[Call, ...]
    manners: dict[str, Manner]
    timbres: dict[str, Timbre]
    readings: dict[str, str]  # words to numbered pinyin parted by spaces


def read_day(path: Path) -> Day:
    """Read the script at `path`.

    Raises:
        ScriptError: a line, mark, voice or manner does not fit.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    day = Day(
        calls=tuple(_call(entry, table["date"] + "T{}" + table["timezone"]) for entry in table["call"]),
        manners={name: Manner(**values) for name, values in table["manner"].items()},
        timbres={name: Timbre(**values) for name, values in table["voice"].items()},
        readings=table["readings"],
    )
    for call in day.calls:
        _check(call, day)
    return day


def clauses_of(words: str) -> tuple[str, ...]:
    """Cut `words` after each Chinese punctuation mark, as the voice speaks them."""
    return tuple(part for part in _CLAUSE_END.split(words.strip()) if part)


def _call(entry: dict[str, Any], stamp: str) -> Call:
    return Call(
        id=entry["id"],
        maker=entry["maker"],
        container=entry["container"],
        codec=entry["codec"],
        rate=entry["rate"],
        channels=entry["channels"],
        started=datetime.fromisoformat(stamp.format(entry["time"])),
        name=entry["name"],
        number=entry["number"],
        direction=entry.get("direction", "outgoing"),
        answered=entry.get("answered", True),
        effective=entry.get("effective", True),
        contact=entry["contact"],
        case=entry["case"],
        collector=entry["collector"],
        other=entry["other"],
        lines=tuple(_line(text, entry["id"]) for text in entry["script"].splitlines() if text.strip()),
        marks=tuple(Mark(category, phrase) for category, phrase in entry.get("marks", [])),
        conduct=tuple(entry.get("conduct", [])),
        tolerated=tuple(entry.get("tolerated", [])),
        must_find=tuple(entry.get("must_find", [])),
        warned=entry.get("warned", False),
        silence=entry.get("silence", 0.0),
        ringback=entry.get("ringback", 0),
        about=entry["about"],
    )


def _line(text: str, call_id: str) -> Line:
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise ScriptError(f"call {call_id}: '{text}' is no line; write 'c: words' or 'o: words'")
    words = match["words"]
    if odd := _UNSPEAKABLE.search(words):
        raise ScriptError(f"call {call_id}: the voice cannot read '{odd[0]}'; write it in Chinese characters")
    role = COLLECTOR if match["who"] == "c" else OTHER
    return Line(role=role, manner=match["manner"] or "calm", clauses=clauses_of(words))


def _check(call: Call, day: Day) -> None:
    if unknown := {call.collector, call.other} - day.timbres.keys():
        raise ScriptError(f"call {call.id}: no [voice.*] is called {', '.join(sorted(unknown))}")
    if unknown := {line.manner for line in call.lines} - day.manners.keys():
        raise ScriptError(f"call {call.id}: no [manner.*] is called {', '.join(sorted(unknown))}")
    spoken = [clause for line in call.lines if line.role == COLLECTOR for clause in line.clauses]
    for mark in call.marks:
        if mark.phrase and sum(mark.phrase in clause for clause in spoken) != 1:
            raise ScriptError(f"call {call.id}: '{mark.phrase}' must stand in exactly one collector's clause")
    if unmarked := set(call.must_find) - {mark.category for mark in call.marks}:
        raise ScriptError(f"call {call.id}: must_find names {', '.join(sorted(unmarked))}, which no mark has")
