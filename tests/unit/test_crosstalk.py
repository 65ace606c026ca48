"""Outlines of channels, and what they tell of two: chunking, bounds, shifts, and what cannot be told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compline_edge.core.crosstalk import FRAME_S, LEAST_S, Outline, Outlines
from compline_edge.core.speech import SAMPLE_RATE, Samples

SECONDS = 4.0


def said(seed: int) -> Samples:
    """A sound of all bands whose loudness goes up and down by chance."""
    noise = np.random.default_rng(seed)
    steps = np.repeat(noise.uniform(0.02, 1.0, size=40), int(SECONDS * SAMPLE_RATE) // 40)
    samples: Samples = (
        (6_000 * noise.standard_normal(len(steps)) * steps).clip(-32_768, 32_767).astype(np.int16)
    )
    return samples


def outline(samples: Samples, *, block: int = 4_000) -> Outline:
    made = Outline()
    for place in range(0, len(samples), block):
        made.feed(samples[place : place + block])
    return made


def outlines(one: Samples, other: Samples) -> Outlines:
    return Outlines(outline(one).levels, outline(other).levels)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_outline_when_fed_in_other_blocks_then_the_same(one: int, other: int) -> None:
    samples = said(1)
    assert np.array_equal(outline(samples, block=one).levels, outline(samples, block=other).levels)


def test_outline_when_nothing_was_fed_then_empty() -> None:
    assert Outline().levels.shape == (0, 8)


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.38])
@pytest.mark.parametrize("order", [1, -1])
def test_channels_when_one_is_the_others_echo_then_one_speech(delay: float, order: int) -> None:
    spoken = said(2)
    late = (np.roll(spoken, round(delay * SAMPLE_RATE)) * 0.1).astype(np.int16)
    pair = outlines(*(spoken, late)[::order])
    assert pair.alike(1.0, 3.0) > 0.9
    assert pair.same(1.0, 3.0)


def test_control_channels_when_two_speak_then_not_one_speech() -> None:
    pair = outlines(said(2), said(3))
    assert not pair.same(1.0, 3.0)


def test_control_channels_when_the_echo_comes_later_than_a_line_may_then_not_one_speech() -> None:
    spoken = said(2)
    assert not outlines(spoken, np.roll(spoken, SAMPLE_RATE)).same(1.5, 3.5)


@pytest.mark.parametrize(
    ("start", "end"), [(1.0, 1.0 + LEAST_S - 2 * FRAME_S), (SECONDS, SECONDS + 2), (3.0, 1.0)]
)
def test_channels_when_there_is_too_little_then_nothing_is_told(start: float, end: float) -> None:
    spoken = said(2)
    assert outlines(spoken, spoken).alike(start, end) == 0.0


def test_channels_when_one_is_silent_then_nothing_is_told() -> None:
    spoken = said(2)
    assert outlines(spoken, np.zeros_like(spoken)).alike(1.0, 3.0) == 0.0
