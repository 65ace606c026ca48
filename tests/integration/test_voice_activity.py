"""Speech is found where somebody speaks, as it is spoken, and nowhere else."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compline_edge.core.speech import SAMPLE_RATE, Samples, SpeechBlock
from compline_edge.senses.recording import open_recording
from compline_edge.senses.voice_activity import WebrtcVoiceActivity
from tests.audio import speechlike, tone

SHARED_SPEECH = Path(__file__).parents[3] / "shared" / "data" / "aishell_s0150"
needs_shared_speech = pytest.mark.skipif(
    not SHARED_SPEECH.is_dir(), reason="real speech (../shared/data/aishell_s0150) is not here"
)

Stretch = tuple[float, float]


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), np.int16)


def voice(seconds: float, **how: float) -> Samples:
    return speechlike(seconds, rate=SAMPLE_RATE, level=how.get("level", 0.25))


def noise(seconds: float, *, dbfs: float) -> Samples:
    rng = np.random.default_rng(11)
    return (rng.standard_normal(round(seconds * SAMPLE_RATE)) * 32_768 * 10 ** (dbfs / 20)).astype(np.int16)


def on_off(seconds: float, *, hertz: float, on: float, off: float) -> Samples:
    """A call-progress tone with its cadence."""
    sound = tone(seconds, hertz=hertz, rate=SAMPLE_RATE)
    time = np.arange(sound.size) / SAMPLE_RATE
    return np.where(time % (on + off) < on, sound, 0).astype(np.int16)


def feed(
    activity: WebrtcVoiceActivity, sound: Samples, *, step: int = 1_600
) -> Iterator[tuple[float, SpeechBlock]]:
    """Blocks, each with the time in s at which it came out."""
    for at in range(0, sound.size, step):
        for block in activity.feed(sound[at : at + step]):
            yield min(at + step, sound.size) / SAMPLE_RATE, block
    for block in activity.finish():
        yield sound.size / SAMPLE_RATE, block


def blocks_of(sound: Samples, *, step: int = 1_600) -> list[SpeechBlock]:
    return [block for _, block in feed(WebrtcVoiceActivity(), sound, step=step)]


def stretches(blocks: Sequence[SpeechBlock]) -> list[Stretch]:
    """Begin and end of each stretch, s."""
    found: list[Stretch] = []
    begun: float | None = None
    for block in blocks:
        begun = block.start if begun is None else begun
        if block.ends:
            found.append((round(begun, 3), round(block.start + block.samples.size / SAMPLE_RATE, 3)))
            begun = None
    assert begun is None, "the last stretch was not closed"
    return found


def test_speech_when_between_silences_then_it_is_one_stretch_with_0_3_s_of_padding() -> None:
    ((begin, end),) = stretches(blocks_of(np.concatenate((silence(2), voice(3), silence(2)))))
    assert begin == pytest.approx(1.8, abs=0.15)
    assert end == pytest.approx(5.25, abs=0.2)


def test_speech_when_there_is_a_pause_of_a_second_then_it_is_two_stretches() -> None:
    sound = np.concatenate((silence(1), voice(2), silence(1), voice(2), silence(1)))
    assert len(stretches(blocks_of(sound))) == 2


def test_speech_when_the_recording_ends_in_it_then_the_stretch_is_closed() -> None:
    ((_, end),) = stretches(blocks_of(np.concatenate((silence(1), voice(2.017)))))
    assert end == pytest.approx(3.017, abs=0.001)


@pytest.mark.parametrize("step", [160, 1_600, 4_799, 16_000])
def test_blocks_when_fed_in_any_size_then_they_are_the_recordings_samples_without_gap(step: int) -> None:
    sound = np.concatenate((silence(1), voice(3), silence(1), voice(2), silence(1)))
    blocks = blocks_of(sound, step=step)
    for block in blocks:
        at = round(block.start * SAMPLE_RATE)
        assert np.array_equal(sound[at : at + block.samples.size], block.samples)
    for before, after in itertools.pairwise(blocks):
        end = before.start + before.samples.size / SAMPLE_RATE
        assert after.start >= end - 1e-9
        assert before.ends or after.start == pytest.approx(end)


def test_stretches_when_fed_in_any_size_then_they_are_the_same() -> None:
    sound = np.concatenate((silence(1), voice(3), silence(1), voice(20), silence(1)))
    assert len({tuple(stretches(blocks_of(sound, step=step))) for step in (160, 1_600, 4_799, 16_000)}) == 1


def test_blocks_when_somebody_speaks_then_each_comes_within_0_3_s() -> None:
    sound = np.concatenate((silence(1), voice(8), silence(1)))
    came = list(feed(WebrtcVoiceActivity(), sound, step=800))
    late = [time - (block.start + block.samples.size / SAMPLE_RATE) for time, block in came if not block.ends]
    assert len(late) > 50
    assert max(late) <= 0.3


def test_end_when_somebody_falls_silent_then_it_is_told_within_0_6_s() -> None:
    sound = np.concatenate((silence(1), voice(3), silence(3)))
    (told,) = [time for time, block in feed(WebrtcVoiceActivity(), sound, step=480) if block.ends]
    assert 4.0 < told < 4.65


def test_speech_when_nobody_pauses_then_it_is_cut_between_12_and_15_s_without_loss() -> None:
    sound = voice(47)
    found = stretches(blocks_of(sound))
    assert all(12.0 <= end - begin <= 15.06 for begin, end in found[:-1])
    assert [end for _, end in found[:-1]] == pytest.approx([begin for begin, _ in found[1:]], abs=0.001)
    assert found[-1][1] == pytest.approx(47, abs=0.001)


def test_speech_when_it_must_be_cut_then_the_cut_is_at_a_quiet_moment() -> None:
    sound = voice(30)
    level = np.sqrt(np.convolve(sound.astype(np.float64) ** 2, np.ones(480) / 480, "same"))
    cuts = [round(end * SAMPLE_RATE) - 240 for _, end in stretches(blocks_of(sound))[:-1]]
    assert cuts
    assert all(level[cut] < np.quantile(level, 0.25) for cut in cuts)


@pytest.mark.parametrize(
    "sound",
    [
        silence(20),
        noise(20, dbfs=-65),
        noise(20, dbfs=-50),
        noise(20, dbfs=-40),
        on_off(20, hertz=450, on=1, off=4),
        on_off(20, hertz=450, on=0.35, off=0.35),
        on_off(20, hertz=425, on=1, off=4),
        on_off(20, hertz=450, on=20, off=0),
        on_off(20, hertz=450, on=1, off=4) + noise(20, dbfs=-55),
    ],
    ids=[
        "dead",
        "comfort-noise",
        "hiss",
        "loud-hiss",
        "ring-back",
        "busy",
        "ring-back-425",
        "dial",
        "ring-and-noise",
    ],
)
def test_sound_when_nobody_speaks_then_there_is_no_speech(sound: Samples) -> None:
    assert blocks_of(sound) == []


def test_speech_when_it_follows_ring_back_then_only_the_speech_is_found() -> None:
    sound = np.concatenate((on_off(10, hertz=450, on=1, off=4), voice(2), silence(1)))
    ((begin, _),) = stretches(blocks_of(sound))
    assert begin == pytest.approx(9.8, abs=0.2)


@pytest.mark.parametrize("level", [0.5, 0.1, 0.02])
def test_speech_when_quiet_or_loud_then_it_is_found(level: float) -> None:
    ((begin, end),) = stretches(blocks_of(np.concatenate((silence(1), voice(4, level=level), silence(1)))))
    assert (begin, end) == pytest.approx((0.85, 5.2), abs=0.3)


def test_speech_seconds_when_half_is_silence_then_only_speech_counts() -> None:
    activity = WebrtcVoiceActivity()
    list(feed(activity, np.concatenate((silence(4), voice(4)))))
    assert activity.speech_s == pytest.approx(4.0, abs=0.3)


def test_finish_when_nothing_was_said_then_there_is_nothing() -> None:
    assert list(WebrtcVoiceActivity().finish()) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([silence, voice]), st.floats(0.05, 4)), min_size=1, max_size=6))
def test_blocks_when_speech_comes_anyhow_then_none_overlap_and_every_stretch_is_closed(
    parts: list[tuple[Callable[[float], Samples], float]],
) -> None:
    sound = np.concatenate([make(seconds) for make, seconds in parts])
    found = stretches(blocks_of(sound))
    edges = [edge for stretch in found for edge in stretch]
    assert edges == sorted(edges)
    assert all(0 <= edge <= sound.size / SAMPLE_RATE + 0.001 for edge in edges)


@needs_shared_speech
def test_speech_when_read_sentences_are_played_then_their_loud_parts_are_found() -> None:
    shares = []
    for path in sorted(SHARED_SPEECH.glob("*.flac"))[:40]:
        with open_recording(path) as recording:
            sound = np.concatenate(list(recording.blocks()), axis=1)[0]
        frames = sound[: sound.size // 480 * 480].reshape(-1, 480) / 32_768
        level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
        loud = level > np.percentile(level, 95) - 15
        heard = np.zeros(loud.size, bool)
        for begin, end in stretches(blocks_of(sound)):
            heard[round(begin / 0.03) : round(end / 0.03)] = True
        shares.append(np.count_nonzero(loud & heard) / np.count_nonzero(loud))
    assert np.mean(shares) > 0.97
