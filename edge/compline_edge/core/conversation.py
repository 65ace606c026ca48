"""Chat messages grouped into the conversations that verdicts are about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final

from compline_edge.core.personal import Account, ConversationKey
from compline_edge.core.speech import Utterance
from compline_shared.taxonomy import Abstention, Direction, Role

_DIRECTION: Final = {
    Role.COLLECTOR: Direction.OUTGOING,
    Role.OTHER: Direction.INCOMING,
    Role.UNKNOWN: Direction.UNKNOWN,
}

SILENCE_S: Final = 4 * 3600.0
"""Seconds without a message after which the next one begins a new conversation."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a chat, from whatever source."""

    line: int  # 1-based, in the file it came from
    msgid: str  # "" where the source has none
    conversation: ConversationKey
    sender: Account | None
    contact: Account | None  # whom the collector talks with, where one person can be told
    sent_at: float | None  # Unix s
    text: str = field(repr=False)
    role: Role
    type: str
    external: bool  # somebody outside the company takes part
    recalls: str | None  # msgid of the message that this one takes back
    abstention: Abstention | None  # why its content cannot be judged, or None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages of one room or pair without a long silence or a midnight between them; never empty."""

    key: ConversationKey
    messages: tuple[ChatMessage, ...]

    @property
    def started(self) -> float | None:
        """Unix s of the first message; None where the source has no times."""
        return self.messages[0].sent_at

    @property
    def duration(self) -> float:
        """Seconds from the first message to the last; 0 where the source has no times."""
        first, last = self.messages[0].sent_at, self.messages[-1].sent_at
        return 0.0 if first is None or last is None else last - first

    @property
    def direction(self) -> Direction:
        """Outgoing where the collector wrote first."""
        return _DIRECTION[self.messages[0].role]

    @property
    def both_spoke(self) -> bool:
        """Whether the collector and the other side both wrote."""
        return {Role.COLLECTOR, Role.OTHER} <= {message.role for message in self.messages}

    @property
    def contact(self) -> Account | None:
        """The one person talked with; None in a room with several or where none can be told."""
        contacts = {message.contact for message in self.messages} - {None}
        return contacts.pop() if len(contacts) == 1 else None

    @property
    def timed(self) -> bool:
        """Whether every message says when it was sent."""
        return all(message.sent_at is not None for message in self.messages)

    def offset(self, message: ChatMessage) -> float:
        """Seconds from the start to `message`; 0 where the source has no times."""
        first = self.messages[0].sent_at
        return 0.0 if first is None or message.sent_at is None else message.sent_at - first

    def moments(self, *, apart: float = 0.0) -> list[float]:
        """The offset of each message, and `apart` seconds more for each before it, which tells one second's apart."""
        return [self.offset(message) + place * apart for place, message in enumerate(self.messages)]


def group(
    messages: Iterable[ChatMessage], *, zone: tzinfo, silence_s: float = SILENCE_S
) -> tuple[Conversation, ...]:
    """Group by key, in order of time; a silence above `silence_s` or a new day in `zone` begins another one.

    Messages may come in any order. Those without a time follow the message before them in the file. Returned
    in order of start, those without times last.
    """
    by_key: dict[ConversationKey, list[tuple[float, ChatMessage]]] = {}
    for message in messages:
        kept = by_key.setdefault(message.conversation, [])
        time = message.sent_at
        kept.append((time if time is not None else kept[-1][0] if kept else 0.0, message))
    found: list[Conversation] = []
    for key, timed in by_key.items():
        timed.sort(key=lambda pair: pair[0])
        run: list[ChatMessage] = []
        before: float | None = None
        for time, message in timed:
            if before is not None and (time - before > silence_s or _day(time, zone) != _day(before, zone)):
                found.append(Conversation(key, tuple(run)))
                run = []
            run.append(message)
            before = time
        found.append(Conversation(key, tuple(run)))
    return tuple(sorted(found, key=_order))


def utterances_of(conversation: Conversation, *, apart: float = 0.0) -> tuple[Utterance, ...]:
    """The texts of a conversation, each at its message's moment."""
    return tuple(
        Utterance(text=message.text, role=message.role, start=moment, end=moment, confidence=1.0)
        for moment, message in zip(conversation.moments(apart=apart), conversation.messages, strict=True)
        if message.text
    )


def key_of(*accounts: str) -> ConversationKey:
    """Key of the chat that these accounts have with one another, whichever of them writes."""
    return ConversationKey("\x1f".join(sorted(set(accounts))))


def _order(conversation: Conversation) -> tuple[float, int]:
    started = conversation.started
    return (float("inf") if started is None else started, conversation.messages[0].line)


def _day(time: float, zone: tzinfo) -> object:
    return datetime.fromtimestamp(time, zone).date()
