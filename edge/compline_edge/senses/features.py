"""The features that the Mandarin model hears: stacked, normalised log-mel filterbanks, streamed."""

from __future__ import annotations

import kaldi_native_fbank as knf
import msgspec
import numpy as np
import numpy.typing as npt

from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.senses.model_manifest import ModelDamaged

BINS = 80
SPLICE = 2
"""Frames of either side that stand beside a frame in its stack."""

STRIDE = 3
"""Every third stack is kept."""

WIDTH = BINS * (2 * SPLICE + 1)
STEP = 0.01 * STRIDE
"""Seconds between two kept stacks."""

CENTRE = 0.0125
"""Seconds from the first sample of a stretch to the middle of its first window."""

Floats = npt.NDArray[np.float32]


def read_normalisation(content: bytes, name: str) -> tuple[Floats, Floats]:
    """Read cmvn.json of a model: what is added to each of the 400 features, and what it is multiplied by then.

    Raises:
        ModelDamaged: it holds something else.
    """
    try:
        found = msgspec.json.decode(content, type=dict[str, list[float]])
        shift, scale = (np.asarray(found[key], dtype=np.float32) for key in ("shift", "scale"))
    except (msgspec.MsgspecError, KeyError) as error:
        raise ModelDamaged(
            f"cmvn.json of the model {name} holds no shift and scale of {WIDTH} numbers."
        ) from error
    if shift.shape != (WIDTH,) or scale.shape != (WIDTH,):
        raise ModelDamaged(f"cmvn.json of the model {name} holds no shift and scale of {WIDTH} numbers.")
    return shift, scale


class FeatureStream:
    """Filterbank stacks of one stretch of speech; a stream fed in pieces gives what it gives fed at once.

    80 bins, 25 ms Hamming windows every 10 ms, no dither, 16-bit scale, all else as Kaldi has it; 2 frames
    of either side are put beside every third frame, the edges repeated; then (x + shift) * scale.
    Source: Kaldi `compute-fbank-feats`, `splice-feats`; the base model's recipe.
    """

    def __init__(self, *, shift: Floats, scale: Floats) -> None:
        self._shift = shift
        self._scale = scale
        self._computer = knf.OnlineFbank(_options())
        self._taken = 0  # frames read from the computer
        self._frames: Floats = np.zeros((0, BINS), dtype=np.float32)
        self._first = -SPLICE  # index of self._frames[0], counting the repeated edge

    def feed(self, samples: Samples) -> Floats:
        """Take more samples; returns the stacks that became whole, [steps, 400]."""
        self._computer.accept_waveform(SAMPLE_RATE, samples.astype(np.float32))
        self._collect()
        return self._stacks(self._first + len(self._frames) - SPLICE)

    def finish(self) -> Floats:
        """Close the stretch; returns the last stacks, [steps, 400], none where less than 25 ms came."""
        self._computer.input_finished()
        self._collect()
        if not len(self._frames):
            return np.zeros((0, WIDTH), dtype=np.float32)
        end = self._first + len(self._frames)
        self._frames = np.concatenate([self._frames, np.repeat(self._frames[-1:], SPLICE, axis=0)])
        return self._stacks(end)

    def _collect(self) -> None:
        ready = self._computer.num_frames_ready
        if ready == self._taken:
            return
        new = np.array(
            [self._computer.get_frame(index) for index in range(self._taken, ready)], dtype=np.float32
        )
        self._computer.pop(ready - self._taken)
        if self._taken == 0:
            new = np.concatenate([np.repeat(new[:1], SPLICE, axis=0), new])
        self._taken = ready
        self._frames = np.concatenate([self._frames, new])

    def _stacks(self, end: int) -> Floats:
        """Stacks centred on every third frame from the first one held up to `end`."""
        centre = self._first + SPLICE
        count = max(0, -(-(end - centre) // STRIDE))
        if not count:
            return np.zeros((0, WIDTH), dtype=np.float32)
        rows = np.arange(count)[:, None] * STRIDE + np.arange(2 * SPLICE + 1)
        stacks = self._frames[rows].reshape(count, WIDTH)
        self._frames = self._frames[count * STRIDE :]
        self._first += count * STRIDE
        return np.asarray((stacks + self._shift) * self._scale, dtype=np.float32)


def _options() -> knf.FbankOptions:
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.frame_opts.window_type = "hamming"
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = BINS
    return options
