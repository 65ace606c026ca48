"""Folding: what becomes what, what is dropped, and the way back to the original."""

from __future__ import annotations

import pytest

from compline_edge.core.normaliser import normalise


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＡｂＣ１２", "abc12"),
        ("讓你父母不得安寧", "让你父母不得安宁"),
        ("①４٤④Ⅳ〇", "14444零"),
        ("去.你，单 位\n", "去你单位"),
        ("去\u200b你\ufeff单\u2060位", "去你单位"),
        ("去👊你👨‍👩‍👧单🏻位", "去你单位"),
        ("nǐ mā lǘ", "nimalv"),
        ("去\u0336你\u0336", "去你"),
        ("⼈⾝", "人身"),
        ("妳", "你"),
        ("𝓷𝓲", "ni"),
    ],
)
def test_folding_when_text_is_disguised_then_plain_characters_remain(text: str, folded: str) -> None:
    assert normalise(text).text == folded


def test_folding_when_a_character_is_written_as_two_parts_then_it_is_joined_and_spans_both() -> None:
    found = normalise("去亻尔单位")
    assert (found.text, found.starts.tolist(), found.ends.tolist()) == (
        "去你单位",
        [0, 1, 3, 4],
        [1, 3, 4, 5],
    )


def test_folding_when_a_part_stands_alone_then_it_stays() -> None:
    assert normalise("亻去").text == "亻去"


def test_folding_when_text_is_empty_then_nothing_comes() -> None:
    assert normalise("").text == ""


def test_folding_when_text_has_lone_surrogates_then_they_are_dropped() -> None:
    assert normalise("去\ud800你").text == "去你"
