"""Speech that the model cannot follow is said to be so, and never passed off as clean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.inspection import Inspector
from compline_edge.pipeline import Listened
from compline_edge.senses.recording import open_recording
from compline_edge.settings import EdgeSettings
from compline_edge.wiring import Instruments, instruments
from compline_shared.taxonomy import Abstention, Category
from tests.audio import ENCODINGS, encode
from tests.english_speech import english_speech
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


def ringing(seconds: int) -> Samples:
    """450 Hz, 1 s in 5, as in mainland China."""
    t = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    tone: Samples = (np.sin(2 * np.pi * 450 * t) * (t % 5 < 1) * 6_000).astype(np.int16)
    return tone


def busy(seconds: int) -> Samples:
    """450 Hz, 0.35 s on and off."""
    t = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    tone: Samples = (np.sin(2 * np.pi * 450 * t) * (t % 0.7 < 0.35) * 6_000).astype(np.int16)
    return tone


def with_gaps(samples: Samples, *, share: float) -> Samples:
    """Packets of 20 ms lost."""
    frames = samples[: len(samples) // 320 * 320].copy().reshape(-1, 320)
    frames[np.random.default_rng(5).random(len(frames)) < share] = 0
    return frames.reshape(-1)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (drowned(spoken(), decibels=0), Abstention.NOISY),
        (chords(20), Abstention.MUSIC),
    ],
    ids=["speech in as much noise", "music"],
)
def test_call_when_it_cannot_be_followed_then_it_abstains_and_is_not_covered(
    ready: Instruments, tmp_path: Path, samples: Samples, reason: Abstention
) -> None:
    observed = listened(ready, tmp_path, samples).observed
    assert (observed.abstained, observed.coverage) == (reason, 0.0)


def test_call_when_it_is_in_english_then_it_says_so_and_finds_nothing(
    ready: Instruments, tmp_path: Path
) -> None:
    found = listened(ready, tmp_path, np.tile(english_speech(), 2))
    assert found.observed.abstained in (
        Abstention.OTHER_LANGUAGE,
        Abstention.POOR_AUDIO,
    )  # an old, noisy recording
    assert (found.observed.noticed, found.observed.coverage) == ((), 0.0)


@pytest.mark.parametrize(
    "samples",
    [ringing(30), busy(30), np.zeros(20 * SAMPLE_RATE, np.int16)],
    ids=["ringing", "busy", "dead air"],
)
def test_call_when_nobody_speaks_then_it_says_so_and_was_not_answered(
    ready: Instruments, tmp_path: Path, samples: Samples
) -> None:
    observed = listened(ready, tmp_path, samples).observed
    assert observed.abstained in (Abstention.SILENT, Abstention.TONES)
    assert (observed.noticed, observed.answered, observed.speech) == ((), False, 0.0)


def test_call_when_it_rings_first_then_only_the_speech_counts(ready: Instruments, tmp_path: Path) -> None:
    alone = listened(ready, tmp_path, spoken()).observed
    after = listened(ready, tmp_path, np.concatenate([ringing(25), spoken()])).observed
    assert after.speech == pytest.approx(alone.speech, abs=1.0)
    assert after.coverage == 1.0
    assert all(n.start >= 25.0 for n in after.noticed)


def test_call_when_packets_are_lost_then_it_says_so_and_claims_no_absence(
    ready: Instruments, tmp_path: Path
) -> None:
    observed = listened(ready, tmp_path, with_gaps(spoken(), share=0.1)).observed
    assert observed.abstained is Abstention.LOSSY
    assert 0.8 < observed.coverage < 0.97
    assert Category.MISSING_DISCLOSURE not in [n.category for n in observed.noticed]


def test_call_when_it_is_clear_then_it_is_covered(ready: Instruments, tmp_path: Path) -> None:
    observed = listened(ready, tmp_path, spoken()).observed
    assert (observed.abstained, observed.coverage) == (None, 1.0)


def test_inspection_when_a_call_has_gaps_then_its_row_tells_the_share(
    ready: Instruments, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    encode(path, with_gaps(spoken(), share=0.1)[None], rate=SAMPLE_RATE, encoding=WAV)
    (row,) = Inspector(ready.listener, longest=600).inspect(path)
    assert row.quality.lost == pytest.approx(0.1, abs=0.05)  # type: ignore[union-attr]
    assert "gaps" in str(row.error)
