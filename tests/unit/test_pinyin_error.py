"""How recognition errors are counted, and that training hears the features that the product computes."""

from __future__ import annotations

import numpy as np
import pytest
from models.eval.pinyin_error import (
    character_errors,
    edits,
    greedy,
    han,
    interval,
    pinyin_errors,
    rate,
    through_mulaw,
)
from models.train.fbank import log_mel, stack

from compline_edge.senses.features import WIDTH, FeatureStream


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [("", "", 0), ("还钱", "", 2), ("", "还钱", 2), ("你还钱", "你换钱", 1), ("abcd", "bcde", 2)],
)
def test_edits_when_texts_differ_then_counts_the_fewest_changes(left: str, right: str, expected: int) -> None:
    assert edits(left, right) == expected


def test_pinyin_errors_when_a_homophone_is_heard_then_counts_none() -> None:
    assert pinyin_errors("睡觉", "税叫") == (0, 2)


def test_character_errors_when_a_homophone_is_heard_then_counts_each_character() -> None:
    assert character_errors("睡觉", "税叫") == (2, 2)


def test_greedy_when_a_character_is_said_twice_then_only_a_blank_parts_them() -> None:
    logits = np.eye(4, dtype=np.float32)[[1, 1, 0, 1, 2, 2, 3]]
    assert greedy(logits, ["<blank>", "还", "钱", "ing"]) == "还还钱"


def test_han_when_latin_and_signs_stand_between_then_keeps_characters_alone() -> None:
    assert han("打开Because Of You(琴台路店)") == "打开琴台路店"


def test_rate_when_recordings_differ_in_length_then_weighs_them_by_it() -> None:
    assert rate([(1, 1), (0, 9)]) == pytest.approx(10.0)


def test_interval_when_all_recordings_err_alike_then_has_no_width() -> None:
    assert interval([(1, 4)] * 20) == (25.0, 25.0)


def test_through_mulaw_when_a_tone_is_above_four_kilohertz_then_nearly_nothing_comes_back() -> None:
    tone = np.asarray(8_000 * np.sin(2 * np.pi * 6_000 * np.arange(16_000) / 16_000), dtype=np.int16)
    assert np.abs(through_mulaw(tone)[2_000:-2_000]).max() < 200


def test_training_features_when_compared_with_the_product_then_are_the_same() -> None:
    samples = np.random.default_rng(5).integers(-9_000, 9_000, size=16_777).astype(np.int16)
    stream = FeatureStream(shift=np.zeros(WIDTH, dtype=np.float32), scale=np.ones(WIDTH, dtype=np.float32))
    wanted = np.concatenate([stream.feed(samples), stream.finish()])
    found = stack(log_mel(np.asarray(samples / 32_768, dtype=np.float32)))
    np.testing.assert_allclose(found, wanted, atol=1e-4)
