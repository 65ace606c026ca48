"""Speech that the model cannot follow is said to be so, and never passed off as clean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.pipeline import Listened
from compline_edge.senses.recording import open_recording
from compline_edge.settings import EdgeSettings
from compline_edge.wiring import Instruments, instruments
from compline_shared.taxonomy import Abstention
from tests.audio import ENCODINGS, encode
from tests.privacy.day import recording

WAV = ENCODINGS[0]


@pytest.fixture(scope="module")
def ready() -> Instruments:
    return instruments(EdgeSettings())


def spoken() -> Samples:
    with open_recording(recording("first-reminder")) as reader:
        return np.concatenate([block[0] for block in reader.blocks()])


def drowned(samples: Samples, *, decibels: float) -> Samples:
    """Speech in white noise of a given ratio."""
    speech = samples.astype(np.float64)
    noise = np.random.default_rng(7).normal(size=len(speech))
    noise *= np.sqrt(np.mean(speech**2)) / 10 ** (decibels / 20)
    mixed: Samples = np.clip(speech + noise, -32_768, 32_767).astype(np.int16)
    return mixed


def chords(seconds: int) -> Samples:
    """Something that rises and falls as a voice does and is music."""
    t = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    tones = sum(np.sin(2 * np.pi * f * (1 + 0.04 * (np.floor(t * 2) % 5)) * t) for f in (220, 277, 330, 440))
    music: Samples = (tones * 3_000 * (0.6 + 0.4 * np.sin(3 * np.pi * t))).astype(np.int16)
    return music


def listened(ready: Instruments, folder: Path, samples: Samples) -> Listened:
    path = folder / "call.wav"
    encode(path, samples[None], rate=SAMPLE_RATE, encoding=WAV)
    with open_recording(path) as reader:
        return ready.listener.listen(reader)


@pytest.mark.parametrize(
    "samples", [drowned(spoken(), decibels=0), chords(20)], ids=["speech in as much noise", "music"]
)
def test_call_when_it_cannot_be_followed_then_it_abstains_and_is_not_covered(
    ready: Instruments, tmp_path: Path, samples: Samples
) -> None:
    observed = listened(ready, tmp_path, samples).observed
    assert (observed.abstained, observed.coverage) == (Abstention.POOR_AUDIO, 0.0)


def test_call_when_it_is_clear_then_it_is_covered(ready: Instruments, tmp_path: Path) -> None:
    observed = listened(ready, tmp_path, spoken()).observed
    assert (observed.abstained, observed.coverage) == (None, 1.0)
