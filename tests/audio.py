"""Real encoded recordings for tests, made with FFmpeg's encoders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from compline_edge.core.speech import Channels, Samples

LAYOUTS = {1: "mono", 2: "stereo", 4: "quad", 6: "5.1"}


@dataclass(frozen=True, slots=True)
class Encoding:
    """One container and codec, with the rates (Hz) and channel counts that it can carry."""

    suffix: str
    muxer: str
    codec: str
    rates: tuple[int, ...] = (8_000, 16_000, 44_100)
    channels: tuple[int, ...] = (1, 2)

    @property
    def name(self) -> str:
        """What to call it in a test's id."""
        return f"{self.suffix[1:]}-{self.codec}"


ENCODINGS = (
    Encoding(".wav", "wav", "pcm_s16le"),
    Encoding(".wav", "wav", "pcm_mulaw"),
    Encoding(".wav", "wav", "pcm_alaw"),
    Encoding(".wav", "wav", "pcm_u8"),
    Encoding(".wav", "wav", "pcm_s24le"),
    Encoding(".wav", "wav", "pcm_f32le"),
    Encoding(".mp3", "mp3", "libmp3lame"),
    Encoding(".m4a", "ipod", "aac"),
    Encoding(".mp4", "mp4", "aac"),
    Encoding(".aac", "adts", "aac"),
    Encoding(".amr", "amr", "libopencore_amrnb", (8_000,), (1,)),
    Encoding(".3gp", "3gp", "libopencore_amrnb", (8_000,), (1,)),
    Encoding(".3gp", "3gp", "aac"),
    Encoding(".ogg", "ogg", "libopus", (8_000, 16_000, 48_000)),
    Encoding(".opus", "opus", "libopus", (8_000, 16_000, 48_000)),
    Encoding(".ogg", "ogg", "flac"),
    Encoding(".flac", "flac", "flac"),
    Encoding(".webm", "webm", "libopus", (8_000, 16_000, 48_000)),
)
"""Every form in which phones and recorders store calls."""

VARIANTS = tuple(
    (encoding, rate, channels)
    for encoding in ENCODINGS
    for rate in encoding.rates
    for channels in encoding.channels
)


def tone(seconds: float, *, hertz: float, rate: int, level: float = 0.25) -> Samples:
    """One sine, `level` of full scale, shape [n]."""
    time = np.arange(round(seconds * rate)) / rate
    return (level * 32767 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def speechlike(
    seconds: float, *, rate: int, pitch: float = 140.0, level: float = 0.25, seed: int = 7
) -> Samples:
    """A voice without words: harmonics of a wavering pitch, formants that move, four syllables a second; shape [n]."""
    count = round(seconds * rate)
    time = np.arange(count) / rate
    noise = np.random.default_rng(seed)
    wander = pitch * (1 + 0.08 * np.sin(2 * np.pi * 0.9 * time) + 0.03 * np.sin(2 * np.pi * 2.3 * time))
    phase = 2 * np.pi * np.cumsum(wander) / rate
    first = 500 + 200 * np.sin(2 * np.pi * 2.0 * time)
    second = 1500 + 500 * np.sin(2 * np.pi * 1.3 * time + 1)
    voice = np.zeros(count)
    for harmonic in range(1, int(min(3_400, rate / 2.2) / pitch)):
        at = harmonic * wander
        strength = np.exp(-(((at - first) / 180) ** 2)) + 0.5 * np.exp(-(((at - second) / 250) ** 2)) + 0.03
        voice += strength * np.sin(harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * 4 * time) + 0.6, 0.05, 1.0)
    sound = voice * syllables + 0.01 * noise.standard_normal(count)
    scaled: Samples = (level * 32767 * sound / np.abs(sound).max()).astype(np.int16)
    return scaled


def encode(
    path: Path, samples: Channels, *, rate: int, encoding: Encoding, options: dict[str, str] | None = None
) -> Path:
    """Write samples [channels, n] at `rate` Hz into `path`; returns it."""
    return encode_blocks(
        path, iter((samples,)), rate=rate, encoding=encoding, channels=len(samples), options=options
    )


def encode_blocks(
    path: Path,
    blocks: Iterator[Channels],
    *,
    rate: int,
    encoding: Encoding,
    channels: int,
    options: dict[str, str] | None = None,
) -> Path:
    """Write blocks of samples one after another, for recordings too long to hold; returns `path`."""
    layout = LAYOUTS[channels]
    with av.open(str(path), "w", format=encoding.muxer, options=options or {}) as container:
        stream = container.add_stream(encoding.codec, rate=rate)
        assert isinstance(stream, AudioStream)
        stream.layout = layout
        if encoding.codec == "libopencore_amrnb":
            stream.bit_rate = 12_200
        container.start_encoding()  # a header, even where no block comes
        at = 0
        for block in blocks:
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(block.T).reshape(1, -1), format="s16", layout=layout
            )
            frame.sample_rate = rate
            frame.pts = at
            at += block.shape[1]
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path
