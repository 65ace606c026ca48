"""The teacher: what a public speaker encoder makes of a clip; its weights are neither shipped nor changed."""

from __future__ import annotations

from collections.abc import Sequence

import librosa  # type: ignore[import-not-found]
import numpy as np
import torch
from models.train.fbank import SAMPLE_RATE
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WIDTH = 256
PARTIAL, HOP = 160, 140
"""Frames of 10 ms that it hears at once, and from one such piece to the next."""
BATCH = 32


class Teacher:
    """Resemblyzer 0.1.4's encoder (Apache-2.0; Wan et al. 2018, generalised end-to-end loss), from its package."""

    def __init__(self) -> None:
        from importlib.resources import files

        stored = torch.load(
            str(files("resemblyzer") / "pretrained.pt"), map_location="cpu", weights_only=False
        )
        self._lstm = torch.nn.LSTM(40, WIDTH, 3, batch_first=True)
        self._linear = torch.nn.Linear(WIDTH, WIDTH)
        weights = stored["model_state"]
        self._lstm.load_state_dict({k[5:]: v for k, v in weights.items() if k.startswith("lstm.")})
        self._linear.load_state_dict({k[7:]: v for k, v in weights.items() if k.startswith("linear.")})

    def embed(self, clips: Sequence[NDArray[np.int16]]) -> Floats:
        """Unit vectors [clips, 256]: the mean over pieces of 1.6 s, as the package does it."""
        found = []
        pieces: list[Floats] = []
        owners: list[int] = []
        for number, clip in enumerate(clips):
            mel = _mel(clip)
            last = max(0, len(mel) - PARTIAL)
            for start in sorted({*range(0, last + 1, HOP), last}):
                piece = mel[start : start + PARTIAL]
                pieces.append(np.pad(piece, ((0, PARTIAL - len(piece)), (0, 0))))
                owners.append(number)
        with torch.no_grad():
            for start in range(0, len(pieces), BATCH):
                _, (hidden, _) = self._lstm(torch.from_numpy(np.stack(pieces[start : start + BATCH])))
                found.append(
                    torch.nn.functional.normalize(torch.relu(self._linear(hidden[-1])), dim=1).numpy()
                )
        parts, whose = np.concatenate(found), np.array(owners)
        sums = np.stack([parts[whose == number].mean(axis=0) for number in range(len(clips))])
        return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), dtype=np.float32)


def _mel(clip: NDArray[np.int16]) -> Floats:
    """The package's spectrogram [frames, 40], after its loudness of -30 dBFS."""
    wave = clip.astype(np.float32) / 32768.0
    rms = float(np.sqrt((wave**2).mean())) + 1e-9
    wave = wave * max(1.0, 10 ** (-30 / 20) / rms)
    mel = librosa.feature.melspectrogram(y=wave, sr=SAMPLE_RATE, n_fft=400, hop_length=160, n_mels=40)
    return np.asarray(mel.T, dtype=np.float32)
