"""Who says which sentence: pseudo-voices made of one, and where what they said is kept."""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

AUDIO = Path(__file__).parents[2] / ".run" / "voices" / "audio"
RATE = 16_000
"""Hz of what is kept: mono, 16 bits."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Pitch and formants as factors of the one synthetic voice; a speed above 1 is slower.

    Where both factors are one, the voice is played faster or slower, and its words are timed to make up for it.
    """

    pitch: float
    formant: float
    speed: float


COLLECTORS = {
    "wen": Voice(1.0, 1.0, 1.14),
    "lei": Voice(0.62, 0.86, 1.1),
    "jing": Voice(1.1, 1.1, 1.05),
    "tao": Voice(0.84, 0.84, 1.15),
}
OTHERS = {
    "yu": Voice(0.9, 0.9, 1.1),
    "hao": Voice(0.8, 0.8, 1.02),
    "lan": Voice(1.16, 1.16, 1.2),
    "shu": Voice(0.85, 0.85, 1.25),
}
REHEARSING = {
    "qi": Voice(0.95, 0.95, 1.06),
    "gang": Voice(0.82, 0.82, 1.15),
    "min": Voice(1.06, 1.06, 1.0),
    "bo": Voice(0.88, 0.88, 1.2),
}
"""Voices that calibration hears."""
TEACHING = {
    "hui": Voice(1.0, 1.0, 1.0),
    "long": Voice(0.7, 0.9, 1.08),
    "ning": Voice(1.13, 1.13, 1.12),
    "qiang": Voice(0.78, 0.92, 1.12),
    "xue": Voice(0.92, 0.92, 1.0),
}
"""Voices that the text classifier learns from how they are misheard; what is measured is said by `COLLECTORS` and
`OTHERS` alone. All are one speaker: "hui" differs from "wen" in speed only.
"""
VOICES = COLLECTORS | OTHERS | REHEARSING | TEACHING


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn or sentence in one voice."""

    voice: str
    text: str

    @property
    def path(self) -> Path:
        """Where it is kept once it was spoken; the voice's factors are part of its name."""
        said = f"1 {VOICES[self.voice]} {self.text}"
        key = hashlib.sha256(said.encode()).hexdigest()[:24]
        return AUDIO / key[:2] / f"{key}.wav"


def cast(voices: Sequence[str], *key: str) -> str:
    """The voice that a key draws, the same every time."""
    drawn = hashlib.sha256("\t".join(key).encode()).digest()[:4]
    return voices[int.from_bytes(drawn) % len(voices)]


def of_call(call: str, who: str) -> str:
    """The voice of one side of a call; a third person does not sound like the debtor."""
    if who == "collector":
        return cast(list(COLLECTORS), call, "collector")
    debtor = cast(list(OTHERS), call, "debtor")
    return debtor if who == "debtor" else cast([name for name in OTHERS if name != debtor], call, who)


def of_sentence(text: str, who: str) -> str:
    """The voice of a sentence that stands alone."""
    return cast(list(COLLECTORS if who == "collector" else OTHERS), text)


def read(utterance: Utterance) -> npt.NDArray[np.int16]:
    """Its samples [n] at RATE.

    Raises FileNotFoundError where it was not spoken.
    """
    with wave.open(str(utterance.path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
