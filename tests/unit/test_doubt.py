"""What of a channel is believed: passages that were not followed, the reason, and what is noticed in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compline_edge.core.audio_quality import AudioQuality, Quality
from compline_edge.core.comprehension import FACTS, DoubtPoints, Passage, Scale
from compline_edge.core.doubt import Doubted, believed, doubts, gravest, spoken, weighed
from compline_edge.core.noticed import Noticed
from compline_edge.core.speech import SAMPLE_RATE, Token, Utterance
from compline_shared.taxonomy import Abstention, Category, Role, Severity, Technique
from tests.sounds import Floats, pcm, tone, voice

POINTS = DoubtPoints(
    model="some",
    weights="",
    followed=Scale(bias=-0.5, weights={"clarity": 1.0}),
    clear=0.2,
    another_language=Scale(bias=-0.1, weights={"wavering": 1.0}),
)
GOOD = Quality(snr_db=30.0, clipped=0.0, band_hz=4_000, lost=0.0)
FOLLOWED = {"clarity": 0.7}
MUMBLED = {"clarity": 0.3}
FOREIGN = {"clarity": 0.3, "wavering": 0.3}


def passage(at: float, facts: dict[str, float] | None, *, speech: float = 10.0, tokens: int = 20) -> Passage:
    told = None if facts is None else tuple(facts.get(name, 0.0) for name in FACTS)
    clarity = (facts or {}).get("clarity", 0.7)
    return Passage(((at, at + speech),), speech, tokens=tokens, clarity=clarity, facts=told)


def sound(samples: Floats | None = None) -> AudioQuality:
    quality = AudioQuality()
    quality.feed(pcm(0.4 * voice(10) if samples is None else samples))
    quality.finish()
    return quality


def reasons(
    *passages: Passage, quality: Quality = GOOD, heard: AudioQuality | None = None
) -> list[Abstention | None]:
    return [one.reason for one in doubts(passages, heard or sound(), POINTS, quality)]


def noticed(start: float, end: float, *, confidence: int = 80) -> Noticed:
    return Noticed(
        category=Category.THREAT,
        severity=Severity.SERIOUS,
        confidence=confidence,
        role=Role.COLLECTOR,
        technique=Technique.LEXICON_AUDIO,
        entry=1,
        phrase="",
        start=start,
        end=end,
    )


def test_passage_when_the_recogniser_follows_then_nothing_is_doubted() -> None:
    assert reasons(passage(0, FOLLOWED)) == [None]


def test_passage_when_it_is_followed_on_a_bad_line_then_it_stands_all_the_same() -> None:
    bad = Quality(snr_db=3.0, clipped=0.3, band_hz=4_000, lost=0.0)
    assert reasons(passage(0, FOLLOWED), quality=bad) == [None]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, Abstention.POOR_AUDIO),
        ({"snr_db": 5.0}, Abstention.NOISY),
        ({"snr_db": 5.0, "clipped": 0.1}, Abstention.CLIPPED),
        ({"clipped": 0.1, "lost": 0.1}, Abstention.LOSSY),
        ({"snr_db": None}, Abstention.POOR_AUDIO),
    ],
)
def test_passage_when_it_is_not_followed_then_what_the_sound_is_like_says_why(
    change: dict[str, float | None], reason: Abstention
) -> None:
    quality = Quality(**{**{"snr_db": 30.0, "clipped": 0.0, "band_hz": 4_000, "lost": 0.0}, **change})  # type: ignore[arg-type]
    assert reasons(passage(0, MUMBLED), quality=quality) == [reason]


def test_passage_when_it_is_another_language_then_it_says_so() -> None:
    assert reasons(passage(0, FOREIGN)) == [Abstention.OTHER_LANGUAGE]


def test_passage_when_notes_are_held_in_it_then_it_is_music() -> None:
    tune = np.concatenate([tone(2, *(pitch * n for n in range(1, 6))) for pitch in (220, 262, 330, 294, 247)])
    assert reasons(passage(0, MUMBLED), heard=sound(0.3 * tune)) == [Abstention.MUSIC]


@pytest.mark.parametrize(("tokens", "reason"), [(2, Abstention.MUSIC), (20, Abstention.POOR_AUDIO)])
def test_passage_when_it_is_only_half_as_steady_as_music_then_it_is_where_nobody_says_a_word(
    tokens: int, reason: Abstention
) -> None:
    glide = 1 + 0.04 * (np.floor(np.arange(160_000) / 8_000) % 5)
    phase = 2 * np.pi * np.cumsum(glide) / SAMPLE_RATE
    heard = sound(np.asarray(0.1 * sum(np.sin(pitch * phase) for pitch in (220, 277, 330, 440))))
    assert 1.1 < heard.between([(0.0, 10.0)]).music < 2.2
    assert reasons(passage(0, MUMBLED, tokens=tokens), heard=heard) == [reason]


def test_passage_when_its_words_are_very_unsure_then_it_was_not_followed_whatever_else() -> None:
    lucky = replace(passage(0, FOLLOWED), clarity=0.1)
    assert reasons(lucky) == [Abstention.POOR_AUDIO]


def test_passage_when_it_is_tones_then_nobody_speaks_whatever_the_recogniser_makes_of_it() -> None:
    assert reasons(passage(0, FOLLOWED), heard=sound(0.3 * tone(10, 450))) == [Abstention.TONES]


def test_passage_when_its_neighbours_are_followed_then_a_weak_one_is_judged_with_them() -> None:
    weak = {"clarity": 0.45}
    assert reasons(passage(0, FOLLOWED), passage(10, weak), passage(20, FOLLOWED)) == [None] * 3
    assert reasons(passage(0, weak), passage(10, weak), passage(20, weak)) == [Abstention.POOR_AUDIO] * 3


def test_passage_when_a_call_changes_its_language_then_only_that_part_is_doubted() -> None:
    parts = [passage(10 * k, FOLLOWED) for k in range(4)] + [passage(10 * k, FOREIGN) for k in range(4, 8)]
    found = reasons(*parts)
    assert found[:3] == [None] * 3
    assert found[-3:] == [Abstention.OTHER_LANGUAGE] * 3


@pytest.mark.parametrize(("speech", "reason"), [(4.9, None), (5.0, Abstention.POOR_AUDIO)])
def test_passage_when_little_was_said_then_nothing_is_said_of_it(
    speech: float, reason: Abstention | None
) -> None:
    assert reasons(passage(0, MUMBLED, speech=speech)) == [reason]


@pytest.mark.parametrize(("clarity", "reason"), [(0.5, None), (0.4, Abstention.POOR_AUDIO)])
def test_passage_when_a_recogniser_gives_no_posteriors_then_its_confidence_decides(
    clarity: float, reason: Abstention | None
) -> None:
    spoken_ = replace(passage(0, None), clarity=clarity)
    assert [one.reason for one in doubts([spoken_], sound(), POINTS, GOOD)] == [reason]


@pytest.mark.parametrize("reason", [Abstention.OTHER_LANGUAGE, Abstention.MUSIC, Abstention.TONES])
def test_findings_when_nobody_can_have_said_them_then_they_are_dropped(reason: Abstention) -> None:
    doubted = [Doubted(passage(0, FOREIGN), reason), Doubted(passage(20, FOLLOWED), None)]
    assert list(believed([noticed(5, 6), noticed(25, 26)], doubted)) == [noticed(25, 26)]


@pytest.mark.parametrize(
    "reason", [Abstention.NOISY, Abstention.CLIPPED, Abstention.LOSSY, Abstention.POOR_AUDIO]
)
def test_findings_when_the_line_was_poor_then_they_are_worth_half(reason: Abstention) -> None:
    (found,) = believed([noticed(5, 6)], [Doubted(passage(0, MUMBLED), reason)])
    assert (found.confidence, found.severity) == (40, Severity.WARNING)  # no alarm that is more likely wrong


def test_utterances_when_nobody_can_have_said_them_then_they_are_left_out() -> None:
    said = [Utterance("一", Role.COLLECTOR, at, at + 1, 0.5) for at in (1.0, 21.0)]
    doubted = [
        Doubted(passage(0, FOREIGN), Abstention.MUSIC),
        Doubted(passage(20, MUMBLED), Abstention.NOISY),
    ]
    assert list(spoken(said, doubted)) == said[1:]


def test_utterances_when_the_line_was_poor_then_their_words_are_worth_half_to_a_rule() -> None:
    token = Token("钱", "qian", 21.0, 21.2, 0.8)
    said = [Utterance("钱", Role.COLLECTOR, at, at + 1, 0.8, (token,)) for at in (1.0, 21.0)]
    doubted = [Doubted(passage(0, FOLLOWED), None), Doubted(passage(20, MUMBLED), Abstention.NOISY)]
    clear, poor = weighed(said, doubted)
    assert clear == said[0]
    assert (poor.confidence, poor.tokens[0].confidence) == (0.4, 0.4)


def test_reason_when_there_are_several_then_the_one_that_spoils_most_speech_is_named() -> None:
    doubted = [
        Doubted(passage(0, MUMBLED), Abstention.NOISY),
        Doubted(passage(10, FOREIGN, speech=30), Abstention.OTHER_LANGUAGE),
        Doubted(passage(50, FOLLOWED, speech=90), None),
    ]
    assert gravest(doubted) is Abstention.OTHER_LANGUAGE
    assert gravest(doubted[2:]) is None


@pytest.mark.parametrize(("speaks", "reason"), [(True, None), (False, Abstention.TONES)])
def test_reason_when_there_are_signals_of_the_line_then_they_are_one_only_where_nobody_speaks(
    speaks: bool, reason: Abstention | None
) -> None:
    doubted = [Doubted(passage(0, MUMBLED, speech=30), Abstention.TONES)]
    assert gravest([*doubted, Doubted(passage(40, FOLLOWED), None)] if speaks else doubted) is reason
