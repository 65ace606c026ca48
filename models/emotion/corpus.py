"""Acted Mandarin emotion as 16 kHz samples, sent over telephone lines, described by the shipped front end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import soxr
from av.audio.frame import AudioFrame

from compline_edge.core.speech import SAMPLE_RATE, Samples

ROOT = Path(__file__).resolve().parents[3] / "shared" / "data"
CASIA = ROOT / "casia_ser"
FOLDERS = ("angry", "fear", "happy", "neutral", "sad", "surprise")
"""The corpus' names of `compline_edge.core.emotions.FEELINGS`, in their order."""
NARROW_RATE = 8_000
LINES = ("clean", "mulaw", "noisy", "slow", "fast")
"""How a clip reaches the listener: as it is; over 8 kHz mu-law, as it is, with noise, played slower or faster.

Pitch and formants follow the speed: to what learns, another speaker with the same feelings.
"""
SPEEDS = {"slow": 0.85, "fast": 1.18}


@dataclass(frozen=True, slots=True)
class Clip:
    """One acted sentence."""

    speaker: str
    feeling: int  # place in FOLDERS
    sentence: int
    samples: Samples


def clips(folder: Path = CASIA) -> list[Clip]:
    """Read `folder/speaker/emotion/sentence.flac`, all that are there, in order."""
    return [
        Clip(speaker.name, place, int(path.stem), read(path))
        for speaker in sorted(each for each in folder.iterdir() if each.is_dir())
        for place, feeling in enumerate(FOLDERS)
        for path in sorted((speaker / feeling).iterdir())
        if path.suffix in (".flac", ".wav")
    ]


def read(path: Path) -> Samples:
    """Return a recording as mono 16 kHz samples."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(path)) as container:
        parts = [
            piece.to_ndarray().reshape(-1)
            for frame in container.decode(audio=0)
            for piece in resampler.resample(frame)
        ]
    return np.concatenate([*parts, *(piece.to_ndarray().reshape(-1) for piece in resampler.resample(None))])


def sent(samples: Samples, line: str, chance: np.random.Generator) -> Samples:
    """Return a clip as it arrives over one of LINES."""
    signal = samples.astype(np.float64) / 32768
    match line:
        case "clean":
            return samples
        case "mulaw":
            return _coded(signal, "pcm_mulaw")
        case "slow" | "fast":
            return _coded(soxr.resample(signal, SAMPLE_RATE * SPEEDS[line], SAMPLE_RATE), "pcm_mulaw")
        case "noisy":
            noise = np.convolve(chance.standard_normal(len(signal)), np.ones(4) / 4, mode="same")
            decibels = chance.uniform(12, 25)
            noise *= np.sqrt(np.mean(signal**2) / np.mean(noise**2) / 10 ** (decibels / 10))
            return _coded(signal + noise, "pcm_mulaw")
        case _:
            raise ValueError(f"{line} is none of {', '.join(LINES)}")


def lines(samples: Sequence[Samples], line: str, *, seed: int) -> Iterator[Samples]:
    """Yield clips as they arrive over a line, the same for the same seed."""
    chance = np.random.default_rng(seed)
    return (sent(each, line, chance) for each in samples)


def _coded(signal: npt.NDArray[np.float64], codec: str) -> Samples:
    narrow = np.clip(soxr.resample(signal, SAMPLE_RATE, NARROW_RATE), -1, 1)
    pcm = np.rint(narrow * 32767).astype(np.int16)
    encoder, decoder = (av.CodecContext.create(codec, mode) for mode in ("w", "r"))
    for coder in (encoder, decoder):
        coder.sample_rate, coder.layout = NARROW_RATE, "mono"  # type: ignore[attr-defined]
    encoder.format = "s16"  # type: ignore[attr-defined]
    frame = AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
    frame.sample_rate = NARROW_RATE
    packets = [*encoder.encode(frame), *encoder.encode(None)]  # type: ignore[attr-defined]
    heard = np.concatenate(
        [piece.to_ndarray().reshape(-1) for packet in packets for piece in decoder.decode(packet)]  # type: ignore[attr-defined]
    )
    wide = soxr.resample(heard.astype(np.float64), NARROW_RATE, SAMPLE_RATE)
    padded = np.pad(wide, (0, max(0, len(signal) - len(wide))))[: len(signal)]
    return np.asarray(np.clip(np.rint(padded), -32_768, 32_767), dtype=np.int16)
