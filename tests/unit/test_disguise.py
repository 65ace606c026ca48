"""How words are hidden for the text classifier to learn: each way changes the text, and keeps what it says it keeps."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from models.text import disguise

from compline_edge.core.sounded import sound, syllables
from compline_edge.core.syllables import SYLLABLES, fuzzy_class

TEXT = "你这个骗子再不还钱就等着单位同事看笑话"
Way = Callable[[str, random.Random], str]


def drawn(way: Way, times: int = 40) -> list[str]:
    chance = random.Random(5)
    return [way(TEXT, chance) for _ in range(times)]


@pytest.mark.parametrize(
    "way",
    [disguise._homophones, disguise._pinyin, disguise._signs, disguise._initials, disguise._order],
    ids=lambda way: way.__name__,
)
def test_text_when_it_is_disguised_then_it_is_another(way: Way) -> None:
    assert sum(text != TEXT for text in drawn(way)) >= 30


def test_homophones_when_written_then_every_sound_stays() -> None:
    for text in drawn(disguise._homophones):
        assert [fuzzy_class(syllables(char)[0]) for char in text] == [
            fuzzy_class(syllables(char)[0]) for char in TEXT
        ]


def test_pinyin_when_written_then_the_normaliser_hears_the_same() -> None:
    same = [sound(text.replace(" ", "")).stream == sound(TEXT).stream for text in drawn(disguise._pinyin)]
    assert sum(same) >= 30  # letters beside one another may be cut into syllables in another way


def test_initials_when_written_then_letters_stand_for_the_syllables_in_their_order() -> None:
    for text in drawn(disguise._initials):
        assert len(text) == len(TEXT)
        for was, now in zip(TEXT, text, strict=True):
            assert now in (was, SYLLABLES[syllables(was)[0]][0])


def test_order_when_neighbours_change_places_then_the_characters_stay() -> None:
    for text in drawn(disguise._order):
        assert sorted(text) == sorted(TEXT)


def test_pictures_when_shown_then_they_sound_like_what_they_stand_for() -> None:
    shown = {picture: heard for heard, pictures in disguise._shown().items() for picture in pictures}
    texts = drawn(disguise._pictures)
    assert any(char in shown for text in texts for char in text)
    for text in texts:
        for was, now in zip(TEXT, text, strict=True):
            assert now == was or shown[now] == fuzzy_class(syllables(was)[0])
