"""A shortage is told in both languages, and each says what to do about it."""

from __future__ import annotations

import pytest

from compline_edge.core.room_words import Shortage, judging_stopped


@pytest.mark.parametrize(
    ("shortage", "chinese", "english"),
    [
        (Shortage.DISK, "请清理手机空间", "Free some space"),
        (Shortage.OUTBOX, "请把手机带到门店网络", "Bring this phone to the office network"),
        (Shortage.FAILING, "联系门店更换手机或存储卡", "Let the branch replace"),
    ],
)
def test_shortage_when_told_then_says_in_chinese_and_english_what_to_do(
    shortage: Shortage, chinese: str, english: str
) -> None:
    first, second = judging_stopped(shortage).splitlines()
    assert chinese in first
    assert english in second
