"""The features that the model hears: stacked, normalised log-mel filterbanks."""

from __future__ import annotations

import kaldi_native_fbank as knf
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
BINS = 80
SPLICE = 2
STRIDE = 3
WIDTH = BINS * (2 * SPLICE + 1)

Floats = NDArray[np.float32]


def log_mel(samples: Floats) -> Floats:
    """Filterbank [frames, 80] of mono 16 kHz samples in -1..1; no frame for less than 25 ms."""
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.frame_opts.window_type = "hamming"
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = BINS
    computer = knf.OnlineFbank(options)
    computer.accept_waveform(SAMPLE_RATE, samples * 32768.0)
    computer.input_finished()
    frames = [computer.get_frame(index) for index in range(computer.num_frames_ready)]
    return np.array(frames, dtype=np.float32).reshape(len(frames), BINS)


def stack(frames: Floats) -> Floats:
    """Put 2 frames of either side beside every third: [n, 80] to [ceil(n / 3), 400]; edges repeat."""
    if not len(frames):
        return np.zeros((0, WIDTH), dtype=np.float32)
    padded = np.pad(frames, ((SPLICE, SPLICE), (0, 0)), mode="edge")
    parts = [padded[offset : offset + len(frames) : STRIDE] for offset in range(2 * SPLICE + 1)]
    return np.ascontiguousarray(np.concatenate(parts, axis=1))
