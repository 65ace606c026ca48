"""What the speaker model hears: log-mel filterbanks of the telephone band, their level taken out."""

from __future__ import annotations

import kaldi_native_fbank as knf
import numpy as np
import numpy.typing as npt

from compline_edge.core.speech import SAMPLE_RATE, Samples

BINS = 40
LOWEST, HIGHEST = 100.0, 3_700.0
"""Hz of the band: what every telephone line lets through, so that wide-band and telephone speech compare."""
STEP = 0.01
"""Seconds between two frames."""
FLOOR = 40.0
"""Frames this many decibels below the loud ones say nothing of a voice and are raised to there."""

Floats = npt.NDArray[np.float32]


def features(samples: Samples) -> Floats:
    """Return [frames, 40] natural-log energies of int16 samples at 16 kHz, the mean over all taken out.

    25 ms Hamming windows every 10 ms, no dither, all else as Kaldi has it; no frame for less than 25 ms.
    """
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.frame_opts.window_type = "hamming"
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = BINS
    options.mel_opts.low_freq = LOWEST
    options.mel_opts.high_freq = HIGHEST
    computer = knf.OnlineFbank(options)
    computer.accept_waveform(SAMPLE_RATE, samples.astype(np.float32))
    computer.input_finished()
    ready = computer.num_frames_ready
    frames = np.array([computer.get_frame(i) for i in range(ready)], dtype=np.float32).reshape(ready, BINS)
    if not ready:
        return frames
    floor = float(np.quantile(frames, 0.95)) - FLOOR * np.log(10.0) / 10.0
    raised = np.maximum(frames, np.float32(floor))
    return np.asarray((raised - raised.mean()) / 3.0, dtype=np.float32)
