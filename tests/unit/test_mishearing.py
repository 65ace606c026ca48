"""Text as the recogniser would write it, by counts of what it wrote of sentences that were spoken to it."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.language.train import own
from models.text.corpus import spoken
from models.text.mishearing import TAUGHT, aligned, misheard, sounding, taught
from models.text.templates import read_templates
from models.voices.scripts import rehearsed, teaching, to_teach

from compline_edge.core.sounded import syllables
from compline_edge.core.text_features import CATEGORIES
from compline_shared.taxonomy import Role

SAID = "您这个月的账单一共是三千二百块钱，最晚后天之前还上就可以。"
CHARACTERS = st.text(st.sampled_from("你我他还钱单位法院家人电话去来是不"), max_size=12)


def wrong(said: str, heard: str) -> float:
    """Share of the syllables of what was said that were lost or taken for others."""
    pairs = aligned(sounding(said), sounding(heard))
    missed = [
        came for was, came in pairs if was and not (came and set(syllables(was)) & set(syllables(came)))
    ]
    return len(missed) / sum(1 for was, _ in pairs if was)


@given(said=CHARACTERS, heard=CHARACTERS)
def test_alignment_when_made_then_both_texts_are_in_it(said: str, heard: str) -> None:
    pairs = aligned(said, heard)
    assert "".join(was for was, _ in pairs) == said
    assert "".join(came for _, came in pairs) == heard
    assert ("", "") not in pairs


def test_alignment_when_a_character_was_lost_then_the_rest_stands_beside_its_sound() -> None:
    assert aligned("还钱去单位", "环钱单为") == [
        ("还", "环"),
        ("钱", "钱"),
        ("去", ""),
        ("单", "单"),
        ("位", "为"),
    ]


def test_misheard_when_nothing_is_wrong_then_every_syllable_stands() -> None:
    chance = random.Random(1)
    for _ in range(20):
        heard = misheard(SAID, chance, rate=0.0)
        assert len(heard) == len(SAID)
        assert wrong(SAID, heard) == 0.0


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_misheard_when_a_share_is_wrong_then_about_so_many_syllables_are(rate: float) -> None:
    chance = random.Random(2)
    shares = [wrong(SAID, misheard(SAID, chance, rate=rate)) for _ in range(150)]
    assert sum(shares) / len(shares) == pytest.approx(rate, abs=0.06)


def test_taught_when_read_then_sentences_of_training_in_a_line_and_in_babble() -> None:
    found = list(taught())
    ways = Counter(each.way for each in found)
    assert set(ways) == {"mulaw", "amr", "mulaw_babble"}
    assert ways["mulaw"] + ways["amr"] == ways["mulaw_babble"] >= 2_500
    told = {code for each in found for code in each.categories}
    assert told == {category.code for template in read_templates() for category in template.categories}
    assert TAUGHT.stat().st_size < 2_000_000


def test_taught_when_read_then_it_is_of_what_is_trained_on_and_of_nothing_kept_back() -> None:
    said = {each.said for each in taught()}
    assert said == {utterance.text for utterance, _ in teaching()}
    kept = {utterance.text for utterance, _ in rehearsed()}
    assert len(kept) > 400
    assert not said & kept


def test_language_model_when_templates_are_left_out_then_it_learns_none_of_their_wordings() -> None:
    left = to_teach()
    wordings = {each.text for each in left if not set("[{") & set(each.text)}
    assert len(wordings) > 2_000
    assert wordings <= set(own())  # the control
    assert not wordings & set(own(without=left))


def test_spoken_when_read_then_each_sentence_has_what_was_heard_of_it_and_its_categories() -> None:
    samples = list(spoken())
    heard = [each for each in taught() if any(each.utterances)]
    assert len(samples) == len(heard) >= 7_000
    for sample, each in zip(samples, heard, strict=True):
        assert sample.role is Role.COLLECTOR
        told = {category.code for place, category in enumerate(CATEGORIES) if sample.targets[place]}
        assert told == each.categories
        assert sample.text.replace("，", "") == "".join(each.utterances).replace("，", "")
