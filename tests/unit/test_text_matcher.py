"""What a matcher finds in a text, what it lets pass, and for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compline_edge.core.noticed import Noticed, Span
from compline_edge.core.text_matcher import TextMatcher
from compline_shared.lexicon import Pack, parse_pack
from compline_shared.taxonomy import Category, Role, Severity, Technique

LEXICON = """
@pack try
@version 1
@language zh-CN
@slot boss = 领导 / 老板
@not abuse = 不会 / 不能
@category abuse
1001 | serious | 骂死你 | not: 没有 | 骂死你 | curses
1002 | warning | 骂人 | not: 别 | 骂人 | curses | text
1003 | serious | 我不会骂人的 | not: - | 反话 | irony
1004 | warning | 电话本 | not: - | 只听 | heard only | audio
1005 | serious | 你全家去死 | not: - | 咒全家 | curses the family | debtor
@category threat
2001 | serious | [我][就]去你单位找~2<boss> | not: 不会 / >是违法的 | 去单位找领导 | goes to the workplace
2002 | veto | 打断你的腿 | not: - | 打断腿 | breaks legs
2003 | warning | 去你单位 | not: 不会 / >是违法的 | 去单位 | goes to the workplace
2004 | warning | 堵在门口~2不让走~3等着 | not: - | 堵门 | blocks the door
2006 | warning | 堵门~2不让你们出来 | not: - | 堵门 | blocks the door
2005 | warning | 银行流水 | not: - | 银行流水 | a word with two readings
@category missing_disclosure
9001 | notice | 我是本公司的 | not: 不是 | 身份 | who calls
9501 | notice | 通话会被录音 | not: - | 录音 | recording
"""


@pytest.fixture(scope="module")
def pack() -> Pack:
    return parse_pack(LEXICON, name="try.lex")


@pytest.fixture(scope="module")
def matcher(pack: Pack) -> TextMatcher:
    return TextMatcher([pack])


def _entries(found: list[Noticed]) -> list[int]:
    return [noticed.entry for noticed in found]


def test_finding_when_phrase_is_written_then_everything_about_it_is_told(matcher: TextMatcher) -> None:
    assert matcher.find("再说我骂死你！", Role.COLLECTOR) == [
        Noticed(
            category=Category.ABUSE,
            severity=Severity.SERIOUS,
            confidence=95,
            role=Role.COLLECTOR,
            technique=Technique.LEXICON_TEXT,
            entry=1001,
            phrase="骂死你",
            span=Span(3, 6),
        )
    ]


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("打.断.你.的.腿", 2002),
        ("打。断。你。的。腿", 2002),
        ("打断 你的，腿", 2002),
        ("打斷妳的腿", 2002),
        ("打🔨断🔨你🔨的🔨腿", 2002),
        ("打\u200b断你\ufe0f的腿", 2002),
        ("扌丁断亻尔的腿", 2002),
        ("去你单位找你们领导", 2001),
        ("去你单位找个老板", 2001),
        ("堵在门口，不让走，你等着", 2004),
        ("堵在门口谁也不让走给我等着", 2004),
        ("堵门不让你们出来", 2006),
        ("堵门就是不让你们出来", 2006),
    ],
)
def test_finding_when_characters_are_disguised_then_it_is_a_written_match(
    matcher: TextMatcher, text: str, entry: int
) -> None:
    found = matcher.find(text, Role.COLLECTOR)
    assert [(noticed.entry, noticed.technique) for noticed in found] == [(entry, Technique.LEXICON_TEXT)]


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("打短你的腿", 2002),
        ("打断泥的腿", 2002),
        ("骂4你", 1001),
        ("ma si ni", 1001),
        ("mà sǐ nǐ", 1001),
        ("ＭＡ死你", 1001),
        ("masini", 1001),
        ("qu ni danwei zhao lingdao", 2001),
        ("去你dan位", 2003),
        ("骂屎你", 1001),
        ("大段尼德腿", 2002),
        ("yin hang 流水", 2005),
        ("银航流水", 2005),
    ],
)
def test_finding_when_characters_only_sound_alike_then_it_is_a_heard_match(
    matcher: TextMatcher, text: str, entry: int
) -> None:
    found = matcher.find(text, Role.COLLECTOR)
    assert [(noticed.entry, noticed.technique) for noticed in found] == [(entry, Technique.LEXICON_PINYIN)]


def test_finding_when_only_heard_then_it_is_less_sure_than_written(matcher: TextMatcher) -> None:
    heard, written = (matcher.find(text, Role.COLLECTOR)[0] for text in ("打短你的腿", "打断你的腿"))
    assert heard.confidence < written.confidence


@pytest.mark.parametrize(
    "text",
    [
        "",
        "您好，请问什么时候方便还款",
        "我们不会骂人",
        "我们 不.会 骂 人",
        "我们步会骂人",
        "不能随便骂人",
        "没有人要骂死你",
        "我不会去你单位找领导",
        "去你单位找领导是违法的",
        "麻人",  # sounds like 骂人: two syllables are too few
        "马泥",
        "骂是你",  # one of the commonest characters in place of another is no disguise
        "大段离得腿",  # all characters others and one of another sound
        "打断，妮的腿",  # what only sounds alike must stand in one clause
        "我去你。单位今天放假",
        "我要去打断。你的腿好了吗",
        "翻电话本",
        "不让你们出来",
        "堵门就是不要让你们出来",
        "打断3的腿",
        "去里当位",  # two sounds of four are others
        "hello how are you",
    ],
)
def test_finding_when_text_is_clean_then_nothing_is_found(matcher: TextMatcher, text: str) -> None:
    assert matcher.find(text, Role.COLLECTOR) == []


def test_contexts_when_disabled_then_clean_text_is_found(pack: Pack) -> None:
    bare = tuple(replace(entry, excluded=(), excluded_after=()) for entry in pack.entries)
    matcher = TextMatcher([replace(pack, entries=bare)])
    assert _entries(matcher.find("我们不会骂人", Role.COLLECTOR)) == [1002]


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("我们不会，骂死你", 1001),  # another clause
        ("不会的话我告诉你吧到时候骂死你", 1001),  # too far away
        ("我不会骂人的", 1003),  # the phrase has the context itself
        ("去你单位找领导我跟你说明白了这哪里是违法的", 2001),  # too far after
    ],
)
def test_contexts_when_they_do_not_belong_to_the_match_then_it_stays(
    matcher: TextMatcher, text: str, entry: int
) -> None:
    assert entry in _entries(matcher.find(text, Role.COLLECTOR))


def test_matches_when_they_overlap_in_one_category_then_the_gravest_remains(matcher: TextMatcher) -> None:
    assert _entries(matcher.find("我就去你单位找领导", Role.COLLECTOR)) == [2001]


def test_matches_when_they_lie_apart_then_all_remain_in_order(matcher: TextMatcher) -> None:
    assert _entries(matcher.find("打断你的腿，骂死你，去你单位", Role.COLLECTOR)) == [2002, 1001, 2003]


@pytest.mark.parametrize(("role", "entries"), [(Role.OTHER, [1005]), (Role.COLLECTOR, [1001, 1005])])
def test_finding_when_the_other_side_speaks_then_only_flagged_entries_count(
    matcher: TextMatcher, role: Role, entries: list[int]
) -> None:
    assert _entries(matcher.find("骂死你，你全家去死", role)) == entries


def test_severity_when_the_speaker_is_unknown_then_there_is_no_veto(matcher: TextMatcher) -> None:
    assert matcher.find("打断你的腿", Role.UNKNOWN)[0].severity is Severity.SERIOUS


def test_disclosures_when_made_then_their_ids_are_told_and_they_are_no_finding(matcher: TextMatcher) -> None:
    text = "我是本公司的，本次通话会被录音"
    assert (matcher.disclosures(text), matcher.find(text, Role.COLLECTOR)) == (frozenset({9001, 9501}), [])


def test_disclosures_when_nothing_is_said_then_there_are_none(matcher: TextMatcher) -> None:
    assert matcher.disclosures("您好") == frozenset()


def test_disclosures_when_taken_back_then_there_are_none(matcher: TextMatcher) -> None:
    assert matcher.disclosures("不是我是本公司的") == frozenset()


def test_finding_when_a_text_is_long_then_its_place_is_told(matcher: TextMatcher) -> None:
    found = matcher.find("好的谢谢。" * 200 + "骂死你", Role.COLLECTOR)
    assert [(noticed.entry, noticed.span) for noticed in found] == [(1001, Span(1000, 1003))]


def test_matcher_when_it_has_no_entries_and_a_text_is_long_then_it_finds_nothing() -> None:
    assert TextMatcher([]).find("骂死你" * 1000, Role.COLLECTOR) == []


def test_matcher_when_it_has_no_entries_then_it_finds_nothing() -> None:
    assert (TextMatcher([]).size, TextMatcher([]).find("骂死你", Role.COLLECTOR)) == (0, [])
