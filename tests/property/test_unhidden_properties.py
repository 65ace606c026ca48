"""Whatever is read for a text, the guesses lie inside it in order, and an empty list of words reads nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compline_edge.core.unhidden import Disguises, Unhider

READER = Unhider(
    Disguises(
        words=("死妈", "傻逼", "垃圾", "去死吧你"),
        innocent=frozenset({"杀比"}),
        wholes={"女马": "妈", "辶畐": "逼"},
        alike={"妈": "马", "吗": "马", "圾": "及", "级": "及"},
        pictures={"🐔": "鸡", "💀": "死"},
    )
)
texts = st.text(max_size=60) | st.text(alphabet="傻杀比逼辶畐女马妈死sbm 🐔💀，垃圾级吧你去", max_size=30)


@given(texts)
def test_guesses_when_made_then_they_rise_and_never_overlap(text: str) -> None:
    places = [place for guess in READER.guesses(text) for place in (guess.start, guess.end)]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)


@given(texts)
def test_reading_when_nothing_is_guessed_and_no_picture_shown_then_there_is_none(text: str) -> None:
    if not READER.guesses(text) and not {"🐔", "💀"} & set(text):
        assert READER.read(text) is None


@given(texts)
def test_reading_when_a_text_holds_a_word_in_the_open_then_the_word_stays(text: str) -> None:
    read = READER.read(f"x，傻逼，{text}")
    assert read is None or "傻逼" in read
