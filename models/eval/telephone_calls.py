"""Puts spoken turns together to two-channel telephone recordings: pauses, line noise, babble, mu-law or AMR."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import soxr
from models.train.telephone import Line, mix, send
from models.voices.casting import RATE, REHEARSING, TEACHING, Utterance, read

NARROW = 8_000
"""Hz of the recordings."""
MULAW = Line(codec="pcm_mulaw")
AMR = Line(codec="libopencore_amrnb", bit_rate=12_200)
BABBLE_DB = 10.0
"""Speech over babble."""

_PAUSES = (0.35, 1.5)
"""Seconds between two turns, mostly."""
_LOOKING_UP, _LOOKED_UP = 0.08, (2.0, 5.0)
"""Share of the pauses in which somebody looks something up, and how long, seconds."""
_BEFORE, _AFTER = 0.6, 0.8
"""Seconds before the first turn and after the last."""
_LINE_NOISE = 10 ** (-54 / 20)
_TALKERS = 4

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a call."""

    collector: bool
    said: Utterance


def sides(turns: Sequence[Turn], key: str) -> Floats:
    """Samples [2, n] at RATE, the collector's first; the same pauses and levels every time for a key.

    Raises FileNotFoundError where a turn was not spoken.
    """
    dice = np.random.default_rng(zlib.crc32(key.encode()))
    levels = 10 ** (dice.uniform(-4, 2, size=2) / 20)
    at, placed = int(_BEFORE * RATE), []
    for turn in turns:
        samples = read(turn.said) / np.float32(32_768)
        placed.append((0 if turn.collector else 1, at, samples))
        long = dice.random() < _LOOKING_UP
        at += len(samples) + int(dice.uniform(*(_LOOKED_UP if long else _PAUSES)) * RATE)
    end = max(begun + len(samples) for _, begun, samples in placed) + int(_AFTER * RATE)
    both = _LINE_NOISE * dice.standard_normal((2, end))
    for side, begun, samples in placed:
        both[side, begun : begun + len(samples)] += samples * levels[side]
    return both.astype(np.float32)


def in_babble(samples: Floats, voices: Sequence[Floats], key: str) -> Floats:
    """One channel [n] with other talkers around, `BABBLE_DB` below it."""
    dice = np.random.default_rng(zlib.crc32(f"babble {key}".encode()))
    drawn = [voices[int(place)] for place in dice.integers(len(voices), size=_TALKERS)]
    turned = [np.resize(np.roll(voice, int(dice.integers(len(voice)))), len(samples)) for voice in drawn]
    return mix(samples, np.sum(turned, axis=0, dtype=np.float32), decibels=BABBLE_DB)


def talkers(listed: Sequence[Utterance], most: int = 40) -> list[Floats]:
    """What babble is made of: sentences in the voices that nothing here is measured on, as far as they were spoken."""
    spoken = [each for each in listed if each.voice in REHEARSING | TEACHING and each.path.exists()][:most]
    return [np.asarray(read(each) / 32_768, dtype=np.float32) for each in spoken]


def write(samples: Floats, line: Line, path: Path) -> None:
    """Send both channels [2, n] over a line and write what a phone would keep: a WAV of two channels at 8 kHz.

    What came over AMR, which knows one channel, is kept uncompressed.
    """
    mulaw = line == MULAW
    heard = samples if mulaw else np.stack([send(channel, line) for channel in samples])
    narrow = np.stack([soxr.resample(channel, RATE, NARROW) for channel in heard])
    pcm = np.clip(np.round(narrow * 32_767), -32_768, 32_767).astype(np.int16)
    with av.open(str(path), "w", format="wav") as file:
        stream = file.add_stream("pcm_mulaw" if mulaw else "pcm_s16le", rate=NARROW, layout="stereo")
        for begun in range(0, pcm.shape[1], NARROW):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(pcm[:, begun : begun + NARROW].T.reshape(1, -1)), "s16", "stereo"
            )
            frame.sample_rate, frame.pts = NARROW, begun
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def whole(calls: Iterator[tuple[str, list[Turn]]]) -> Iterator[tuple[str, list[Turn]]]:
    """The calls of which every turn was spoken."""
    return ((call, turns) for call, turns in calls if all(turn.said.path.exists() for turn in turns))
