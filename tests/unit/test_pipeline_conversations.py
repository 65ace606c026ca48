"""A conversation's messages become one observation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC

from compline_edge.core.conversation import ChatMessage, group
from compline_edge.core.judgement import Observed
from compline_edge.core.personal import Account, ConversationKey
from compline_edge.core.rules import compile_rules
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.pipeline import read_conversation, read_messages
from compline_edge.reading import TextReader
from compline_shared.lexicon import read_pack
from compline_shared.rule_pack import parse_rules
from compline_shared.taxonomy import Abstention, Category, Role

PACK, PROBLEMS = read_pack(
    "@pack own\n@version 1\n@language zh-CN\n@category abuse\n"
    "1001 | serious | 你这个老赖 | not: - | 老赖 | deadbeat | text\n",
    name="own.lex",
)
BEGAN = 1_795_100_000.0


def message(
    line: int, text: str, *, role: Role = Role.COLLECTOR, abstention: Abstention | None = None
) -> ChatMessage:
    return ChatMessage(
        line=line,
        msgid=f"m{line}",
        conversation=ConversationKey("k"),
        sender=Account("a"),
        contact=None,
        sent_at=BEGAN + 10 * line,
        text=text,
        role=role,
        type="text",
        external=True,
        recalls=None,
        abstention=abstention,
    )


def observed(messages: Sequence[ChatMessage]) -> Observed:
    assert PACK is not None
    (conversation,) = group(messages, zone=UTC)
    return read_conversation(conversation, TextReader(TextMatcher((PACK,))))


def test_conversation_when_an_insult_is_in_it_then_it_is_placed_by_its_message() -> None:
    seen = observed([message(0, "您好"), message(3, "你这个老赖"), message(4, "好的")])
    assert PROBLEMS == ()
    assert [(n.category, n.start) for n in seen.noticed] == [(Category.ABUSE, 30.0)]
    assert (seen.messages, seen.coverage, seen.abstained) == (3, 1.0, None)


def test_conversation_when_the_other_side_insults_then_nothing_is_found() -> None:
    assert observed([message(0, "你这个老赖", role=Role.OTHER)]).noticed == ()


def test_conversation_when_pictures_are_in_it_then_the_rest_is_counted_and_the_reason_given() -> None:
    picture = message(1, "", abstention=Abstention.UNSUPPORTED)
    seen = observed([message(0, "您好"), picture, message(2, "好的"), message(3, "再见")])
    assert (seen.coverage, seen.abstained) == (0.75, Abstention.UNSUPPORTED)


def test_conversation_when_both_write_then_it_is_effective() -> None:
    seen = observed([message(0, "您好"), message(1, "在的", role=Role.OTHER)])
    assert (seen.answered, seen.effective) == (True, True)


def test_conversation_when_one_side_writes_then_it_is_not() -> None:
    seen = observed([message(0, "您好"), message(1, "在吗")])
    assert (seen.answered, seen.effective) == (False, False)


STOP = compile_rules(
    parse_rules(
        "@pack own\n@version 1\n@language zh-CN\n\n"
        "103 | contact_refused | serious | 对方要求停止后仍继续催收。 | goes on\n"
        "  when: collector any(欠款) after other any(别再打了)\n"
        "  + other 0-1 别再打了 ; collector 2-3 欠款\n  - collector 2-3 欠款\n",
        name="own.rules",
    )
)


def held(*messages: ChatMessage) -> list[list[tuple[Category, int]]]:
    assert PACK is not None
    (conversation,) = group(messages, zone=UTC)
    found = read_messages(conversation, TextReader(TextMatcher((PACK,))), (STOP,))
    return [[(noticed.category, noticed.rule) for noticed in each] for each in found]


def test_messages_when_a_rule_fires_then_its_finding_stands_at_the_message_that_ends_it_after_its_own() -> (
    None
):
    asked = message(1, "别再打了", role=Role.OTHER)
    assert held(
        message(0, "您好"), asked, message(2, "好"), message(3, "你这个老赖，欠款呢"), message(4, "喂")
    ) == [
        *([], [], []),
        [(Category.ABUSE, 0), (Category.CONTACT_REFUSED, 103)],
        [],
    ]


def test_messages_when_of_one_second_then_the_finding_stands_at_the_right_one() -> None:
    at_once = [
        dataclasses.replace(each, sent_at=BEGAN)
        for each in (message(0, "别再打了", role=Role.OTHER), message(1, "欠款"), message(2, "喂"))
    ]
    assert held(*at_once) == [[], [(Category.CONTACT_REFUSED, 103)], []]


def test_control_messages_when_nobody_asked_or_a_time_is_missing_then_no_rule_finds_anything() -> None:
    asked, after = message(1, "别再打了", role=Role.OTHER), message(3, "欠款")
    assert held(after) == [[]]
    assert held(asked, dataclasses.replace(after, sent_at=None)) == [[], []]
