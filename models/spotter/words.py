"""Words of two speakers, read one by one, strung together at random: speech that holds no phrase."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from compline_edge.core.speech import SAMPLE_RATE

TOGETHER = 8


def word_strings(archive: Path, *, words: int, seed: int = 4) -> Iterator[tuple[npt.NDArray[np.int16], str]]:
    """Yield 16 kHz samples of `TOGETHER` words of audio_cmn's words.tar, and what they say, until `words` are used."""
    with tarfile.open(archive) as tar:
        members = sorted(member.name for member in tar if member.name.endswith(".mp3"))
        chosen = random.Random(seed).sample(members, min(words, len(members)))
        for first in range(0, len(chosen), TOGETHER):
            names = chosen[first : first + TOGETHER]
            pieces = [_decode(_member(tar, name)) for name in names]
            yield np.concatenate(pieces), "".join(Path(name).stem.removeprefix("cmn-") for name in names)


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    return b"" if file is None else file.read()


def _decode(content: bytes) -> npt.NDArray[np.int16]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(io.BytesIO(content)) as container:
        frames = [
            piece for frame in (*container.decode(audio=0), None) for piece in resampler.resample(frame)
        ]
    return np.concatenate([np.asarray(frame.to_ndarray()[0], np.int16) for frame in frames])
