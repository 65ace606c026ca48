"""What a sound's spectrum tells: how far up it reaches, and whether tones or music hold still in it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from compline_edge.core.speech import SAMPLE_RATE

WINDOW: Final = 1_024
"""Samples of a spectrum: 64 ms."""
HOP: Final = 512
"""Samples from one to the next: 32 ms."""

_HZ: Final = SAMPLE_RATE / WINDOW
_SHAPE: Final = np.hanning(WINDOW).astype(np.float32)
_UNIT: Final = WINDOW * WINDOW * 0.1875
"""Sum over a frame's bins for a mean square of 1: Hann's window has one of 0.375, and the bins are one-sided."""
_LOW, _HIGH = int(300 / _HZ), int(3_400 / _HZ)
_ACTIVE: Final = 1e-5  # mean square from which a frame counts for the band: -50 dBFS
_BAND: Final = 16  # spectral bins a step of the band: 250 Hz
_FALL: Final = 55.0  # dB below the loudest step at which the band ends
_HISS: Final = -110.0  # dBFS a step: what rounding to 16 bits leaves
_ENOUGH: Final = 15  # active frames: 0.5 s

_TONE_SHARE: Final = 0.9  # of a frame's power around its two highest peaks
_TONE_LOWEST: Final = int(340 / _HZ)  # bins; below, a voice's own pitch may look like a tone
_TONE_HELD: Final = 3  # frames over which both stay where they are: 0.13 s

_MUSIC_LOWEST, _MUSIC_HIGHEST = int(150 / _HZ), int(3_800 / _HZ)
_AROUND: Final = 10  # bins to each side that a peak is compared with
_OUTSTANDING: Final = 4.0  # dB above them
_PEAKS: Final = 5  # of the activation that are added up
WINDOW_BLOCKS: Final = 4
"""Blocks over which steadiness is judged: 2.56 s of 0.64 s each."""

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Block:
    """What one block of sound is like."""

    tones: float  # share of its sounding frames that are a tone, or two as in DTMF, 0..1
    steadiness: float  # 0..5
    power: Floats  # mean square of each frame within 300..3400 Hz


class Timbre:
    """One channel's spectra, block by block; memory is fixed."""

    def __init__(self) -> None:
        self._before: Floats = np.zeros(WINDOW - HOP, np.float32)
        self._spectrum = np.zeros(WINDOW // 2, np.float64)
        self._active = 0
        self._peaks = np.full((_TONE_HELD - 1, 2), -9)
        self._activations: deque[Floats] = deque(maxlen=WINDOW_BLOCKS)

    def feed(self, signal: Floats) -> Block:
        """Take a block [n] of -1..1, n a multiple of `HOP`.

        Steadiness says how long single frequencies sound on, over the last 2.56 s: continuous frequency activation
        (Seyerlehner et al., DAFx 2007), 0.6 to 1.9 for speech, mostly more for music.
        """
        joined = np.concatenate((self._before, signal))
        self._before = joined[-(WINDOW - HOP) :]
        frames = np.lib.stride_tricks.sliding_window_view(joined, WINDOW)[::HOP]
        power = np.abs(np.fft.rfft(frames * _SHAPE, axis=1)[:, : WINDOW // 2]) ** 2
        energy = np.einsum("ij,ij->i", frames, frames) / WINDOW
        active = energy > _ACTIVE
        self._spectrum += power[active].sum(axis=0)
        self._active += int(np.count_nonzero(active))
        tonal = self._tonal(power)
        sounding = int(np.count_nonzero(active))
        self._activations.append(_activation(power, active))
        tones = int(np.count_nonzero(tonal & active)) / sounding if sounding else 0.0
        return Block(tones, self._steadiness(), power[:, _LOW:_HIGH].sum(axis=1) / _UNIT)

    @property
    def band_hz(self) -> int | None:
        """Upper edge of what is heard, Hz in steps of 250; None before half a second of sound, or of a mere hum."""
        if self._active < _ENOUGH:
            return None
        steps = self._spectrum.reshape(-1, _BAND).sum(axis=1) / self._active / _UNIT
        levels = 10 * np.log10(steps + 1e-20)
        if levels[1:].max() < _HISS + 30:
            return None
        heard = np.flatnonzero(levels > max(_HISS, float(levels[1:].max()) - _FALL))
        return int((heard[-1] + 1) * _BAND * _HZ)

    def _tonal(self, power: Floats) -> Flags:
        """Whether nearly all of each frame lies around two peaks that hold still; a single tone is its own second."""
        first = np.argmax(power, axis=1)
        rest = power.copy()
        _blank(rest, first)
        second = np.argmax(rest, axis=1)
        left = rest.sum(axis=1)
        alone = left < (1 - _TONE_SHARE) * power.sum(axis=1)
        _blank(rest, second)
        pure = rest.sum(axis=1) < (1 - _TONE_SHARE) * power.sum(axis=1)
        second = np.where(alone, first, second)
        peaks = np.sort(np.stack((first, second), axis=1), axis=1)
        joined = np.concatenate((self._peaks, peaks))
        self._peaks = joined[-(_TONE_HELD - 1) :]
        moved = np.abs(np.diff(joined, axis=0)).max(axis=1) > 1
        held = np.lib.stride_tricks.sliding_window_view(~moved, _TONE_HELD - 1).all(axis=1)
        tonal: Flags = pure & held & (peaks[:, 0] >= _TONE_LOWEST)
        return tonal

    def _steadiness(self) -> float:
        activation = np.mean(self._activations, axis=0)
        outstanding = activation - _mean_around(activation[None])[0]
        inner = outstanding[1:-1]
        summits = inner[(inner >= outstanding[:-2]) & (inner > outstanding[2:])]
        return float(np.sort(summits)[-_PEAKS:].sum()) if summits.size else 0.0


def _activation(power: Floats, active: Flags) -> Floats:
    """Share of a block's frames in which each frequency stands out from its neighbours."""
    if not active.any():
        return np.zeros(_MUSIC_HIGHEST - _MUSIC_LOWEST, np.float32)
    levels = 10 * np.log10(power[:, _MUSIC_LOWEST:_MUSIC_HIGHEST] + 1e-9)
    out = (levels - _mean_around(levels) > _OUTSTANDING) & active[:, None]
    return np.asarray(out.mean(axis=0), dtype=np.float32)


def _mean_around(rows: Floats) -> Floats:
    """Moving average over each row, its ends repeated."""
    wide = np.pad(rows, ((0, 0), (_AROUND + 1, _AROUND)), mode="edge")
    summed = np.cumsum(wide, axis=1)
    size = 2 * _AROUND + 1
    return np.asarray((summed[:, size:] - summed[:, :-size]) / size, dtype=np.float32)


def _blank(power: Floats, peaks: npt.NDArray[np.intp]) -> None:
    """Take the main lobe around each frame's peak away."""
    around = np.clip(peaks[:, None] + np.arange(-3, 4), 0, power.shape[1] - 1)
    np.put_along_axis(power, around, 0.0, axis=1)
