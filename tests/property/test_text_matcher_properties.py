"""A planted phrase is found under every disguise, and its span covers what was planted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from compline_edge.core.text_matcher import TextMatcher
from compline_shared.lexicon import Pack, parse_pack
from compline_shared.taxonomy import Role, Technique

PHRASES = {2001: "打断你的腿", 2002: "去你单位找领导", 2003: "让你全家不得安宁", 2004: "把你照片发到网上"}
ORDINARY = "好的今天天气很好谢谢再见明天上午方便吗请问"
TRADITIONAL = str.maketrans("断单领导让发网宁", "斷單領導讓發網寧")
ALIKE = str.maketrans("断领宁网", "段岭柠往")
NOISE = st.sampled_from(["", ".", "·", " ", "*", "\u200b", "_", "🙂", "~", "\u0336", "，", "-", "\u3000"])


@cache
def _pack() -> Pack:
    lines = ["@pack p", "@version 1", "@language zh-CN", "@category threat"]
    lines += [f"{number} | serious | {phrase} | not: 不会 | 词 | g" for number, phrase in PHRASES.items()]
    return parse_pack("\n".join(lines), name="p.lex")


@cache
def _matcher() -> TextMatcher:
    return TextMatcher([_pack()])


def _full_width(text: str) -> str:
    return text.replace("你", "妳")


planted = st.sampled_from(sorted(PHRASES))
surroundings = st.text(alphabet=ORDINARY, max_size=12)


@given(planted, surroundings, surroundings, st.data())
def test_matching_when_noise_stands_between_characters_then_the_phrase_is_found_where_it_stands(
    number: int, before: str, after: str, data: st.DataObject
) -> None:
    phrase = PHRASES[number]
    hidden = "".join(char + data.draw(NOISE) for char in phrase[:-1]) + phrase[-1]
    found = _matcher().find(f"{before}。{hidden}。{after}", Role.COLLECTOR)
    assert [(n.entry, n.technique, n.span and (n.span.start, n.span.end)) for n in found] == [
        (number, Technique.LEXICON_TEXT, (len(before) + 1, len(before) + 1 + len(hidden)))
    ]


@given(planted, surroundings, surroundings)
def test_matching_when_written_in_traditional_characters_then_the_phrase_is_found(
    number: int, before: str, after: str
) -> None:
    found = _matcher().find(
        before + _full_width(PHRASES[number]).translate(TRADITIONAL) + after, Role.COLLECTOR
    )
    assert [n.entry for n in found] == [number]


@given(planted, surroundings, surroundings)
def test_matching_when_misspelt_by_sound_then_the_phrase_is_found_by_sound(
    number: int, before: str, after: str
) -> None:
    misspelt = PHRASES[number].translate(ALIKE).replace("照片", "照骗")
    found = _matcher().find(before + misspelt + after, Role.COLLECTOR)
    assert [(n.entry, n.technique) for n in found] == [(number, Technique.LEXICON_PINYIN)]


@given(planted, surroundings, st.text(alphabet="去找把要真", max_size=6))
def test_matching_when_denied_in_its_clause_then_the_phrase_is_clean_and_without_contexts_it_is_not(
    number: int, before: str, between: str
) -> None:
    text = f"{before}，我们不会{between}{PHRASES[number]}"
    bare = tuple(replace(entry, excluded=()) for entry in _pack().entries)
    control = TextMatcher([replace(_pack(), entries=bare)])
    assert (_matcher().find(text, Role.COLLECTOR), [n.entry for n in control.find(text, Role.COLLECTOR)]) == (
        [],
        [number],
    )


@given(st.text(max_size=200))
def test_matching_when_text_is_anything_then_spans_lie_within_it(text: str) -> None:
    found = _matcher().find(text, Role.COLLECTOR)
    assert all(n.span is not None and 0 <= n.span.start < n.span.end <= len(text) for n in found)
