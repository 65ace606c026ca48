"""Judges what arrives on the handset and keeps each verdict in the ledger before anything else happens."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import partial
from itertools import count
from pathlib import Path

import structlog

from compline_edge.core.branch_policy import BranchPolicy, branch_policy
from compline_edge.core.conversation import ChatMessage, Conversation, group, utterances_of
from compline_edge.core.conversation_record import evidence_of, source_of
from compline_edge.core.corroboration import corroborate
from compline_edge.core.judgement import Circumstances, Observed, draft_verdict, severity_of, unreadable
from compline_edge.core.noticed import Noticed
from compline_edge.core.recording_names import parse_recording_name
from compline_edge.core.speech import Utterance
from compline_edge.former_files import FormerFiles
from compline_edge.pipeline import CallListener, Hearing, Listened, read_conversation
from compline_edge.ports import AudioReader, Clock
from compline_edge.senses.chat_files import BrokenLine, ChatFileError
from compline_edge.senses.recording import RecordingError, open_recording
from compline_edge.senses.watch import Arrival, Sort, file_of
from compline_edge.vault.home import Home
from compline_shared.messages import Verdict, Versions
from compline_shared.taxonomy import Abstention, Direction, Kind, Pass, Severity

_log = structlog.get_logger("compline_edge")

MOST_PARTED = 500
"""Files of which a freezing says that they were not judged; freezing must not wait for more."""
SAME_CALL = 60
"""Seconds by which the beginning of a call may differ between one pass of it and the next."""
URGENT_LIVE = Severity.WARNING
"""From this severity on a sighting in a running call leaves at once, as a live verdict."""
COMPANY = 1.0
"""Seconds of the call for which a lesser sighting waits for others to leave with."""


class Stopped(Exception):
    """The agent is ending; what was being judged has no verdict yet and is judged at the next start."""


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
    instead: Callable[[], Hearing | None] = lambda: None  # what hears a finished recording now
    told: Callable[[Verdict], object] = lambda _verdict: None  # after a verdict is kept
    stopping: threading.Event = field(default_factory=threading.Event)  # once set, judging raises Stopped
    _passes: threading.Lock = field(default_factory=threading.Lock)  # one pass of a call is kept at a time

    def recording(self, arrival: Arrival) -> None:
        """Judge a finished recording: the full pass, which supersedes what earlier passes said of the call.

        A recording that went before it was heard leaves a verdict that abstains.

        Raises:
            OutboxFull, NotKept: no room; it was not judged, or is not taken for judged.
            Stopped: the agent is ending.
        """
        if self.home.vault.has_seen(arrival.key):
            return
        self.home.ledger.require_room(evidence=arrival.size)
        policy = self.policy
        hearing = self.instead() or Hearing(self.listener, self.versions)
        listened = self._listen(arrival.path, hearing.listener.under(policy))
        observed = listened.observed
        changed = _changed(arrival)
        circumstances = self._circumstances(arrival.path, begun=changed - observed.duration)
        with self._passes:
            draft = self._draft(
                observed,
                circumstances,
                policy,
                pass_=Pass.FULL,
                supersedes=self._earlier_pass(arrival.file, circumstances.started, observed.duration),
                versions=hearing.versions,
            )
            verdict = self._keep(draft, arrival, base=_full(arrival.file), utterances=listened.utterances)
        self._tell(verdict)
        if self.remove_originals and verdict.evidence and arrival.unchanged:
            arrival.path.unlink(missing_ok=True)

    def growing(self, path: Path, reader: AudioReader) -> None:
        """Judge a recording while it grows; what is sighted leaves as a live verdict, grave ones at once.

        Raises:
            Stopped: the agent is ending.
        """
        with reader:
            self.home.ledger.require_room()
            policy, started = self.policy, int(self.clock.now())
            live = _LiveCall(self, path, policy, file=file_of(path.stat()), started=started)
            self.listener.under(policy).listen(reader, progress=live.heard, notice=live.notice)

    def chat(self, arrival: Arrival) -> None:
        """Judge a chat file, one verdict a conversation; a conversation that grew since is judged anew.

        What was written before the binding began is left out. Of lines that could not be read, one verdict abstains,
        with the whole file as evidence.

        Raises:
            Stopped: the agent is ending.
        """
        if self.home.vault.has_seen(arrival.key):
            return
        self.home.ledger.require_room(evidence=arrival.size)
        messages: list[ChatMessage] = []
        broken: list[Abstention] = []
        try:
            for message in FormerFiles(self.home).present(arrival.path, collector=self.collector):
                self.go_on()
                if isinstance(message, BrokenLine):
                    _log.warning("chat_line_broken", line=message.line, reason=message.abstention.code)
                    broken.append(message.abstention)
                else:
                    messages.append(message)
        except ChatFileError as failure:
            broken.append(failure.abstention)
        for conversation in group(messages, zone=self.zone) if messages else ():
            self.go_on()
            self._conversation(conversation, arrival)
        if broken:
            self._abstain(arrival, max(broken, key=broken.count), messages, broken=len(broken))
        else:
            self.home.vault.mark_seen(arrival.key)

    def part(self, arrivals: Iterable[Arrival]) -> int:
        """Keep of each file that was not judged yet that it was not, for the binding is being frozen; returns how many.

        After a re-bind each is judged, and its verdict supersedes this one.
        """
        count = 0
        for arrival in arrivals:
            if count == MOST_PARTED:
                break
            if not self.home.vault.has_seen(arrival.key):
                self._part(arrival)
                count += 1
        return count

    def live_verdict(
        self,
        path: Path,
        policy: BranchPolicy,
        *,
        file: str,
        started: int,
        seconds: float,
        noticed: Sequence[Noticed],
    ) -> None:
        """Keep what a running call gave so far; nothing where its full pass has spoken.

        Of the call only its length so far and the sightings are stated: who spoke and how long is known at its end.
        """
        circumstances = self._circumstances(path, begun=started)
        with self._passes:
            if self._pass_of(_full(file), circumstances.started, seconds):
                return
            draft = self._draft(
                Observed(duration=seconds, noticed=corroborate(noticed)),
                circumstances,
                policy,
                pass_=Pass.LIVE,
                supersedes=self._pass_of(_live(file), circumstances.started, seconds),
            )
            verdict = self.home.ledger.record(draft, None, source=self._next_source(_live(file)))
        self._tell(verdict)

    @property
    def policy(self) -> BranchPolicy:
        """What the branch's policy says now; whatever is judged keeps to the one with which it began."""
        return branch_policy(self.home.binding.life.terms)

    def go_on(self) -> None:
        """Raise Stopped once the agent is ending."""
        if self.stopping.is_set():
            raise Stopped

    def _listen(self, path: Path, listener: CallListener) -> Listened:
        try:
            with open_recording(path, limit_s=self.longest) as recording:
                return listener.listen(recording, progress=lambda _seconds: self.go_on())
        except RecordingError as failure:
            return Listened(unreadable(failure.abstention))

    def _conversation(self, conversation: Conversation, arrival: Arrival) -> None:
        base = source_of(conversation, file=arrival.file)
        evidence = evidence_of(conversation)
        content = f"{base}={hashlib.sha256(evidence).hexdigest()}"
        if self.home.vault.has_seen(content):
            return
        previous = self._latest(base)
        started = int(conversation.started if conversation.started is not None else _changed(arrival))
        contact = conversation.contact
        circumstances = Circumstances(
            kind=Kind.CHAT,
            started=started,
            direction=conversation.direction,
            contact=self.home.grant.branch_key.contact(contact.reveal()) if contact else None,
        )
        policy = self.policy
        listener = self.listener.under(policy)
        draft = self._draft(
            read_conversation(conversation, listener.texts, listener.rules),
            circumstances,
            policy,
            pass_=Pass.FULL,
            supersedes=previous.seq if previous else 0,
        )
        verdict = self.home.ledger.record(
            draft,
            io.BytesIO(evidence),
            utterances=utterances_of(conversation),
            source=self._next_source(base),
            also=(content,),
        )
        self._tell(verdict)

    def _abstain(
        self, arrival: Arrival, reason: Abstention, messages: Sequence[ChatMessage], *, broken: int
    ) -> None:
        """Keep that a part of a chat file, or all of it, was not judged; the same file's next word supersedes it."""
        times = [message.sent_at for message in messages if message.sent_at is not None]
        started = max(0, int(min(times, default=_changed(arrival))))
        base = f"unread:{arrival.file}"
        observed = Observed(duration=0, coverage=len(messages) / (len(messages) + broken), abstained=reason)
        draft = self._draft(
            observed,
            Circumstances(kind=Kind.CHAT, started=started),
            self.policy,
            pass_=Pass.FULL,
            supersedes=self._pass_of(base, started),
        )
        self._tell(self._keep(draft, arrival, base=base))

    def _part(self, arrival: Arrival) -> None:
        observed = Observed(duration=0, coverage=0.0, abstained=Abstention.FROZEN)
        if arrival.sort is Sort.RECORDING:
            base = _full(arrival.file)
            circumstances = self._circumstances(arrival.path, begun=_changed(arrival))
        else:
            base = f"unread:{arrival.file}"
            circumstances = Circumstances(kind=Kind.CHAT, started=max(0, int(_changed(arrival))))
        earlier = self._pass_of(base, circumstances.started)
        draft = self._draft(observed, circumstances, self.policy, pass_=Pass.FULL, supersedes=earlier)
        self._tell(self.home.ledger.record(draft, None, source=self._next_source(base)))

    def _keep(
        self, draft: Verdict, arrival: Arrival, *, base: str, utterances: Sequence[Utterance] = ()
    ) -> Verdict:
        """Keep a verdict with the file as evidence; without any, and the file not seen yet, where it cannot be read."""
        keep = partial(self.home.ledger.record, draft, utterances=utterances, source=self._next_source(base))
        try:
            with arrival.path.open("rb") as evidence:
                return keep(evidence, also=(arrival.key,))
        except OSError:  # gone, or moved: it is judged under its new name at the next start
            return keep(None)

    def _circumstances(self, path: Path, *, begun: float) -> Circumstances:
        name = parse_recording_name(path.name)
        if name is not None and name.started is not None:
            begun = name.started.replace(tzinfo=self.zone).timestamp()
        number = name.number if name else None
        return Circumstances(
            kind=Kind.CALL,
            started=max(0, int(begun)),
            direction=name.direction if name else Direction.UNKNOWN,
            contact=self.home.grant.branch_key.contact(number.reveal()) if number else None,
        )

    def _draft(
        self,
        observed: Observed,
        circumstances: Circumstances,
        policy: BranchPolicy,
        *,
        pass_: Pass,
        supersedes: int = 0,
        versions: Versions | None = None,
    ) -> Verdict:
        return draft_verdict(
            policy.told(observed),
            circumstances,
            policy=policy.version,
            versions=versions or self.versions,
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

    def _earlier_pass(self, file: str, started: int, duration: float) -> int:
        """Return the newest verdict of this very call, live or full, 0 for none."""
        return max(self._pass_of(base, started, duration) for base in (_live(file), _full(file)))

    def _pass_of(self, base: str, started: int, duration: float = 0) -> int:
        """Return the newest verdict under `base` of what began at `started`, 0 for none.

        File systems give an inode away again, so the times must fit: an earlier pass that could not tell the length
        holds the call to have begun when its file was last written.
        """
        latest = self._latest(base)
        same = latest is not None and -SAME_CALL <= latest.started - started <= duration + SAME_CALL
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
    policy: BranchPolicy  # under which the call is judged
    file: str  # device and inode: the recorder may give it another name
    started: int
    noticed: tuple[Noticed, ...] = ()
    said: int = 0  # sightings that a verdict has told of
    waiting_since: float | None = None  # s of the call when the first that waits was heard of

    def notice(self, noticed: Noticed) -> None:
        self.noticed = (*self.noticed, *self.policy.heeded((noticed,)))

    def heard(self, seconds: float) -> None:
        self.judge.go_on()
        fresh = self.noticed[self.said :]
        if not fresh:
            return
        if self.waiting_since is None:
            self.waiting_since = seconds
        if seconds - self.waiting_since >= COMPANY or any(severity_of(n) >= URGENT_LIVE for n in fresh):
            self.said, self.waiting_since = len(self.noticed), None
            self.judge.live_verdict(
                self.path,
                self.policy,
                file=self.file,
                started=self.started,
                seconds=seconds,
                noticed=self.noticed,
            )


def _numbered(base: str) -> Iterator[str]:
    return (f"{base}:{number}" for number in count(1))


def _live(file: str) -> str:
    return f"live:{file}"


def _full(file: str) -> str:
    return f"full:{file}"


def _changed(arrival: Arrival) -> float:
    """Unix s of the file's last change; when it has gone, that of its arrival."""
    try:
        return arrival.path.stat().st_mtime
    except OSError:
        return arrival.changed
