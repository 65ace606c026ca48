"""What a phone call does to speech: rooms, noise, loudness, narrow bands and codecs, drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import av
import numpy as np
import soxr
from models.train.fbank import SAMPLE_RATE
from numpy.typing import NDArray

NARROW_RATE = 8_000
AMR_BIT_RATES = (4_750, 5_900, 7_400, 7_950, 12_200)
AMR_FRAME = 160

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Line:
    """How one copy is sent: codec None keeps 16 kHz, `pcm_s16le` is 8 kHz without loss; bit_rate is AMR's."""

    codec: str | None
    bit_rate: int = 0

    @property
    def narrow(self) -> bool:
        """Whether the line is a telephone line."""
        return self.codec is not None


CLEAN = Line(codec=None)
LINES = (
    (0.20, CLEAN),
    (0.10, Line(codec="pcm_s16le")),
    (0.25, Line(codec="pcm_mulaw")),
    (0.15, Line(codec="pcm_alaw")),
    *((0.30 / len(AMR_BIT_RATES), Line(codec="libopencore_amrnb", bit_rate=rate)) for rate in AMR_BIT_RATES),
)
"""Share of each line among the training copies."""


def draw_line(chance: np.random.Generator) -> Line:
    """Pick a line by its share."""
    shares = np.array([share for share, _ in LINES])
    return LINES[int(chance.choice(len(LINES), p=shares / shares.sum()))][1]


def disturb(samples: Floats, *, others: Sequence[Floats], chance: np.random.Generator) -> Floats:
    """Add a room (30 %), noise or babble of other speech (65 %, 3 to 25 dB) and a gain of -18 to +6 dB."""
    heard = samples
    if chance.random() < 0.30:
        heard = _in_room(heard, chance)
    if chance.random() < 0.65:
        noise = (
            _babble(len(heard), others, chance) if chance.random() < 0.5 else _coloured(len(heard), chance)
        )
        heard = mix(heard, noise, decibels=float(chance.uniform(3.0, 25.0)))
    gain = 10.0 ** (chance.uniform(-18.0, 6.0) / 20.0)
    return np.asarray(heard * gain, dtype=np.float32)


def mix(speech: Floats, noise: Floats, *, decibels: float) -> Floats:
    """Add noise at a signal-to-noise ratio; silence is returned as it is."""
    loud, soft = float(np.mean(speech**2)), float(np.mean(noise**2))
    if loud == 0.0 or soft == 0.0:
        return speech
    return np.asarray(speech + noise * np.sqrt(loud / soft / 10.0 ** (decibels / 10.0)), dtype=np.float32)


def send(samples: Floats, line: Line) -> Floats:
    """Send 16 kHz samples over a line and back to 16-bit values at 16 kHz, same length, at most 5 ms late."""
    if line.codec is None:
        return rounded(samples)
    narrow = np.clip(soxr.resample(samples, SAMPLE_RATE, NARROW_RATE), -1.0, 1.0)
    coded = _code((narrow * 32767.0).astype(np.int16), line.codec, line.bit_rate)
    wide = soxr.resample(coded, NARROW_RATE, SAMPLE_RATE)
    return rounded(np.pad(wide, (0, max(0, len(samples) - len(wide))))[: len(samples)])


def rounded(samples: Floats) -> Floats:
    """Cut to 16 bits, as the product decodes.

    The rounding noise matters: above 4 kHz a telephone line carries nothing else, and without it the base's
    pinyin error over mu-law was 4 points higher.
    """
    return np.asarray(np.clip(np.round(samples * 32768.0), -32768.0, 32767.0) / 32768.0, dtype=np.float32)


def at_speed(samples: Floats, factor: float) -> Floats:
    """Play faster (factor above 1) or slower; pitch follows, as another speaker's would."""
    return np.asarray(soxr.resample(samples, SAMPLE_RATE * factor, SAMPLE_RATE), dtype=np.float32)


def _code(pcm: NDArray[np.int16], codec: str, bit_rate: int) -> Floats:
    amr = codec == "libopencore_amrnb"
    encoder = cast(av.AudioCodecContext, av.CodecContext.create(codec, "w"))
    encoder.sample_rate, encoder.layout, encoder.format = NARROW_RATE, "mono", "s16"
    if amr:
        encoder.bit_rate = bit_rate
    decoder = cast(av.AudioCodecContext, av.CodecContext.create("amrnb" if amr else codec, "r"))
    decoder.sample_rate, decoder.layout = NARROW_RATE, "mono"
    size = AMR_FRAME if amr else max(1, len(pcm))
    whole = np.pad(pcm, (0, -len(pcm) % size))
    packets = []
    for start in range(0, len(whole), size):
        frame = av.AudioFrame.from_ndarray(whole[None, start : start + size], format="s16", layout="mono")
        frame.sample_rate, frame.pts = NARROW_RATE, start
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    pieces = [frame.to_ndarray().reshape(-1) for packet in packets for frame in decoder.decode(packet)]
    joined = np.asarray(np.concatenate(pieces))
    scale = 32768.0 if joined.dtype == np.int16 else 1.0
    return np.asarray(joined, dtype=np.float32) / np.float32(scale)


def _in_room(samples: Floats, chance: np.random.Generator) -> Floats:
    """Convolve with decaying noise (0.1 to 0.5 s to -60 dB) after a direct path at time 0."""
    seconds = chance.uniform(0.1, 0.5)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tail = chance.standard_normal(len(time)) * np.exp(-6.9 * time / seconds)
    tail *= chance.uniform(0.2, 0.8) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    size = 1 << (len(samples) + len(tail)).bit_length()
    echoed = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)
    return echoed[: len(samples)].astype(np.float32)


def _babble(length: int, others: Sequence[Floats], chance: np.random.Generator) -> Floats:
    voices = [others[int(index)] for index in chance.integers(len(others), size=int(chance.integers(1, 7)))]
    shifted = [np.resize(np.roll(voice, int(chance.integers(len(voice)))), length) for voice in voices]
    return np.asarray(np.sum(shifted, axis=0), dtype=np.float32)


def _coloured(length: int, chance: np.random.Generator) -> Floats:
    """Noise whose power falls with frequency to a power of 0 (white) to 2 (brown)."""
    spectrum = np.fft.rfft(chance.standard_normal(length))
    slope = np.arange(1, len(spectrum) + 1, dtype=np.float64) ** (-chance.uniform(0.0, 2.0) / 2.0)
    return np.fft.irfft(spectrum * slope, length).astype(np.float32)
