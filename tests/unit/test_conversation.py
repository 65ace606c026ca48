"""Messages fall into conversations by room or pair, silence and day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compline_edge.core.conversation import ChatMessage, Conversation, group, key_of
from compline_edge.core.personal import Account, ConversationKey
from compline_shared.taxonomy import Direction, Role

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC).timestamp()
CHINA = timezone(timedelta(hours=8))
A = ConversationKey("a")
B = ConversationKey("b")


def said(
    line: int,
    at: float | None,
    *,
    key: ConversationKey = A,
    role: Role = Role.COLLECTOR,
    contact: str | None = None,
) -> ChatMessage:
    return ChatMessage(
        line=line,
        msgid=str(line),
        conversation=key,
        sender=None,
        contact=None if contact is None else Account(contact),
        sent_at=at,
        text="好",
        role=role,
        type="text",
        external=True,
        recalls=None,
        abstention=None,
    )


def lines(conversations: tuple[Conversation, ...]) -> list[list[int]]:
    return [[message.line for message in conversation.messages] for conversation in conversations]


def test_group_when_two_rooms_talk_at_once_then_they_are_two_conversations() -> None:
    messages = [said(1, NINE), said(2, NINE + 1, key=B), said(3, NINE + 2)]
    assert lines(group(messages, zone=UTC)) == [[1, 3], [2]]


@pytest.mark.parametrize(("pause", "expected"), [(4 * 3600, [[1, 2]]), (4 * 3600 + 1, [[1], [2]])])
def test_group_when_there_is_a_pause_then_only_a_long_one_divides(
    pause: float, expected: list[list[int]]
) -> None:
    assert lines(group([said(1, NINE), said(2, NINE + pause)], zone=UTC)) == expected


def test_group_when_midnight_passes_in_the_zone_then_it_divides() -> None:
    midnight_in_china = datetime(2026, 11, 24, tzinfo=CHINA).timestamp()
    messages = [said(1, midnight_in_china - 60), said(2, midnight_in_china + 60)]
    assert lines(group(messages, zone=CHINA)) == [[1], [2]]
    assert lines(group(messages, zone=UTC)) == [[1, 2]]


def test_group_when_messages_come_out_of_order_then_time_decides() -> None:
    messages = [said(1, NINE + 20), said(2, NINE), said(3, NINE + 10)]
    assert lines(group(messages, zone=UTC)) == [[2, 3, 1]]


def test_group_when_there_are_no_times_then_the_file_is_one_conversation() -> None:
    (conversation,) = group([said(1, None), said(2, None)], zone=UTC)
    assert (conversation.started, conversation.duration, conversation.offset(conversation.messages[1])) == (
        None,
        0,
        0,
    )


def test_group_when_one_time_is_missing_then_the_message_stays_where_it_stood() -> None:
    assert lines(group([said(1, NINE), said(2, None), said(3, NINE + 5)], zone=UTC)) == [[1, 2, 3]]


def test_conversation_when_it_is_asked_then_it_says_when_and_how_long() -> None:
    (conversation,) = group([said(1, NINE), said(2, NINE + 90)], zone=UTC)
    assert (conversation.started, conversation.duration) == (NINE, 90)
    assert conversation.offset(conversation.messages[1]) == 90


@pytest.mark.parametrize(
    ("role", "direction"),
    [
        (Role.COLLECTOR, Direction.OUTGOING),
        (Role.OTHER, Direction.INCOMING),
        (Role.UNKNOWN, Direction.UNKNOWN),
    ],
)
def test_direction_when_somebody_writes_first_then_it_follows_the_role(
    role: Role, direction: Direction
) -> None:
    (conversation,) = group([said(1, NINE, role=role)], zone=UTC)
    assert conversation.direction is direction


def test_both_spoke_when_only_one_side_wrote_then_it_is_false() -> None:
    alone = group([said(1, NINE), said(2, NINE)], zone=UTC)[0]
    together = group([said(1, NINE), said(2, NINE, role=Role.OTHER)], zone=UTC)[0]
    assert (alone.both_spoke, together.both_spoke) == (False, True)


def test_contact_when_one_person_is_talked_with_then_it_is_theirs_and_of_several_none() -> None:
    one = group([said(1, NINE, contact="wo1"), said(2, NINE)], zone=UTC)[0]
    two = group([said(1, NINE, contact="wo1"), said(2, NINE, contact="wo2")], zone=UTC)[0]
    assert (one.contact, two.contact) == (Account("wo1"), None)


def test_key_when_either_side_writes_then_it_is_the_same() -> None:
    assert key_of("a", "b") == key_of("b", "a") != key_of("a", "c")


def test_message_when_printed_then_its_text_is_not_shown() -> None:
    assert "欠款" not in repr(replace(said(1, NINE), text="欠款"))


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.none() | st.floats(0, 2e9)), max_size=30))
def test_group_when_given_any_messages_then_each_is_in_exactly_one_conversation(
    given_messages: list[tuple[ConversationKey, float | None]],
) -> None:
    messages = [said(n, at, key=key) for n, (key, at) in enumerate(given_messages)]
    found = group(messages, zone=CHINA)
    assert sorted(line for run in lines(found) for line in run) == list(range(len(messages)))
    assert all(message.conversation == c.key for c in found for message in c.messages)
