"""The shipped language model: what it makes of speech, and what happens where its file is not the one it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.speech import Heard, SpeechBlock
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.language_model import load_language_model
from compline_edge.senses.model_manifest import ModelDamaged
from compline_edge.senses.model_store import ModelStore
from compline_edge.senses.recording import open_recording
from compline_shared.taxonomy import Role

MODELS = Path("models")
SHIPPED = MODELS / "zh-ngram"
CALL = next(Path("packaging/sample-day/calls").rglob("*.flac"))
"""A collector's telephone greeting, spoken by a machine."""


def hear(transcriber: CtcTranscriber) -> Heard:
    """The collector's first sentence."""
    with open_recording(CALL, limit_s=60.0) as recording:
        samples = np.concatenate([block[0] for block in recording.blocks()])[: 7 * 16_000]
    return transcriber.open(Role.COLLECTOR).feed(SpeechBlock(0.0, samples, ends=True))


def test_store_when_a_language_model_is_installed_then_its_transcriber_reads_with_it() -> None:
    found = ModelStore([MODELS]).transcriber("zh-CN")
    assert isinstance(found, CtcTranscriber)
    assert found.reader is not None


def test_transcriber_when_it_reads_with_the_language_model_then_the_greeting_is_readable() -> None:
    recogniser = MODELS / "zh-ctc-telephone"
    plain = hear(CtcTranscriber(recogniser)).utterances
    read = hear(CtcTranscriber(recogniser, load_language_model(SHIPPED))).utterances
    assert "通话" in read[0].text
    assert "通话" not in plain[0].text


def test_transcriber_when_it_reads_with_the_language_model_then_times_rise_within_the_utterance() -> None:
    (read,) = hear(CtcTranscriber(MODELS / "zh-ctc-telephone", load_language_model(SHIPPED))).utterances
    starts = [token.start for token in read.tokens]
    assert starts == sorted(starts)
    assert all(read.start <= token.start < token.end <= read.end + 0.05 for token in read.tokens)
    assert "".join(token.text for token in read.tokens) == read.text


def test_transcriber_when_it_reads_with_the_language_model_then_posteriors_stay_the_same() -> None:
    recogniser = MODELS / "zh-ctc-telephone"
    plain = hear(CtcTranscriber(recogniser)).posteriors
    read = hear(CtcTranscriber(recogniser, load_language_model(SHIPPED))).posteriors
    for one, other in zip(plain, read, strict=True):
        assert np.array_equal(one.log_probs, other.log_probs)


def test_transcriber_when_nobody_pauses_for_a_minute_then_each_utterance_goes_on_where_the_last_was_closed() -> (
    None
):
    transcriber = CtcTranscriber(MODELS / "zh-ctc-telephone", load_language_model(SHIPPED))
    with open_recording(CALL, limit_s=60.0) as recording:
        spoken = np.concatenate([block[0] for block in recording.blocks()])[: 7 * 16_000]
    once = transcriber.open(Role.COLLECTOR).feed(SpeechBlock(0.0, spoken, ends=True)).utterances
    stream = transcriber.open(Role.COLLECTOR)
    utterances = [
        utterance
        for turn in range(9)
        for utterance in stream.feed(SpeechBlock(7.0 * turn, spoken, ends=turn == 8)).utterances
    ]
    assert len(utterances) >= 2
    starts = [token.start for utterance in utterances for token in utterance.tokens]
    assert starts == sorted(starts)
    said = "".join(utterance.text for utterance in utterances)
    assert len(said) == pytest.approx(9 * len(once[0].text), rel=0.05)
    assert said.count("通话") == 9


@pytest.mark.parametrize("name", ["ngram.bin", "known_answers.json"])
def test_language_model_when_a_byte_is_another_then_it_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "zh-ngram"
    shutil.copytree(SHIPPED, folder)
    assert load_language_model(folder).places  # the control: the copy is good
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(ModelDamaged, match="restore"):
        load_language_model(folder)
