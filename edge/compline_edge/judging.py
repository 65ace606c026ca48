"""Judges what arrives on the handset and keeps each verdict in the ledger before anything else happens."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

import structlog

from compline_edge.core.conversation import ChatMessage, Conversation, group
from compline_edge.core.corroboration import corroborate
from compline_edge.core.judgement import Circumstances, Observed, draft_verdict, severity_of, unreadable
from compline_edge.core.noticed import Noticed
from compline_edge.core.recording_names import parse_recording_name
from compline_edge.core.speech import Utterance
from compline_edge.pipeline import CallListener, Listened, read_conversation
from compline_edge.ports import AudioReader, Clock
from compline_edge.senses.chat_files import BrokenLine, ChatFileError, read_chat
from compline_edge.senses.recording import RecordingError, open_recording
from compline_edge.senses.watch import Arrival
from compline_edge.vault.identity import Home
from compline_shared.messages import Verdict, Versions
from compline_shared.taxonomy import Abstention, Direction, Kind, Pass, Severity

_log = structlog.get_logger("compline_edge")

SAME_CALL = 60
"""Seconds by which the beginning of a call may differ between its live pass and its full one."""
URGENT_LIVE = Severity.WARNING
"""From this severity on a sighting in a running call leaves at once, as a live verdict."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything that turns an arrival into verdicts, wired once."""

    home: Home
    listener: CallListener
    versions: Versions
    clock: Clock
    zone: tzinfo
    longest: float  # s of a call
    collector: str | None = None  # WeCom user id
    remove_originals: bool = False
    told: Callable[[Verdict], object] = lambda _verdict: None  # after a verdict is kept

    def recording(self, arrival: Arrival) -> None:
        """Judge a finished recording: the full pass, which supersedes what a live pass said of it."""
        self.home.ledger.require_room()
        listened = self._listen(arrival.path)
        circumstances = self._circumstances(arrival.path, listened.observed.duration)
        with arrival.path.open("rb") as evidence:
            verdict = self.home.ledger.record(
                self._draft(
                    listened.observed,
                    circumstances,
                    pass_=Pass.FULL,
                    supersedes=self._live_seq(arrival.path, circumstances),
                ),
                evidence,
                utterances=listened.utterances,
                source=arrival.key,
            )
        self._tell(verdict)
        if self.remove_originals:
            arrival.path.unlink(missing_ok=True)

    def growing(self, path: Path, reader: AudioReader) -> None:
        """Judge a recording while it grows; each graver or further sighting leaves as a live verdict."""
        live = _LiveCall(judge=self, path=path, started=int(self.clock.now()))
        with reader:
            self.listener.listen(reader, progress=live.heard, notice=live.notice)

    def chat(self, arrival: Arrival) -> None:
        """Judge a chat file, one verdict a conversation; a conversation that grew since is judged anew."""
        self.home.ledger.require_room()
        messages: list[ChatMessage] = []
        broken: Abstention | None = None
        try:
            for message in read_chat(arrival.path, collector=self.collector):
                if isinstance(message, BrokenLine):
                    _log.warning("chat_line_broken", line=message.line, reason=message.abstention.code)
                    broken = broken or message.abstention
                else:
                    messages.append(message)
        except ChatFileError as failure:
            self._abstain(arrival, failure.abstention)
            return
        if broken and not messages:
            self._abstain(arrival, broken)
            return
        for conversation in group(messages, zone=self.zone):
            self._conversation(conversation, written=arrival.path.stat().st_mtime)
        self.home.vault.mark_seen(arrival.key)

    def live_verdict(self, path: Path, *, started: int, seconds: float, noticed: Sequence[Noticed]) -> None:
        """Keep what a running call gave so far."""
        circumstances = self._circumstances(path, seconds, started=started)
        previous = self._live_seq(path, circumstances)
        draft = self._draft(
            Observed(duration=seconds, speech=seconds, answered=True, noticed=corroborate(noticed)),
            circumstances,
            pass_=Pass.LIVE,
            supersedes=previous,
        )
        self._tell(self.home.ledger.record(draft, None, source=self._next_source(_live_source(path))))

    def _listen(self, path: Path) -> Listened:
        try:
            with open_recording(path, limit_s=self.longest) as recording:
                return self.listener.listen(recording)
        except RecordingError as failure:
            return Listened(unreadable(failure.abstention))

    def _conversation(self, conversation: Conversation, *, written: float) -> None:
        base = _conversation_source(conversation)
        previous = self._latest(base)
        if previous is not None and previous.messages == min(len(conversation.messages), 65_535):
            return
        started = int(conversation.started if conversation.started is not None else written)
        contact = conversation.contact
        circumstances = Circumstances(
            kind=Kind.CHAT,
            started=started,
            direction=conversation.direction,
            contact=self.home.grant.branch_key.contact(contact.reveal()) if contact else None,
        )
        draft = self._draft(
            read_conversation(conversation, self.listener.matcher),
            circumstances,
            pass_=Pass.FULL,
            supersedes=previous.seq if previous else 0,
        )
        verdict = self.home.ledger.record(
            draft,
            io.BytesIO(_conversation_evidence(conversation)),
            utterances=_conversation_text(conversation),
            source=self._next_source(base),
        )
        self._tell(verdict)

    def _abstain(self, arrival: Arrival, reason: Abstention) -> None:
        circumstances = Circumstances(kind=Kind.CHAT, started=int(arrival.path.stat().st_mtime))
        draft = self._draft(unreadable(reason), circumstances, pass_=Pass.FULL)
        with arrival.path.open("rb") as evidence:
            self._tell(self.home.ledger.record(draft, evidence, source=arrival.key))

    def _circumstances(self, path: Path, duration: float, *, started: int | None = None) -> Circumstances:
        name = parse_recording_name(path.name)
        if name is None or name.started is None:
            begun = started if started is not None else int(path.stat().st_mtime - duration)
        else:
            begun = int(name.started.replace(tzinfo=self.zone).timestamp())
        number = name.number if name else None
        return Circumstances(
            kind=Kind.CALL,
            started=max(0, begun),
            direction=name.direction if name else Direction.UNKNOWN,
            contact=self.home.grant.branch_key.contact(number.reveal()) if number else None,
        )

    def _draft(
        self, observed: Observed, circumstances: Circumstances, *, pass_: Pass, supersedes: int = 0
    ) -> Verdict:
        return draft_verdict(
            observed,
            circumstances,
            versions=self.versions,
            now=int(self.clock.now()),
            pass_=pass_,
            supersedes=supersedes,
        )

    def _tell(self, verdict: Verdict) -> None:
        _log.info(
            "verdict_kept",
            seq=verdict.seq,
            kind=verdict.kind.code,
            judged_in=verdict.pass_.code,
            findings=len(verdict.findings),
            severity=verdict.severity.code if verdict.severity else None,
            abstained=verdict.abstained.code if verdict.abstained else None,
        )
        self.told(verdict)

    def _live_seq(self, path: Path, circumstances: Circumstances) -> int:
        """Return the live verdict of this very call, 0 for none: file systems give an inode away again."""
        latest = self._latest(_live_source(path))
        same = latest is not None and abs(latest.started - circumstances.started) <= SAME_CALL
        return latest.seq if latest and same else 0

    def _latest(self, base: str) -> Verdict | None:
        latest = None
        for source in _numbered(base):
            verdict = self.home.vault.verdict_of(source)
            if verdict is None:
                return latest
            latest = verdict
        return latest

    def _next_source(self, base: str) -> str:
        return next(source for source in _numbered(base) if self.home.vault.verdict_of(source) is None)


