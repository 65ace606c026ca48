"""A conversation's messages become one observation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from compline_edge.core.conversation import ChatMessage, group
from compline_edge.core.judgement import Observed
from compline_edge.core.personal import Account, ConversationKey
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.pipeline import read_conversation
from compline_edge.reading import TextReader
from compline_shared.lexicon import read_pack
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
