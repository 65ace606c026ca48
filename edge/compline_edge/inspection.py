"""Judges files with no hub, no vault and no keys: the work behind `compline-edge inspect`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from compline_edge.core.audio_quality import Quality
from compline_edge.core.conversation import ChatMessage, group
from compline_edge.core.judgement import severity_of
from compline_edge.core.noticed import Noticed
from compline_edge.core.written_numbers import written
from compline_edge.pipeline import CallListener, Listened, read_messages
from compline_edge.senses.chat_files import BrokenLine, ChatFileError, read_chat
from compline_edge.senses.recording import Recording, RecordingError, open_recording
from compline_edge.senses.watch import CHAT_SUFFIXES, sort_of
from compline_shared.taxonomy import Abstention, Role


class FoundRow(msgspec.Struct, frozen=True):
    """One finding as a person or a script reads it."""

    category: str
    severity: str
    confidence: int  # 0..100
    offset_s: float
    rule: int | None
    term: int | str | None  # entry id; the pack's phrase where text is shown


class QualityRow(msgspec.Struct, frozen=True):
    """What a call's sound is like, where somebody speaks; of two channels the worse."""

    snr_db: float | None  # speech over noise, 300 to 3,400 Hz
    clipped: float  # share of samples, 0..1
    band_hz: int | None  # upper edge of what is heard
    lost: float  # share of the sound, 0..1


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One recording, or one message of a chat or text file."""

    path: str
    line: int | None = None  # 1-based, null for audio
    kind: Literal["call", "chat"]
    duration_s: float = 0.0
    coverage: float = 1.0  # 0..1
    abstained: str | None = None
    findings: tuple[FoundRow, ...] = ()
    text: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    quality: QualityRow | UnsetType = UNSET  # of a call in which somebody speaks


Heard = Callable[[float, float | None], None]
"""Told the seconds that are through, and of how many where the file says."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files to inspect and what else there was."""

    files: tuple[Path, ...]
    others: int  # files of other kinds, left alone
    problems: tuple[str, ...]  # one sentence for each folder that gave nothing


def sources(paths: Sequence[Path]) -> Sources:
    """Return the files to inspect, folders expanded in sorted order, hidden and unfinished files left alone.

    A file named outright is always among them, whatever its name and whether it exists or not.
    """
    found: list[Path] = []
    problems: list[str] = []
    others = 0
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises where a parent may not be entered)
            found.append(path)
            continue
        inside = sorted(_inside(path, problems))
        fitting = [inner for inner in inside if sort_of(inner) is not None]
        if not fitting:
            problems.append(
                f"{path} holds no recording and no chat export: name a folder that does, or the files themselves."
            )
        found += fitting
        others += len(inside) - len(fitting)
    return Sources(tuple(found), others, tuple(problems))


def _inside(folder: Path, problems: list[str]) -> Iterator[Path]:
    """Yield every file below a folder; one that may not be entered becomes a problem."""

    def closed(error: OSError) -> None:
        problems.append(f"{error.filename} cannot be entered ({error.strerror}): check its permissions.")

    for parent, folders, names in os.walk(folder, onerror=closed):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in names)


