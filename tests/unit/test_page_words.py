"""The page and the inspector have a sentence for every reason of abstention, in the languages they speak."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compline_edge.inspection import _REMARKS
from compline_shared.taxonomy import Abstention

WORDS = Path(__file__).parents[2] / "hub" / "compline_hub" / "web" / "static" / "words.js"
ABOUT_SOUND = [reason for reason in Abstention if reason >= Abstention.OTHER_LANGUAGE]


def page_words(name: str) -> tuple[str, str]:
    (found,) = re.findall(
        rf'^  {name}: \["(.+)", "(.+)"\],$', WORDS.read_text(encoding="utf-8"), re.MULTILINE
    )
    return found[0], found[1]


@pytest.mark.parametrize("reason", Abstention)
def test_reason_when_the_page_shows_it_then_it_has_words_in_chinese_and_english(reason: Abstention) -> None:
    chinese, english = page_words(f"abs_{reason.code}")
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert english.isascii()


def test_reason_when_the_page_has_no_words_for_it_then_the_test_would_see_it() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        page_words("abs_bored")


@pytest.mark.parametrize("reason", ABOUT_SOUND)
def test_reason_when_a_call_is_inspected_then_a_sentence_says_what_to_do(reason: Abstention) -> None:
    assert _REMARKS[reason].startswith("{} has ")
