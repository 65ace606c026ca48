"""The Mandarin model that is shipped: exact in pieces, right on real speech, refused when altered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from compline_edge.core.speech import Heard, Posteriors, SpeechBlock
from compline_edge.core.syllables import SYLLABLES, reading
from compline_edge.senses.ctc_transcriber import LONGEST, CtcTranscriber, Syllabary, known_answer
from compline_edge.senses.model_manifest import ModelDamaged
from compline_shared.taxonomy import Role

REPOSITORY = Path(__file__).parents[2]
MODEL = REPOSITORY / "models" / "zh-ctc-telephone"
RECORDING = REPOSITORY.parent / "shared" / "data" / "asr_refs" / "paddlespeech_zh.flac"
SAID = "我认为跑步最重要的就是给我带来了身体健康"

Pcm = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def transcriber() -> CtcTranscriber:
    return CtcTranscriber(MODEL)


@pytest.fixture(scope="module")
def babble() -> Pcm:
    """Four seconds of sound with the rhythm of syllables: harmonics of a gliding voice through moving formants."""
    time = np.arange(4 * 16_000) / 16_000
    pitch = np.cumsum(140 + 30 * np.sin(2 * np.pi * 0.7 * time)) / 16_000
    centre = 700 + 500 * np.sin(2 * np.pi * 2.3 * time)
    voice = sum(
        np.exp(-(((k * 140.0 - centre) / 400.0) ** 2)) * np.sin(2 * np.pi * k * pitch) for k in range(1, 25)
    )
    beat = np.clip(np.sin(2 * np.pi * 2.3 * time), 0, 1)
    return np.asarray(6_000 * beat * voice / np.abs(voice).max(), dtype=np.int16)


@pytest.fixture(scope="module")
def recording() -> Pcm:
    if not RECORDING.exists():
        pytest.skip(
            "the real recording ../shared/data/asr_refs/paddlespeech_zh.flac is not beside this checkout"
        )
    with av.open(str(RECORDING)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]).astype(np.int16)


def hear(transcriber: CtcTranscriber, samples: Pcm, *, size: int, start: float = 0.0) -> list[Heard]:
    """What a stream says to one stretch of speech fed in pieces of `size` samples."""
    stream = transcriber.open(Role.COLLECTOR)
    heard = [
        stream.feed(
            SpeechBlock(start + first / 16_000, samples[first : first + size], first + size >= len(samples))
        )
        for first in range(0, len(samples), size)
    ]
    return [*heard, stream.finish()]


def posteriors(heard: list[Heard]) -> list[Posteriors]:
    return [piece for one in heard for piece in one.posteriors]


def table(heard: list[Heard]) -> npt.NDArray[np.float32]:
    return np.concatenate([piece.log_probs for piece in posteriors(heard)])


@pytest.mark.parametrize("size", [160, 1_000, 7_777, 16_000])
def test_transcriber_when_fed_in_pieces_then_bit_for_bit_as_whole(
    transcriber: CtcTranscriber, babble: Pcm, size: int
) -> None:
    whole = hear(transcriber, babble, size=len(babble))

    parts = hear(transcriber, babble, size=size)

    assert np.array_equal(table(parts), table(whole))
    assert [u for h in parts for u in h.utterances] == [u for h in whole for u in h.utterances]


def test_transcriber_when_two_streams_take_turns_then_neither_hears_the_other(
    transcriber: CtcTranscriber, babble: Pcm
) -> None:
    alone = table(hear(transcriber, babble, size=8_000))
    left, right = transcriber.open(Role.COLLECTOR), transcriber.open(Role.OTHER)
    heard: list[Heard] = []

    for first in range(0, len(babble), 8_000):
        ends = first + 8_000 >= len(babble)
        heard.append(left.feed(SpeechBlock(first / 16_000, babble[first : first + 8_000], ends)))
        right.feed(SpeechBlock(first / 16_000, babble[::-1][first : first + 8_000], ends))

    assert np.array_equal(table(heard), alone)


def test_transcriber_when_posteriors_come_then_they_follow_each_other_and_end(
    transcriber: CtcTranscriber, babble: Pcm
) -> None:
    found = posteriors(hear(transcriber, babble, size=4_000, start=7.0))

    assert found[0].start == pytest.approx(7.0, abs=0.02)
    ends = [piece.start + piece.step * len(piece.log_probs) for piece in found]
    assert [piece.start for piece in found[1:]] == pytest.approx(ends[:-1])
    assert [piece.ends for piece in found] == [False] * (len(found) - 1) + [True]
    assert ends[-1] == pytest.approx(11.0, abs=0.05)


def test_transcriber_when_posteriors_come_then_rows_are_probabilities(
    transcriber: CtcTranscriber, babble: Pcm
) -> None:
    found = np.exp(table(hear(transcriber, babble, size=16_000)))

    assert found.shape[1] == len(SYLLABLES)
    assert np.all(found.sum(axis=1) <= 1.001)


@pytest.mark.parametrize("samples", [0, 1, 399, 400, 700, 5_000])
def test_transcriber_when_a_stretch_is_short_then_it_closes_quietly(
    transcriber: CtcTranscriber, babble: Pcm, samples: int
) -> None:
    stream = transcriber.open(Role.COLLECTOR)

    heard = stream.feed(SpeechBlock(3.0, babble[:samples], ends=True))

    assert heard.posteriors[-1].ends
    assert stream.finish() == Heard()


def test_transcriber_when_a_recording_ends_within_a_stretch_then_finish_closes_it(
    transcriber: CtcTranscriber, babble: Pcm
) -> None:
    whole = table(hear(transcriber, babble, size=len(babble)))
    stream = transcriber.open(Role.COLLECTOR)

    heard = [stream.feed(SpeechBlock(0.0, babble, ends=False)), stream.finish()]

    assert np.array_equal(table(heard), whole)


def test_transcriber_when_real_speech_is_heard_then_most_syllables_are_right(
    transcriber: CtcTranscriber, recording: Pcm
) -> None:
    heard = hear(transcriber, recording, size=8_000, start=20.0)

    (utterance,) = [u for one in heard for u in one.utterances]
    wanted = [SYLLABLES[reading(character)] for character in SAID]
    got = [token.syllable for token in utterance.tokens]
    assert len(set(wanted) & set(got)) >= 0.7 * len(set(wanted))
    assert utterance.text == "".join(token.text for token in utterance.tokens)
    assert all(20.0 <= token.start < token.end <= utterance.end + 0.1 for token in utterance.tokens)
    assert all(0.0 < token.confidence <= 1.0 for token in utterance.tokens)
    assert heard[-3].partial
    assert utterance.text.startswith(heard[2].partial[:2])


def test_syllabary_when_a_character_has_several_readings_then_they_share_its_probability() -> None:
    log_probs = np.log(np.array([[0.2, 0.6, 0.1, 0.1]], dtype=np.float32))

    found = np.exp(Syllabary(("<blank>", "重", "虫", "ok")).posteriors(log_probs))[0]

    assert found[0] == pytest.approx(0.2)
    assert found[reading("重")] == pytest.approx(0.6 * 0.7, abs=0.01)
    assert found[reading("虫")] >= 0.1 + 0.6 * 0.1
    assert found.sum() == pytest.approx(0.9, abs=0.001)


def test_longest_when_stated_then_a_minute_of_speech_is_not_one_utterance() -> None:
    assert LONGEST <= 60 * 5


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MODEL, tmp_path / "zh-ctc-telephone"))


def test_loading_when_nothing_was_altered_then_it_works(copy: Path) -> None:
    assert CtcTranscriber(copy).language == "zh-CN"


def test_loading_when_the_weights_are_altered_then_the_sentence_says_how_to_restore(copy: Path) -> None:
    weights = bytearray((copy / "model.tflite").read_bytes())
    weights[len(weights) // 2] ^= 1
    (copy / "model.tflite").write_bytes(weights)

    with pytest.raises(ModelDamaged, match=r"model\.tflite .*restore the folder .*git checkout"):
        CtcTranscriber(copy)


@pytest.mark.parametrize("name", ["model.tflite", "tokens.txt", "cmvn.json", "manifest.json"])
def test_loading_when_a_file_is_missing_then_it_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()

    with pytest.raises(ModelDamaged, match=name.replace(".", r"\.")):
        CtcTranscriber(copy)


def test_loading_when_the_runtime_computes_something_else_then_it_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["known_answer"]["log_probs"][3] += 0.2
    (copy / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(ModelDamaged, match="computes wrong results"):
        CtcTranscriber(copy)


def test_loading_when_the_manifest_is_broken_then_it_is_named(copy: Path) -> None:
    (copy / "manifest.json").write_text('{"name": 3}')

    with pytest.raises(ModelDamaged, match=r"manifest\.json of the model zh-ctc-telephone is broken"):
        CtcTranscriber(copy)


def test_known_answer_when_computed_again_then_as_in_the_manifest(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())

    assert known_answer(copy)["best"] == manifest["known_answer"]["best"]
