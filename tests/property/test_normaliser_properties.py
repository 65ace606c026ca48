"""Folding loses no place, changes nothing twice, and does not care what stands around a character."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compline_edge.core.normaliser import normalise

texts = st.text(max_size=100) | st.text(
    alphabet=st.characters(min_codepoint=0x2E80, max_codepoint=0x9FFF) | st.sampled_from("亻讠扌尔兑丁。 "),
    max_size=60,
)


@given(texts)
def test_folding_when_done_twice_then_nothing_changes(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


@given(texts)
def test_folding_when_mapped_back_then_each_character_folds_from_its_own_place(text: str) -> None:
    folded = normalise(text)
    pieces = [
        text[start:end] for start, end in zip(folded.starts.tolist(), folded.ends.tolist(), strict=True)
    ]
    assert "".join(normalise(piece).text for piece in pieces) == folded.text


@given(texts)
def test_folding_when_mapped_back_then_places_rise_and_never_overlap(text: str) -> None:
    folded = normalise(text)
    starts, ends = folded.starts.tolist(), folded.ends.tolist()
    edges = [edge for pair in zip(starts, ends, strict=True) for edge in pair]
    assert edges == sorted(edges)


@given(texts)
def test_folding_when_what_it_dropped_is_folded_then_nothing_comes(text: str) -> None:
    folded = normalise(text)
    edges = [
        0,
        *(e for pair in zip(folded.starts.tolist(), folded.ends.tolist(), strict=True) for e in pair),
        len(text),
    ]
    between = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    assert [normalise(piece).text for piece in between] == [""] * len(between)
