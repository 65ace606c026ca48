"""Numbers said and written again are the same numbers, and what holds none stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compline_edge.core.written_numbers import aloud, value, written

DIGITS = "零一二三四五六七八九"
NUMERALS = "零〇一二三四五六七八九两幺十百千万亿"


def colloquial(number: int) -> str:
    """As people say it: 十二 for 一十二, 两千 for 二千."""
    said = aloud(number).removeprefix("一") if 10 <= number < 20 else aloud(number)
    return said.replace("二千", "两千").replace("二万", "两万") if said[0] == "二" else said


@given(st.integers(0, 10**12 - 1))
@example(10_005)
@example(100_000_010)
def test_value_when_a_number_is_said_in_full_then_it_is_that_number(number: int) -> None:
    assert value(aloud(number)) == number


@given(st.integers(2, 99_999_999))
def test_written_when_a_sum_is_said_then_it_stands_in_digits(number: int) -> None:
    said = f"您欠了{colloquial(number)}块钱"
    assert written(said) == f"您欠了{number}块钱"


@given(st.integers(0, 23), st.integers(0, 59))
def test_written_when_a_time_is_said_then_hour_and_minute_stand_in_digits(hour: int, minute: int) -> None:
    minutes = f"零{aloud(minute)}" if 0 < minute < 10 else aloud(minute)
    shown = f"{minute:02}" if minute < 10 else str(minute)
    if minute == 0:
        assert written(f"下午{colloquial(hour)}点钟") == f"下午{hour}点钟"
    else:
        assert written(f"下午{colloquial(hour)}点{minutes}分") == f"下午{hour}点{shown}分"


@given(st.integers(0, 100), st.text("0123456789", min_size=0, max_size=3))
def test_written_when_a_share_is_said_then_it_is_in_per_cent(whole: int, part: str) -> None:
    said = f"百分之{colloquial(whole)}" + ("点" + "".join(DIGITS[int(d)] for d in part) if part else "")
    assert written(said) == f"{whole}{'.' if part else ''}{part}%"


@given(st.text("0123456789", min_size=4, max_size=15))
def test_written_when_digits_are_read_out_then_each_stands(digits: str) -> None:
    said = "".join(DIGITS[int(digit)] for digit in digits)
    assert written(f"电话是{said}") == f"电话是{digits}"


@given(st.text(NUMERALS + "点分之块元号半刻钟上午下期abc，。", max_size=20))
def test_written_when_done_twice_then_nothing_changes_any_more(text: str) -> None:
    once = written(text)
    assert written(once) == once


@given(st.text().filter(lambda text: not set(text) & set(NUMERALS)))
def test_written_when_nothing_is_a_number_then_the_text_stays(text: str) -> None:
    assert written(text) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("三千五百块", "3500块"),
        ("三千五", "3500"),
        ("上午十点半", "上午10点半"),
        ("三点一刻", "3点一刻"),
        ("百分之百", "100%"),
        ("二十三点五万", "23.5万"),
        ("二零二六年十一月二十号", "2026年11月20号"),
        ("幺三八零零一三八零零零", "13800138000"),
        ("逾期三期还有两天", "逾期3期还有2天"),
        ("两百五", "250"),
    ],
)
def test_written_when_people_say_it_their_way_then_it_is_understood(said: str, shown: str) -> None:
    assert written(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "快一点还",
        "十分抱歉",
        "千万别",
        "万一",
        "说一不二",
        "三三两两",
        "五六百块",
        "三五天",
        "七上八下",
        "一个亿",
    ],
)
def test_written_when_it_is_a_turn_of_phrase_then_it_stays(said: str) -> None:
    assert written(said) == said
