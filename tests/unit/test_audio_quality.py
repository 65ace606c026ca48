"""What a channel's sound is like: noise, clipping, band, lost packets, tones and music, each beside a sound without."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from compline_edge.core.audio_quality import BLOCK_S, AudioQuality, Quality, Stillness, real_rate
from compline_edge.core.speech import SAMPLE_RATE, Samples
from tests.sounds import Floats, hiss, packets_lost, pcm, tone, voice

LEVEL = 0.5
WHOLE = [(0.0, 1e6)]


def listening(samples: Samples, *, piece: int = SAMPLE_RATE) -> AudioQuality:
    quality = AudioQuality()
    for start in range(0, samples.size, piece):
        quality.feed(samples[start : start + piece])
    quality.finish()
    return quality


def measured(sound: Floats) -> Quality:
    return listening(pcm(sound)).quality


def still(sound: Floats) -> Stillness:
    return listening(pcm(sound)).between(WHOLE)


def narrow(sound: Floats) -> Floats:
    """Over a line of 8 kHz."""
    line = soxr.resample(sound, SAMPLE_RATE, 8_000)
    return np.asarray(soxr.resample(line, 8_000, SAMPLE_RATE))


@pytest.mark.parametrize("repeat", [False, True], ids=["silent", "repeated"])
@pytest.mark.parametrize("share", [0.05, 0.2])
def test_loss_when_packets_are_concealed_then_its_share_is_told(share: float, repeat: bool) -> None:
    sound, true = packets_lost(LEVEL * voice(40), share=share, repeat=repeat)
    assert measured(sound).lost == pytest.approx(true, rel=0.5)


def test_loss_when_nothing_was_lost_then_hardly_any_is_told() -> None:
    assert measured(LEVEL * voice(40)).lost < 0.01


@pytest.mark.parametrize("pitch", [50, 450])
def test_loss_when_a_sound_repeats_by_itself_then_it_is_not_taken_for_lost(pitch: float) -> None:
    assert measured(LEVEL * tone(10, pitch)).lost == 0.0


@pytest.mark.parametrize("decibels", [12, 18, 24])
@pytest.mark.parametrize("rail", [1.0, 0.4])
def test_clipping_when_speech_is_cut_off_then_its_share_is_told(decibels: float, rail: float) -> None:
    loud = voice(20) * 10 ** (decibels / 20)
    sounding = float(np.mean(np.abs(pcm(np.clip(loud, -1, 1) * rail)) >= 64))
    true = float(np.mean(np.abs(loud) >= 1)) / sounding
    assert measured(np.clip(loud, -1, 1) * rail).clipped == pytest.approx(true, rel=0.25)


def test_clipping_when_a_line_smooths_the_cut_then_it_is_told_all_the_same() -> None:
    loud = voice(20) * 10 ** (18 / 20)
    assert measured(narrow(np.clip(loud, -1, 1) * 0.5)).clipped > 0.02


@pytest.mark.parametrize("level", [1.0, 0.5, 0.02])
def test_clipping_when_speech_fits_then_none_is_told(level: float) -> None:
    assert measured(level * voice(20)).clipped < 0.002


def test_clipping_when_a_recorder_holds_one_value_then_it_is_no_clipped_wave() -> None:
    assert listening(np.full(160_000, 8_000, np.int16)).quality.clipped == 0.0


@pytest.mark.parametrize(("decibels", "low", "high"), [(0, 0, 6), (10, 5, 15), (30, 20, 35)])
def test_noise_when_speech_stands_in_it_then_the_ratio_is_about_right(
    decibels: float, low: float, high: float
) -> None:
    speech = 0.2 * voice(30)
    sounding = speech[np.abs(speech) > 0]
    noise = hiss(30) * np.sqrt(np.mean(sounding**2) / 10 ** (decibels / 10))
    ratio = measured(speech + noise).snr_db
    assert ratio is not None
    assert low <= ratio <= high


def test_noise_when_there_is_less_than_a_second_then_nothing_is_said_of_it() -> None:
    assert measured(LEVEL * voice(0.5)).snr_db is None


def test_band_when_a_line_is_narrow_then_it_ends_at_its_edge() -> None:
    wide, through = LEVEL * (voice(10) + 0.02 * hiss(10)), narrow(LEVEL * (voice(10) + 0.02 * hiss(10)))
    assert measured(wide).band_hz == 8_000
    assert measured(through).band_hz in range(3_500, 4_251)


def test_band_when_nothing_sounds_then_none_is_told() -> None:
    assert measured(np.zeros(80_000)).band_hz is None


@pytest.mark.parametrize("pitches", [(450,), (697, 1_209), (480, 620)], ids=["ringing", "touch tone", "busy"])
def test_tones_when_a_line_signals_then_they_are_told(pitches: tuple[float, ...]) -> None:
    assert still(0.3 * tone(6, *pitches)).tones > 0.9


def test_tones_when_somebody_speaks_then_there_are_none() -> None:
    assert still(LEVEL * voice(20)).tones < 0.05


def test_music_when_notes_are_held_then_it_is_steadier_than_a_voice() -> None:
    notes = [
        tone(1, *(pitch * n for n in (1, 2, 3, 4, 5, 6))) for pitch in (220, 262, 330, 294, 247, 349) * 3
    ]
    assert still(0.3 * np.concatenate(notes)).music > 1.6 > still(LEVEL * voice(18)).music


def test_stillness_when_a_stretch_is_asked_then_only_its_blocks_count() -> None:
    ringing = listening(pcm(np.concatenate([0.3 * tone(6, 450), LEVEL * voice(6)])))
    assert ringing.between([(0.0, 5.0)]).tones > 0.9
    assert ringing.between([(7.0, 12.0)]).tones < 0.1
    assert ringing.between([(60.0, 70.0)]) == Stillness(0.0, 0.0)


@pytest.mark.parametrize("piece", [1, 480, 7_777])
def test_quality_when_samples_come_in_other_pieces_then_it_is_the_same(piece: int) -> None:
    samples = pcm(LEVEL * voice(3))[: 3 * SAMPLE_RATE // (16 if piece == 1 else 1)]
    assert listening(samples, piece=piece).quality == listening(samples).quality


def test_quality_when_a_call_is_long_then_memory_grows_by_two_numbers_a_block() -> None:
    quality = listening(np.tile(pcm(LEVEL * voice(10)), 12))
    assert len(quality._music) == len(quality._tones) == int(np.ceil(120 / BLOCK_S))


@pytest.mark.parametrize(
    ("recorded", "band", "real"),
    [(16_000, 8_000, 16_000), (16_000, 4_000, 8_000), (8_000, 4_000, 8_000), (48_000, None, 48_000)],
)
def test_rate_when_a_narrow_line_lies_in_a_wide_file_then_it_is_the_lines(
    recorded: int, band: int | None, real: int
) -> None:
    assert real_rate(recorded, Quality(snr_db=None, clipped=0.0, band_hz=band, lost=0.0)) == real
    assert real_rate(recorded, None) == recorded
