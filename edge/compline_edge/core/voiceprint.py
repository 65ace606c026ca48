"""The collector's voiceprint: one vector that tells his voice from others', sensitive and bound to one model."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from compline_shared.errors import ComplineError

Vector = npt.NDArray[np.float32]
"""A voice over some stretch of speech, shape [width], of length 1."""

MOST_WIDTH: Final = 1_024
_HEAD: Final = struct.Struct("<BBHf")
_FORMAT: Final = 1


class BadVoiceprint(ComplineError):
    """The voiceprint that is kept cannot be read: enrol the voice again with `compline-edge voice enrol`."""


@dataclass(frozen=True, slots=True, repr=False)
class Voiceprint:
    """An enrolled voice; its repr shows nothing, for it is biometric data."""

    model: int  # version of the speaker model whose vectors it compares with, 1..255
    seconds: float  # of speech that it rests on
    vector: Vector

    def __repr__(self) -> str:
        return "Voiceprint(********)"


def pack(print_: Voiceprint) -> bytes:
    """Return the bytes that the vault keeps: format, model, width, seconds, then float32 values, little endian."""
    values = np.ascontiguousarray(print_.vector, dtype="<f4")
    return _HEAD.pack(_FORMAT, print_.model, len(values), print_.seconds) + values.tobytes()


def unpack(content: bytes) -> Voiceprint:
    """Read what `pack` wrote.

    Raises:
        BadVoiceprint: it is none.
    """
    if len(content) < _HEAD.size:
        raise BadVoiceprint(BadVoiceprint.__doc__)
    form, model, width, seconds = _HEAD.unpack_from(content)
    whole = len(content) == _HEAD.size + 4 * width
    if form != _FORMAT or not whole or not 0 < width <= MOST_WIDTH or not model >= 1:
        raise BadVoiceprint(BadVoiceprint.__doc__)
    vector = np.frombuffer(content, dtype="<f4", offset=_HEAD.size).astype(np.float32)
    if (
        not np.isfinite(vector).all()
        or not np.isfinite(seconds)
        or abs(float(np.linalg.norm(vector)) - 1) > 1e-3
    ):
        raise BadVoiceprint(BadVoiceprint.__doc__)
    return Voiceprint(model, seconds, vector)


def centre(vectors: npt.NDArray[np.float32], weights: npt.NDArray[np.float64] | None = None) -> Vector:
    """Return the direction of the mean of [n, width] unit vectors, n at least 1."""
    mean = np.average(vectors, axis=0, weights=weights)
    return np.asarray(mean / max(1e-9, float(np.linalg.norm(mean))), dtype=np.float32)
