"""The quick look at a short text hears what the full one hears."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from compline_edge.core.sounded import quick_stream, sound


@given(st.text(max_size=80))
@example("去.你 單位④４٤nǐ亻尔")
@example("qu ni danwei")
def test_quick_stream_when_it_is_sure_then_it_is_the_full_one(text: str) -> None:
    assert quick_stream(text) in {None, sound(text).stream}


@given(st.text(alphabet="去你單位，。 ④４🐶\u200b还行", max_size=80))
def test_quick_stream_when_there_are_no_letters_then_it_is_sure(text: str) -> None:
    assert quick_stream(text) == sound(text).stream
