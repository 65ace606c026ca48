"""Notices that were given become evidence that a rule can ask for."""

from __future__ import annotations

from compline_edge.core.notices import notices_given
from compline_edge.core.speech import Utterance
from compline_edge.core.text_matcher import TextMatcher
from compline_shared.lexicon import parse_pack
from compline_shared.taxonomy import Category, Role

LEXICON = """
@pack try
@version 1
@language zh-CN
@category missing_disclosure
9001 | notice | 我是本公司的 | not: 不是 | 身份 | who calls
9501 | notice | 通话会被录音 | not: - | 录音 | recording
"""


def test_notices_when_utterances_give_them_then_each_lies_where_it_was_said() -> None:
    matcher = TextMatcher([parse_pack(LEXICON, name="try.lex")])
    said = (
        Utterance("我是本公司的，通话会被录音", Role.COLLECTOR, 1.0, 4.0, 0.8),
        Utterance("好的", Role.OTHER, 4.0, 5.0, 0.9),
    )
    found = [
        (n.entry, n.category, n.role, n.start, n.end, n.confidence) for n in notices_given(matcher, said)
    ]
    assert found == [
        (entry, Category.MISSING_DISCLOSURE, Role.COLLECTOR, 1.0, 4.0, 80) for entry in (9001, 9501)
    ]