@dataclass(slots=True)
class _LiveCall:
    """One running call: collects sightings and speaks up when something new and grave enough is among them."""

    judge: Judge
    path: Path
    started: int
    seconds: float = 0.0
    noticed: tuple[Noticed, ...] = ()
    said: int = 0  # sightings that a verdict has told of

    def notice(self, noticed: Noticed) -> None:
        self.noticed = (*self.noticed, noticed)

    def heard(self, seconds: float) -> None:
        self.seconds = seconds
        fresh = self.noticed[self.said :]
        if any(severity_of(n) >= URGENT_LIVE for n in fresh):
            self.said = len(self.noticed)
            self.judge.live_verdict(self.path, started=self.started, seconds=seconds, noticed=self.noticed)


def _numbered(base: str) -> Iterator[str]:
    number = 1
    while True:
        yield f"{base}:{number}"
        number += 1


def _live_source(path: Path) -> str:
    status = path.stat()
    return f"live:{status.st_dev:x}-{status.st_ino:x}"


def _conversation_source(conversation: Conversation) -> str:
    first = conversation.messages[0]
    name = f"{conversation.key.reveal()}\x00{first.msgid}\x00{first.line if not first.msgid else 0}\x00{first.sent_at}"
    return "chat:" + hashlib.sha256(name.encode()).hexdigest()[:32]


def _conversation_text(conversation: Conversation) -> list[Utterance]:
    return [
        Utterance(
            text=message.text,
            role=message.role,
            start=conversation.offset(message),
            end=conversation.offset(message),
            confidence=1.0,
        )
        for message in conversation.messages
        if message.text
    ]


def _conversation_evidence(conversation: Conversation) -> bytes:
    lines = (
        {
            "msgid": message.msgid,
            "from": message.sender.reveal() if message.sender else None,
            "sent_at": message.sent_at,
            "type": message.type,
            "text": message.text,
            "recalls": message.recalls,
        }
        for message in conversation.messages
    )
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
