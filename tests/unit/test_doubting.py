"""One channel's watch: speech, what was followed of it, and the call's reason and worst sound over its channels."""

from __future__ import annotations

import numpy as np
import pytest

from compline_edge.core.doubting import Doubting, gravest_of, worst
from compline_edge.core.evidence import VoiceLevel
from compline_edge.core.speech import SAMPLE_RATE, Heard, Samples, SpeechBlock, Token, Utterance
from compline_shared.taxonomy import Abstention, Role
from tests.sounds import packets_lost, pcm, tone, voice

SPEECH = 0.4 * voice(12)


def watched(samples: Samples, *, confidence: float = 0.7, said: bool = True) -> Doubting:
    """A channel that is one stretch of speech from beginning to end."""
    doubting = Doubting()
    doubting.hear(samples)
    token = Token("你", "ni", 0.0, 0.1, confidence)
    heard = Heard(utterances=(Utterance("你", Role.UNKNOWN, 0.0, 1.0, confidence, 40 * (token,)),))
    if said:
        doubting.follow(SpeechBlock(0.0, samples, ends=True), heard)
    doubting.finish(Heard())
    return doubting


def test_channel_when_it_is_followed_then_all_of_its_speech_counts() -> None:
    doubting = watched(pcm(SPEECH))
    assert (doubting.speech, doubting.owed, doubting.followed) == (12.0, 12.0, 12.0)
    assert doubting.understood


def test_channel_when_it_is_not_followed_then_none_of_its_speech_does() -> None:
    doubting = watched(pcm(SPEECH), confidence=0.3)
    assert (doubting.speech, doubting.owed, doubting.followed) == (12.0, 12.0, 0.0)
    assert not doubting.understood


def test_channel_when_it_only_rings_then_nobody_speaks_and_nothing_is_owed() -> None:
    doubting = watched(pcm(0.3 * tone(12, 450)))
    assert (doubting.speech, doubting.owed, doubting.followed) == (0.0, 0.0, 0.0)
    assert gravest_of([doubting]) is Abstention.TONES


def test_channel_when_keys_are_pressed_before_it_is_spoken_in_then_speech_is_understood_and_is_not_all_there_is() -> (
    None
):
    samples = pcm(np.concatenate([0.3 * tone(12, 941), SPEECH]))
    doubting = Doubting()
    doubting.hear(samples)
    said = tuple(
        Utterance("你", Role.UNKNOWN, 13.0 + at, 14.0 + at, 0.7, 5 * (Token("你", "ni", 13.0, 13.1, 0.7),))
        for at in range(8)
    )
    half = 12 * SAMPLE_RATE
    doubting.follow(SpeechBlock(0.0, samples[:half], ends=True), Heard())
    doubting.follow(SpeechBlock(12.0, samples[half:], ends=True), Heard(utterances=said))
    doubting.finish(Heard())
    levels = [VoiceLevel(Role.COLLECTOR, at, at + 1.0, -20.0) for at in (3.0, 15.0)]
    assert (doubting.understood, doubting.pure) == (True, False)
    assert gravest_of([doubting]) is None
    assert doubting.spoken(levels) == levels[1:]
    assert watched(pcm(SPEECH)).pure  # the control: nothing but speech


def test_channel_when_a_part_of_its_sound_was_lost_then_that_share_was_not_followed() -> None:
    sound, share = packets_lost(SPEECH, share=0.1, repeat=False)
    doubting = watched(pcm(sound))
    assert doubting.lossy
    assert not doubting.understood
    assert doubting.followed == pytest.approx(doubting.speech * (1 - share), rel=0.05)
    assert gravest_of([doubting]) is Abstention.LOSSY


def test_channel_when_speech_comes_in_after_it_was_asked_then_the_answer_is_new() -> None:
    doubting = Doubting()
    before = doubting.doubted
    samples = pcm(SPEECH)
    doubting.hear(samples)
    doubting.follow(SpeechBlock(0.0, samples, ends=True), Heard())
    assert (before, len(doubting.doubted)) == ((), 1)


def test_call_when_one_side_is_silent_then_its_sound_says_nothing_of_the_call() -> None:
    quiet, loud = watched(np.zeros(12 * SAMPLE_RATE, np.int16), said=False), watched(pcm(SPEECH))
    assert worst([quiet, loud]) == loud.quality
    assert worst([quiet]) is None


def test_call_when_both_sides_speak_then_the_worse_of_each_measure_is_told() -> None:
    clipped = watched(pcm(np.clip(8 * SPEECH, -0.5, 0.5)))
    lossy = watched(pcm(packets_lost(SPEECH, share=0.1, repeat=False)[0]))
    found = worst([clipped, lossy])
    assert found is not None
    assert (found.clipped, found.lost) == (clipped.quality.clipped, lossy.quality.lost)
    assert found.clipped > 0.02
