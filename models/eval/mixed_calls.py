"""Calls of two real speakers in one channel, made of their sentences: who speaks when is known to the sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from models.train.telephone import Line, send

from compline_edge.core.speech import SAMPLE_RATE, Samples
from compline_edge.senses.voice_activity import WebrtcVoiceActivity

Floats = npt.NDArray[np.float32]

LINES = {"mulaw": Line(codec="pcm_mulaw"), "amr122": Line(codec="libopencore_amrnb", bit_rate=12_200)}
TURNS = (1.5, 6.0)
"""Seconds of a turn."""
PAUSES = (0.1, 0.8)
OVERLAPS = (0.3, 0.8)
OVERLAPPING = 0.15
"""Share of the changes of speaker at which the next one begins before the last has ended."""
LENGTH = 50.0
LOUDNESS, SPREAD = -24.0, 4.0
"""dBFS of a side's speech, and how far it lies from there at most."""
ENROLLED = 60.0
"""Seconds of speech that enrol."""
SILENCE, OURS, THEIRS, BOTH = range(4)
EMOTIONS = ("angry", "happy", "sad", "fear", "surprise")


@dataclass(frozen=True)
class Speaker:
    """One real speaker: sentences that enrol, others that are spoken in calls, and those in a mood."""

    name: str
    enrolling: tuple[Floats, ...]
    calling: tuple[Floats, ...]
    moods: dict[str, tuple[Floats, ...]]

    @cached_property
    def pitch(self) -> float:
        """Median pitch of the calling sentences, Hz."""
        return float(np.median(np.concatenate([_pitches(each) for each in self.calling[:20]])))


@dataclass(frozen=True, slots=True)
class MixedCall:
    """One call as it was recorded, and which of the two spoke at each sample of it."""

    samples: Samples
    truth: npt.NDArray[np.int8]  # SILENCE, OURS, THEIRS or BOTH


def speakers(data: Path) -> list[Speaker]:
    """Those of whom there is enough to enrol: three of casia_ser, and aishell_s0252; none was trained on."""
    found = []
    for folder in sorted(each for each in (data / "casia_ser").iterdir() if each.is_dir()):
        moods = {mood: _read(sorted((folder / mood).glob("*.flac"))) for mood in EMOTIONS}
        found.append(_speaker(folder.name, _read(sorted((folder / "neutral").glob("*.flac"))), moods))
    found.append(_speaker("aishell_s0252", _read(sorted((data / "aishell_s0252").glob("*.flac"))), {}))
    return found


def strangers(data: Path) -> list[Speaker]:
    """One for each recording of asr_refs that is long enough; they only take the other side."""
    read = ((path.stem, _read([path])) for path in sorted((data / "asr_refs").glob("*.flac")))
    return [Speaker(name, (), said, {}) for name, said in read if len(said[0]) > 3 * SAMPLE_RATE]


def calls(
    collector: Speaker,
    others: Sequence[Speaker],
    line: Line,
    *,
    mood: str | None = None,
    seed: int,
    seconds: float = LENGTH,
) -> Iterator[MixedCall]:
    """Yield one call of the collector with each other speaker; in a mood, the collector speaks in it."""
    chance = np.random.default_rng(seed)
    for other in others:
        yield call(collector.moods[mood] if mood else collector.calling, other.calling, line, chance, seconds)


def call(
    ours: Sequence[Floats], theirs: Sequence[Floats], line: Line, chance: np.random.Generator, seconds: float
) -> MixedCall:
    """Let two sides take turns, each as loud as it happens to be, over one line."""
    size = int(seconds * SAMPLE_RATE)
    sound = np.zeros(size + 10 * SAMPLE_RATE, dtype=np.float32)
    truth = np.zeros(len(sound), dtype=np.int8)
    gains = [10 ** (float(chance.uniform(-SPREAD, SPREAD) + LOUDNESS) / 20) for _ in range(2)]
    place, side = int(0.5 * SAMPLE_RATE), int(chance.integers(2))
    while place < size:
        turn = _turn((ours, theirs)[side], float(chance.uniform(*TURNS)), chance) * gains[side]
        sound[place : place + len(turn)] += turn
        truth[place : place + len(turn)] |= OURS if side == 0 else THEIRS
        place += len(turn)
        if chance.random() < OVERLAPPING:
            place -= int(chance.uniform(*OVERLAPS) * SAMPLE_RATE)
        else:
            place += int(chance.uniform(*PAUSES) * SAMPLE_RATE)
        side = 1 - side
    coded = send(sound[:size], line)
    return MixedCall(np.asarray(np.clip(coded * 32768, -32768, 32767), dtype=np.int16), truth[:size])


def _turn(sentences: Sequence[Floats], seconds: float, chance: np.random.Generator) -> Floats:
    parts: list[Floats] = []
    while sum(map(len, parts)) < seconds * SAMPLE_RATE:
        parts.append(sentences[int(chance.integers(len(sentences)))])
    whole = np.concatenate(parts)
    size = int(seconds * SAMPLE_RATE)
    first = int(chance.integers(0, len(whole) - size + 1)) if len(parts) == 1 else 0
    return whole[first : first + size]


def _speaker(name: str, sentences: tuple[Floats, ...], moods: dict[str, tuple[Floats, ...]]) -> Speaker:
    """Enrol with the first sentences that hold so much speech as the product counts it."""
    spoken, count = 0.0, 0
    while spoken < ENROLLED + 5.0:
        activity = WebrtcVoiceActivity()
        pcm = np.asarray(np.pad(sentences[count], 8_000) * 0.06 * 32768, dtype=np.int16)
        blocks = [*activity.feed(pcm), *activity.finish()]
        spoken += sum(len(block.samples) for block in blocks) / SAMPLE_RATE
        count += 1
    return Speaker(name, sentences[:count], sentences[count:], moods)


def _read(paths: Sequence[Path]) -> tuple[Floats, ...]:
    """Sentences at 16 kHz without the silence around them, of RMS 1."""
    found = []
    for path in paths:
        with av.open(str(path)) as container:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
            frames = [f for frame in (*container.decode(audio=0), None) for f in resampler.resample(frame)]
        samples = np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32) / 32768
        level = np.convolve(samples**2, np.ones(320) / 320, mode="same")
        loud = np.flatnonzero(level > level.max() * 1e-3)
        kept = samples[loud[0] : loud[-1] + 1]
        found.append(np.asarray(kept / np.sqrt((kept**2).mean()), dtype=np.float32))
    return tuple(found)


def _pitches(samples: Floats) -> Floats:
    """Pitch of voiced frames by autocorrelation, Hz."""
    frame, found = 640, []
    for start in range(0, len(samples) - frame, frame):
        piece = samples[start : start + frame] - samples[start : start + frame].mean()
        likeness = np.correlate(piece, piece, "full")[frame - 1 :]
        lag = 40 + int(np.argmax(likeness[40:230]))
        if likeness[lag] > 0.5 * likeness[0] > 0:
            found.append(SAMPLE_RATE / lag)
    return np.array(found, dtype=np.float32)
