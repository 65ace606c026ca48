"""Hidden words: which are read, which spellings are left alone, and that what stands around them stays."""

from __future__ import annotations

import pytest

from compline_edge.core.unhidden import Disguises, Unhider

READER = Unhider(
    Disguises(
        words=("杀比", "死妈", "通讯录", "去死", "傻逼", "垃圾"),
        innocent=frozenset({"拉机", "tm"}),
        wholes={"女马": "妈", "辶畐": "逼", "口乞": "吃"},
        alike={"妈": "马", "吗": "马", "玛": "马", "圾": "及", "级": "及", "垃": "立", "拉": "立"},
        pictures={"🐔": "鸡", "🐶": "狗", "💀": "死"},
    )
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("你就是个沙笔吧", "你就是个傻逼吧"),  # sounds alike
        ("你就是个shabi吧", "你就是个傻逼吧"),
        ("你就是个sha bi吧", "你就是个傻逼吧"),
        ("你就是个sb吧", "你就是个傻逼吧"),
        ("你就是个傻B吧", "你就是个傻逼吧"),
        ("爆你tong讯录", "爆你通讯录"),
        ("你辶畐我", "你逼我"),
        ("傻辶畐东西", "傻逼东西"),  # the parts belong to the word
        ("你女马来了", "你妈来了"),
        ("死玛的", "死妈的"),  # looks alike
        ("拉圾人", "垃圾人"),
        ("逼傻一个", "傻逼一个"),  # exchanged
        ("垃🐔，快还钱", "垃圾，快还钱"),
        ("你这🐶", "你这狗"),
        ("去💀", "去死"),
    ],
)
def test_reading_when_a_word_is_hidden_then_it_stands_in_the_open(written: str, read: str) -> None:
    assert READER.read(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "您好，这里是客服",
        "傻逼",  # in the open already
        "拉机",  # sounds like 垃圾, and ordinary texts hold it
        "tm",
        "usb接口",  # letters of a longer word
        "案件SB-2026-778812",  # a number
        "附件_sb.pdf",
        "好的👌",  # a picture that nobody listed
    ],
)
def test_control_reading_when_nothing_is_hidden_then_there_is_no_other_reading(text: str) -> None:
    assert READER.read(text) is None


def test_reading_when_two_words_sound_alike_then_the_likelier_is_read() -> None:
    assert READER.read("啥比") == "傻逼"


def test_reading_when_punctuation_stands_around_then_it_stays() -> None:
    assert READER.read("喂！！沙笔……听见没") == "喂！！傻逼……听见没"


def test_guesses_when_parts_belong_to_a_word_then_they_are_one_guess() -> None:
    (guess,) = READER.guesses("骂沙辶畐了")
    assert (guess.word, guess.written, guess.start, guess.end) == ("傻逼", "沙逼", 1, 4)


def test_reading_when_no_words_are_known_then_nothing_is_hidden() -> None:
    nothing = Unhider(Disguises((), frozenset(), {}, {}, {}))
    assert nothing.read("你就是个sb吧🐶") is None
