"""What every Transcriber keeps, held against both real adapters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.speech import Heard, SpeechBlock
from compline_edge.ports import Transcriber
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.vosk_transcriber import VoskTranscriber
from compline_shared.taxonomy import Role
from tests.english_speech import english_model

SILENCE = np.zeros(16_000, dtype=np.int16)
HISS = np.asarray(np.random.default_rng(1).normal(0, 800, 32_000), dtype=np.int16)


@pytest.fixture(scope="module", params=["ctc", "vosk"])
def transcriber(request: pytest.FixtureRequest) -> Transcriber:
    if request.param == "vosk":
        return VoskTranscriber(english_model())
    return CtcTranscriber(Path(__file__).parents[2] / "models" / "zh-ctc-telephone")


def test_transcriber_when_asked_then_version_fits_the_wire(transcriber: Transcriber) -> None:
    assert 1 <= transcriber.version <= 255
    assert "-" in transcriber.language


def test_finish_when_nothing_was_fed_then_nothing_is_heard(transcriber: Transcriber) -> None:
    assert transcriber.open(Role.OTHER).finish() == Heard()


def test_feed_when_a_stretch_is_silent_then_no_words_are_made_up(transcriber: Transcriber) -> None:
    heard = transcriber.open(Role.OTHER).feed(SpeechBlock(5.0, SILENCE, ends=True))

    assert heard.partial == ""
    assert heard.utterances == ()


def test_feed_when_a_block_is_empty_then_the_stretch_goes_on(transcriber: Transcriber) -> None:
    stream = transcriber.open(Role.OTHER)

    heard = [
        stream.feed(SpeechBlock(5.0, HISS[:8_000], ends=False)),
        stream.feed(SpeechBlock(5.5, HISS[:0], ends=False)),
        stream.feed(SpeechBlock(5.5, HISS[:0], ends=True)),
    ]

    assert stream.finish() == Heard()
    assert all(5.0 <= u.start <= u.end <= 5.6 for one in heard for u in one.utterances)


def test_feed_when_two_stretches_come_then_times_belong_to_their_own(transcriber: Transcriber) -> None:
    stream = transcriber.open(Role.COLLECTOR)

    first = stream.feed(SpeechBlock(1.0, HISS, ends=True))
    second = stream.feed(SpeechBlock(60.0, HISS, ends=True))

    assert all(1.0 <= u.start <= u.end <= 3.1 and u.role is Role.COLLECTOR for u in first.utterances)
    assert all(60.0 <= u.start <= u.end <= 62.1 for u in second.utterances)
    assert all(1.0 <= p.start <= 3.1 for p in first.posteriors)
    assert all(60.0 <= p.start <= 62.1 for p in second.posteriors)


def test_streams_when_they_hear_the_same_then_they_say_the_same(transcriber: Transcriber) -> None:
    first = transcriber.open(Role.COLLECTOR).feed(SpeechBlock(0.0, HISS, ends=True))
    second = transcriber.open(Role.COLLECTOR).feed(SpeechBlock(0.0, HISS, ends=True))

    assert [u.text for u in first.utterances] == [u.text for u in second.utterances]
