"""Clips of many made voices over telephone lines, each with what the teacher makes of the voice before the line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from models.speaker.voices import Voice, draw, spoken
from models.train.corpus import Utterance, read_corpus
from models.train.fbank import SAMPLE_RATE
from models.train.telephone import Line, disturb, rounded, send
from numpy.typing import NDArray

from compline_edge.senses.speaker_features import features

Floats = NDArray[np.float32]

SECONDS = 3.0
SIZE = int(SECONDS * SAMPLE_RATE)
SPEAKERS = ("sentence", "words", "syllables")
"""The real voices by where they are recorded: aishell_s0150, and the two speakers of audio_cmn."""
COPIES = 2
"""Lines over which each clip of the training voices is sent."""
LINES = (
    Line(codec="pcm_mulaw"),
    Line(codec="pcm_alaw"),
    Line(codec="pcm_s16le"),
    Line(codec="libopencore_amrnb", bit_rate=12_200),
    Line(codec="libopencore_amrnb", bit_rate=7_950),
    Line(codec="libopencore_amrnb", bit_rate=5_900),
    Line(codec=None),
)
MULAW, AMR = LINES[0], LINES[3]


@dataclass(frozen=True, slots=True)
class Clip:
    """A few seconds of one voice: its wide-band sound, and features of copies sent over lines."""

    voice: int
    sound: NDArray[np.int16]  # [samples], before the line
    copies: tuple[Floats, ...]  # features, [frames, bins] each


def streams(data: Path, *, held_out: bool) -> list[Floats]:
    """What each real voice says, the silences cut out, in one piece a voice; -1..1 at 16 kHz."""
    corpus = [each for each in read_corpus(data) if each.held_out is held_out]
    found = []
    for source in SPEAKERS:
        pieces = [_trimmed(each) for each in corpus if each.source == source]
        order = np.random.default_rng(5).permutation(len(pieces))
        found.append(np.concatenate([pieces[i] for i in order]))
    return found


def made_voices(number: int, *, seed: int, vocoded: float) -> list[Voice]:
    """Draw voices, a share of them `vocoded`; each real voice in turn."""
    chance = np.random.default_rng(seed)
    return [draw(i % len(SPEAKERS), chance, vocoded=chance.random() < vocoded) for i in range(number)]


def clips(
    said: Sequence[Floats], voices: Sequence[Voice], *, each: int, lines: Sequence[Line] | None, seed: int
) -> Iterator[Clip]:
    """Yield `each` clips a voice; over the given lines and undisturbed, or with None over drawn ones, disturbed."""
    chance = np.random.default_rng(seed)
    for number, voice in enumerate(voices):
        stream = said[voice.real]
        size = int(SIZE * voice.speed) + SAMPLE_RATE // 10
        for _ in range(each):
            start = int(chance.integers(0, len(stream) - size))
            sound = spoken(stream[start : start + size], voice)[:SIZE]
            if lines is None:
                copies = tuple(_sent(sound, said, chance) for _ in range(COPIES))
            else:
                copies = tuple(features(_pcm(send(sound, line))) for line in lines)
            yield Clip(number, _pcm(sound), copies)


def _sent(sound: Floats, others: Sequence[Floats], chance: np.random.Generator) -> Floats:
    pieces = [other[i : i + SIZE] for other in others for i in (int(chance.integers(0, len(other) - SIZE)),)]
    noisy = disturb(sound, others=pieces, chance=chance) if chance.random() < 0.6 else sound
    return features(_pcm(send(noisy, LINES[int(chance.integers(len(LINES)))])))


def _trimmed(recording: Utterance) -> Floats:
    """Cut silence at both ends and long pauses: frames 40 dB below the loudest go."""
    samples = recording.samples.astype(np.float32) / 32768.0
    frame = SAMPLE_RATE // 50
    whole = len(samples) // frame
    frames = samples[: whole * frame].reshape(whole, frame)
    level = 10 * np.log10((frames**2).mean(axis=1) + 1e-10)
    loud = level > level.max() - 40.0
    near = np.convolve(loud, np.ones(11), mode="same") > 0
    kept: Floats = frames[near].reshape(-1)
    return kept * (0.3 / max(0.01, float(np.abs(kept).max(initial=0.0))))


def _pcm(samples: Floats) -> NDArray[np.int16]:
    return (rounded(samples) * 32768.0).astype(np.int16)
