"""Where somebody speaks: WebRTC's detector behind a level gate and a tone check."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import webrtcvad

from compline_edge.core.speech import SAMPLE_RATE, Samples, SpeechBlock

FRAME: Final = 480
"""Samples of one decision: 30 ms."""

_FRAME_S: Final = FRAME / SAMPLE_RATE
_PAD: Final = 10  # frames kept before and after speech: 0.3 s
_HANGOVER: Final = 15  # frames without speech that end a stretch: 0.45 s
_ONSET: Final = 4  # frames of speech among the last _PAD that begin a stretch: 0.12 s
_SOFT_S: Final = 3.0  # s before the longest stretch in which a quiet frame is welcome as a cut
_MEMORY: Final = 100  # frames by which quiet is judged: 3 s
_ABOVE_HISS: Final = 6.0  # dB above the quietest frame lately; WebRTC's detector rings on after a loud tone
_TONE_SHARE: Final = 0.92  # of a frame's energy within 67 Hz of its peak
_TONE_LOWEST: Final = 340.0  # Hz; below, a voice's own pitch may look like a tone
_TONE_FRAMES: Final = 10  # frames of tone on end that no voice holds: 0.3 s

_WINDOW = np.hanning(FRAME).astype(np.float32)
_BIN_HZ: Final = SAMPLE_RATE / FRAME


@dataclass(frozen=True, slots=True)
class _Frame:
    samples: Samples
    level: float  # dBFS
    voiced: bool
    tonal: bool


class WebrtcVoiceActivity:
    """Cuts one channel into stretches of speech as it comes; a `VoiceActivity`.

    While somebody speaks every fed sample comes out at once, but for the last frame (30 ms) and silence that
    may yet end the stretch. A stretch ends after 0.45 s without speech, of which 0.3 s are kept, or at a
    quiet frame before `longest_s`. Dead air and comfort noise below `floor_dbfs` and steady tones (ring-back:
    450 Hz) are not speech.
    """

    def __init__(self, *, mode: int = 2, floor_dbfs: float = -60.0, longest_s: float = 15.0) -> None:
        self._detector = webrtcvad.Vad(mode)
        self._floor = floor_dbfs
        self._longest = max(2, round(longest_s / _FRAME_S))
        self._soft = max(1, self._longest - round(_SOFT_S / _FRAME_S))
        self._left: Samples = np.zeros(0, np.int16)  # fed, less than a frame
        self._taken = 0  # frames judged
        self._before: deque[_Frame] = deque(maxlen=_PAD)
        self._pending: list[_Frame] = []  # of the running stretch, not yet given
        self._speaking = False
        self._length = 0  # frames of the running stretch
        self._quiet = 0  # frames since the last speech in it
        self._tone = 0  # tonal frames on end
        self._levels: deque[float] = deque(maxlen=_MEMORY)  # of the running stretch
        self._recent: deque[float] = deque(maxlen=_MEMORY)  # whoever speaks or not
        self._speech = 0  # voiced frames inside stretches

    @property
    def speech_s(self) -> float:
        """Seconds of speech found so far, padding and pauses left out."""
        return self._speech * _FRAME_S

    def feed(self, samples: Samples) -> Sequence[SpeechBlock]:
        """Judge more samples (int16, 16 kHz, any number); return the speech among them, in order."""
        joined = np.concatenate((self._left, samples)) if self._left.size else samples
        whole = joined.size // FRAME
        self._left = joined[whole * FRAME :].copy()
        given: list[SpeechBlock] = []
        for frame in self._judged(joined[: whole * FRAME].reshape(whole, FRAME)):
            self._taken += 1
            given += self._step(frame)
        given += self._give()
        return given

    def finish(self) -> Sequence[SpeechBlock]:
        """Close the running stretch, if any."""
        if not self._speaking:
            return ()
        if self._left.size:
            self._pending.append(_Frame(self._left, -120.0, voiced=False, tonal=False))
            self._taken += 1
            self._length += 1
        return self._end(keep=len(self._pending))

    def _judged(self, frames: npt.NDArray[np.int16]) -> list[_Frame]:
        if not len(frames):
            return []
        signal = frames.astype(np.float32) * np.float32(1 / 32768)
        levels = 10 * np.log10(np.mean(signal * signal, axis=1) + 1e-12)
        tonal = _tonal(signal)
        judged = []
        for samples, level, tone in zip(frames, levels.tolist(), tonal.tolist(), strict=True):
            voiced = self._detector.is_speech(samples.tobytes(), SAMPLE_RATE) and level > self._floor
            judged.append(_Frame(samples, level, voiced=voiced, tonal=tone))
        return judged

    def _step(self, frame: _Frame) -> list[SpeechBlock]:
        self._tone = self._tone + 1 if frame.tonal else 0
        self._recent.append(frame.level)
        if not self._speaking:
            self._before.append(frame)
            hiss = min(self._recent) + _ABOVE_HISS
            if sum(f.voiced and not f.tonal and f.level > hiss for f in self._before) >= _ONSET:
                self._begin()
            return []
        self._pending.append(frame)
        self._length += 1
        self._levels.append(frame.level)
        if frame.voiced and self._tone < _TONE_FRAMES:
            self._quiet = 0
            self._speech += 1
        else:
            self._quiet += 1
        if self._quiet >= _HANGOVER:
            return self._end(keep=max(1, len(self._pending) - (_HANGOVER - _PAD)))
        if self._length >= self._soft and self._may_cut(frame):
            return self._end(keep=len(self._pending))
        return []

    def _begin(self) -> None:
        self._speaking = True
        self._pending = list(self._before)
        self._speech += sum(f.voiced for f in self._before)
        self._length = len(self._before)
        self._quiet = 0
        self._before.clear()

    def _may_cut(self, frame: _Frame) -> bool:
        """Whether to cut a long stretch here: the nearer the limit, the less quiet the frame has to be."""
        urgency = (self._length - self._soft) / max(1, self._longest - self._soft)
        return urgency >= 1 or frame.level <= float(np.quantile(self._levels, 0.05 + 0.45 * urgency))

    def _give(self) -> list[SpeechBlock]:
        """Hand out what is surely inside: all but the last frame and the silence that may end the stretch."""
        sure = len(self._pending) - max(1, self._quiet)
        if not self._speaking or sure <= 0:
            return []
        given, self._pending = self._pending[:sure], self._pending[sure:]
        return [self._block(given, before=len(self._pending), ends=False)]

    def _end(self, *, keep: int) -> list[SpeechBlock]:
        dropped = self._pending[keep:]
        block = self._block(self._pending[:keep], before=len(dropped), ends=True)
        self._speaking = False
        self._pending = []
        self._quiet = 0
        self._levels.clear()
        self._before.clear()
        self._before.extend(dropped)
        return [block]

    def _block(self, frames: list[_Frame], *, before: int, ends: bool) -> SpeechBlock:
        """Join frames that lie `before` frames behind the last one judged."""
        start = (self._taken - before - len(frames)) * _FRAME_S
        return SpeechBlock(start=start, samples=np.concatenate([f.samples for f in frames]), ends=ends)


def _tonal(signal: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Whether each 30 ms frame [frames, 480] is one sine: nearly all energy in the bins around one peak."""
    power = np.abs(np.fft.rfft(signal * _WINDOW, axis=1)) ** 2
    peak = np.argmax(power, axis=1)
    around = np.clip(peak[:, None] + np.arange(-2, 3), 0, power.shape[1] - 1)
    share = np.take_along_axis(power, around, axis=1).sum(axis=1) / (power.sum(axis=1) + 1e-12)
    tonal: npt.NDArray[np.bool_] = (share > _TONE_SHARE) & (peak * _BIN_HZ >= _TONE_LOWEST)
    return tonal
