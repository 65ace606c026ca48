"""Vosk with a real English model on real speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from compline_edge.core.speech import Heard, SpeechBlock, Utterance
from compline_edge.senses.model_manifest import ModelDamaged
from compline_edge.senses.vosk_transcriber import VoskTranscriber, vosk_language
from compline_shared.taxonomy import Role
from tests.english_speech import SAID, english_model, english_speech

FIRST_CLAUSE = int(4.3 * 16_000)
"""Samples up to the pause after "and so my fellow americans ask not"."""


@pytest.fixture(scope="module")
def transcriber() -> VoskTranscriber:
    return VoskTranscriber(english_model())


@pytest.fixture(scope="module")
def heard(transcriber: VoskTranscriber) -> list[Heard]:
    """Two stretches of speech, the second one hundred seconds later in the recording than it was spoken."""
    speech = english_speech()
    stream = transcriber.open(Role.COLLECTOR)
    blocks = [*stretch(speech[:FIRST_CLAUSE], at=0.0), *stretch(speech[FIRST_CLAUSE:], at=104.3)]
    return [stream.feed(block) for block in blocks] + [stream.finish()]


def stretch(samples: npt.NDArray[np.int16], *, at: float) -> list[SpeechBlock]:
    size = 8_000
    return [
        SpeechBlock(at + first / 16_000, samples[first : first + size], first + size >= len(samples))
        for first in range(0, len(samples), size)
    ]


def utterances(heard: list[Heard]) -> list[Utterance]:
    return [utterance for one in heard for utterance in one.utterances]


def test_vosk_when_real_speech_is_heard_then_nearly_all_words_are_right(heard: list[Heard]) -> None:
    said = SAID.split()
    words = " ".join(utterance.text for utterance in utterances(heard)).split()

    assert sum(word in words for word in said) >= len(said) - 2
    assert len(words) <= len(said) + 2


def test_vosk_when_stretches_lie_apart_then_times_are_the_recordings(heard: list[Heard]) -> None:
    tokens = [token for utterance in utterances(heard) for token in utterance.tokens]

    assert all(token.start <= token.end for token in tokens)
    assert [token.start for token in tokens] == sorted(token.start for token in tokens)
    assert all(token.end < 4.5 or token.start >= 104.2 for token in tokens)
    assert {token.text for token in tokens if token.start > 104} >= {"country", "what", "you"}


def test_vosk_when_a_stretch_runs_then_partial_text_grows(heard: list[Heard]) -> None:
    partials = [one.partial for one in heard if one.partial]

    assert partials[0] == "and"
    assert any(partial.startswith("and so my fellow americans") for partial in partials)


def test_vosk_when_asked_then_it_says_what_it_is(transcriber: VoskTranscriber, heard: list[Heard]) -> None:
    assert transcriber.language == "en-US"
    assert 1 <= transcriber.version <= 255
    assert all(utterance.role is Role.COLLECTOR for utterance in utterances(heard))
    assert not any(one.posteriors for one in heard)


def test_loading_when_a_model_is_cut_short_then_the_sentence_names_it(tmp_path: Path) -> None:
    folder = tmp_path / "vosk-model-small-en-us-0.15"
    (folder / "am").mkdir(parents=True)
    (folder / "am" / "final.mdl").write_bytes(b"")

    with pytest.raises(ModelDamaged, match=r"cannot read the model vosk-model-small-en-us-0\.15"):
        VoskTranscriber(folder)


def test_language_when_the_name_says_nothing_then_it_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match="language of the model thing is not known"):
        vosk_language(tmp_path / "thing")