@dataclass(frozen=True, slots=True)
class Inspector:
    """Judges one file at a time; a file that fails gives a row with its error and the next one goes on."""

    listener: CallListener
    longest: float  # s of a recording
    collector: str | None = None  # WeCom user id
    show_text: bool = False
    zone: tzinfo = UTC  # in which a new day begins another conversation

    def inspect(self, path: Path, *, heard: Heard | None = None) -> Iterator[Row]:
        """Yield one row for a recording, one a message for a chat or text file."""
        rows = self._chat(path) if path.suffix.lower() in CHAT_SUFFIXES else (self._call(path, heard),)
        for row in rows:
            yield _in_utf8(row)

    def _call(self, path: Path, heard: Heard | None) -> Row:
        try:
            with open_recording(path, limit_s=self.longest) as recording:
                total = recording.info.duration
                progress = (lambda seconds: heard(seconds, total)) if heard else None
                listened = self.listener.listen(recording, progress=progress)
                return self._call_row(path, recording, listened)
        except RecordingError as failure:
            return Row(
                path=str(path),
                kind="call",
                coverage=0.0,
                abstained=failure.abstention.code,
                error=str(failure),
            )

    def _call_row(self, path: Path, recording: Recording, listened: Listened) -> Row:
        observed = listened.observed
        return Row(
            path=str(path),
            kind="call",
            duration_s=round(observed.duration, 2),
            coverage=round(observed.coverage, 3),
            abstained=observed.abstained.code if observed.abstained else None,
            findings=tuple(self._found(n) for n in observed.noticed),
            text=_transcript(listened) if self.show_text else UNSET,
            error=_remark(path, observed.abstained) or recording.remark or UNSET,
            quality=_quality(observed.quality) if observed.quality else UNSET,
        )

    def _chat(self, path: Path) -> Iterator[Row]:
        """Read a file to its end first: what a rule finds stands at the message with which it ends."""
        lines: list[ChatMessage | BrokenLine] = []
        failed: ChatFileError | None = None
        try:
            lines += read_chat(path, collector=self.collector)
        except ChatFileError as failure:
            failed = failure
        found = self._found_in([line for line in lines if isinstance(line, ChatMessage)])
        for line in lines:
            yield self._message_row(path, line, found.get(line.line, ()))
        if failed is not None:
            yield Row(
                path=str(path),
                kind="chat",
                coverage=0.0,
                abstained=failed.abstention.code,
                error=str(failed),
            )

    def _found_in(self, messages: Sequence[ChatMessage]) -> dict[int, tuple[Noticed, ...]]:
        """What each line holds."""
        found: dict[int, tuple[Noticed, ...]] = {}
        for conversation in group(messages, zone=self.zone):
            held = read_messages(conversation, self.listener.texts, self.listener.rules)
            found |= {message.line: own for message, own in zip(conversation.messages, held, strict=True)}
        return found

    def _message_row(self, path: Path, message: ChatMessage | BrokenLine, found: Sequence[Noticed]) -> Row:
        if isinstance(message, BrokenLine):
            return Row(
                path=str(path),
                line=message.line,
                kind="chat",
                coverage=0.0,
                abstained=message.abstention.code,
                error=message.sentence,
            )
        return Row(
            path=str(path),
            line=message.line,
            kind="chat",
            coverage=0.0 if message.abstention else 1.0,
            abstained=message.abstention.code if message.abstention else None,
            findings=tuple(self._found(n) for n in found),
            text=message.text if self.show_text else UNSET,
        )

    def _found(self, noticed: Noticed) -> FoundRow:
        term = (noticed.phrase or None) if self.show_text else (noticed.entry or None)
        return FoundRow(
            category=noticed.category.code,
            severity=severity_of(noticed).code,
            confidence=noticed.confidence,
            offset_s=round(noticed.start, 2),
            rule=noticed.rule or None,
            term=term,
        )


_SPEAKERS = {Role.COLLECTOR: "collector", Role.OTHER: "other", Role.UNKNOWN: "speaker"}
_REMARKS = {
    Abstention.TRUNCATED: "{} ends before it says it does; the readable part was judged. Copy it from the phone again.",
    Abstention.TOO_LONG: "{} is longer than the limit; the rest was not judged. Cut it, or raise longest_call_hours in "
    "compline.toml, [edge].",
    Abstention.SILENT: "{} decodes and nobody speaks in it; check that the recorder had the microphone.",
    Abstention.EMPTY: "{} holds no sound at all; check the recorder, or leave the file out.",
    Abstention.NO_MODEL: "{} was not judged: no model for its language. See compline-edge models --help.",
    Abstention.POOR_AUDIO: "{} has speech that the model cannot follow; listen to it yourself.",
    Abstention.OTHER_LANGUAGE: "{} has speech in a language or dialect that the model does not know; have somebody who "
    "does listen to it.",
    Abstention.MUSIC: "{} has music in which nobody can be understood; what was noticed in it was left out.",
    Abstention.TONES: "{} has signals of the line (ringing, busy, touch tones, fax) and nobody who speaks.",
    Abstention.NOISY: "{} has speech that noise drowns; listen to it yourself, and keep the phone out of the noise.",
    Abstention.CLIPPED: "{} has speech cut off at the recorder's limit; listen to it yourself, and record less loudly.",
    Abstention.LOSSY: "{} has gaps: a part of its sound was lost on the way; listen to it where it matters.",
}


def _remark(path: Path, abstained: Abstention | None) -> str | None:
    sentence = _REMARKS.get(abstained) if abstained else None
    return sentence.format(path.name) if sentence else None


def _quality(found: Quality) -> QualityRow:
    return QualityRow(
        snr_db=None if found.snr_db is None else round(found.snr_db, 1),
        clipped=round(found.clipped, 4),
        band_hz=found.band_hz,
        lost=round(found.lost, 3),
    )


def _in_utf8(row: Row) -> Row:
    """Return the row fit for output: bytes of a file's name that are no UTF-8 are replaced."""
    error = row.error if isinstance(row.error, UnsetType) else _replaced(row.error)
    return replace(row, path=_replaced(row.path), error=error)


def _replaced(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "replace")


def _transcript(listened: Listened) -> str:
    return "\n".join(f"[{u.start:.1f}] {_SPEAKERS[u.role]}: {written(u.text)}" for u in listened.utterances)
