"""Who speaks in calls of one channel: role error, share of unknown and equal error rate on speakers never trained on.

The collector is enrolled from 60 s of his own other sentences over a 16 kHz line; calls are made of real sentences, in
turns of 1.5 to 6 s, 15 % of the changes overlapping, both sides over one telephone line. Four speakers can be enrolled;
the recordings of asr_refs take the other side as well. So few speakers carry no figure far: the intervals are over
calls, not over speakers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from models.eval.mixed_calls import (
    EMOTIONS,
    LINES,
    OURS,
    THEIRS,
    MixedCall,
    Speaker,
    call,
    calls,
    speakers,
    strangers,
)
from models.speaker.rates import equal_error

from bench.figure import Figure
from compline_edge.core.doubting import Doubting
from compline_edge.core.noticed import Noticed
from compline_edge.core.speech import SAMPLE_RATE, Heard, Samples, SpeechBlock
from compline_edge.core.voice_enrolment import Refused, Spoken, enrolled
from compline_edge.core.voiceprint import Voiceprint, centre
from compline_edge.mixed_hearing import PATIENCE, MixedEar, windows_of
from compline_edge.ports import TranscriberStream, VoiceActivity, VoiceEncoder
from compline_edge.senses.speaker_model import SpeakerModel
from compline_edge.senses.voice_activity import WebrtcVoiceActivity
from compline_shared.taxonomy import Role

MODEL = Path("models") / "speaker-telephone"
DATA = Path("../shared/data")
CALLS_A_PAIR = 2
RESAMPLES = 2_000
NEAR = 1.25
"""Ratio of two speakers' median pitches below which their voices count as alike: men with men, women with women."""
LEAST_TURN, LONGEST_TURN = 2.0, 4.0
"""Seconds of a verification trial."""
TRIALS = 40
COST = 0.01
"""Share of real time on one core that was asked for."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds of one call's speech of one speaker, by what was said of it."""

    right: float
    wrong: float
    unknown: float
    accused: float  # of `wrong`: the other side taken for the collector
    theirs: float  # spoken by the other side, decided or not
    near: bool  # whether the two voices are alike
    studio: bool  # whether both were recorded for one corpus, so that no microphone tells them apart

    @property
    def decided(self) -> float:
        """Seconds of which a role was told."""
        return self.right + self.wrong


def figures(*, model: Path = MODEL, data: Path = DATA) -> Iterator[Figure]:
    """Yield role error and share of unknown by line, likeness and mood and live, then equal error rates and cost."""
    encoder = SpeakerModel(model)
    enrolling, refs = speakers(data), strangers(data)
    prints = {speaker.name: voiceprint(speaker, encoder) for speaker in enrolling}
    every: list[Outcome] = []
    for name in LINES:
        outcomes = [
            judged(made, other, collector, prints[collector.name], encoder)
            for collector in enrolling
            for made, other in _calls(collector, [*enrolling, *refs], name)
        ]
        yield from _figures(f"speaker_{name}", outcomes)
        every += outcomes
    for near, likeness in ((True, "alike"), (False, "unlike")):
        yield from _figures(f"speaker_{likeness}", [each for each in every if each.near is near])
    yield from _figures("speaker_one_corpus", [each for each in every if each.studio])
    live = [
        judged(made, other, collector, prints[collector.name], encoder, patience=0.0)
        for collector in enrolling
        for made, other in _calls(collector, enrolling, "mulaw")
    ]
    yield from _figures("speaker_live", live)
    yield from _moods(enrolling, prints, encoder)
    yield from _equal_errors(enrolling, refs, prints, encoder)
    yield from _cost(enrolling, prints, encoder, model)


def voiceprint(speaker: Speaker, encoder: VoiceEncoder) -> Voiceprint:
    """Enrol as the product does, from sentences with pauses between them."""
    silence = np.zeros(SAMPLE_RATE // 2, dtype=np.float32)
    sound = np.concatenate([part for each in speaker.enrolling for part in (each * 0.06, silence)])
    windows = [w for start, part in stretches(_pcm(sound)) for w in windows_of(part, start, encoder)]
    found = enrolled(
        Spoken(windows, dynamic=60.0, clipped=0.0), model=encoder.version, calibration=encoder.calibration
    )
    if isinstance(found, Refused):
        vectors, shares = np.stack([w.vector for w in windows]), np.array([w.share for w in windows])
        print(f"{speaker.name} would have been refused: {found.reason.value}", flush=True)
        return Voiceprint(encoder.version, float(shares.sum()), centre(vectors, shares))
    return found


def judged(
    made: MixedCall,
    other: Speaker,
    collector: Speaker,
    voice: Voiceprint,
    encoder: VoiceEncoder,
    *,
    patience: float = PATIENCE,
) -> Outcome:
    """Let the product tell the roles of a call; compared where one of the two speaks, not where both or nobody do."""
    turns: list[tuple[Role, float, int]] = []

    def ear_of(role: Role, stream: TranscriberStream, activity: VoiceActivity) -> _Noting:
        del stream
        return _Noting(role, activity, turns)

    ear = MixedEar(
        voice_activity=WebrtcVoiceActivity(),
        stream=_Deaf(),
        encoder=encoder,
        voice=voice,
        ear_of=ear_of,  # type: ignore[arg-type]
        doubting=Doubting(None),
        patience=patience,
    )
    for start in range(0, len(made.samples), SAMPLE_RATE):
        ear.hear(made.samples[start : start + SAMPLE_RATE])
    ear.finish()
    told = np.full(len(made.samples), -1, dtype=np.int8)
    for role, start_s, size in turns:
        first = round(start_s * SAMPLE_RATE)
        told[first : first + size] = int(role)
    spoken = (told >= 0) & ((made.truth == OURS) | (made.truth == THEIRS))
    wanted = np.where(made.truth == OURS, int(Role.COLLECTOR), int(Role.OTHER))
    unknown = spoken & (told == int(Role.UNKNOWN))
    right = spoken & (told == wanted)
    wrong, theirs = spoken & ~right & ~unknown, spoken & (made.truth == THEIRS)
    parts = (right, wrong, unknown, wrong & theirs, theirs)
    seconds = [float(part.sum()) / SAMPLE_RATE for part in parts]
    studio = bool(collector.moods and other.moods)
    return Outcome(*seconds, near=_alike(collector, other), studio=studio)


def _calls(collector: Speaker, others: Sequence[Speaker], line: str) -> Iterator[tuple[MixedCall, Speaker]]:
    """Yield each call of the collector over a line with who is at its other end."""
    rest = [other for other in others if other.name != collector.name]
    for again in range(CALLS_A_PAIR):
        seed = sum(map(ord, collector.name)) + 1_000 * again
        yield from zip(calls(collector, rest, LINES[line], seed=seed), rest, strict=True)


def _figures(name: str, outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    """Role error of decided time, share of unknown, and of the other side's time how much is laid on the collector."""
    if not outcomes:
        return
    wrong, decided, unknown, accused, theirs = (
        np.array([getattr(each, part) for each in outcomes])
        for part in ("wrong", "decided", "unknown", "accused", "theirs")
    )
    for what, part, whole in (
        ("role_error", wrong, decided),
        ("unknown", unknown, unknown + decided),
        ("other_taken_for_collector", accused, theirs),
    ):
        value = float(part.sum() / max(1e-9, whole.sum()))
        low, high = _interval(part, whole)
        yield Figure(f"{name}_{what}", value, "share of time", None, "lower")
        yield Figure(f"{name}_{what}_low", low, "95 % interval", value, "lower")
        yield Figure(f"{name}_{what}_high", high, "95 % interval", value, "lower")
    yield Figure(f"{name}_calls", float(len(outcomes)), "calls", None, "higher")


def _interval(part: Floats, whole: Floats) -> tuple[float, float]:
    chance = np.random.default_rng(0)
    drawn = chance.integers(0, len(part), size=(RESAMPLES, len(part)))
    low, high = np.quantile(
        part[drawn].sum(axis=1) / np.maximum(1e-9, whole[drawn].sum(axis=1)), [0.025, 0.975]
    )
    return float(low), float(high)


def _moods(
    enrolling: Sequence[Speaker], prints: dict[str, Voiceprint], encoder: SpeakerModel
) -> Iterator[Figure]:
    """The collector in a mood in which he was not enrolled."""
    moody = [speaker for speaker in enrolling if speaker.moods]
    for mood in EMOTIONS:
        outcomes = []
        for place, collector in enumerate(moody):
            rest = [other for other in enrolling if other.name != collector.name]
            made = calls(collector, rest, LINES["mulaw"], mood=mood, seed=place)
            outcomes += [
                judged(one, other, collector, prints[collector.name], encoder)
                for one, other in zip(made, rest, strict=True)
            ]
        yield from _figures(f"speaker_{mood}", outcomes)


def _equal_errors(
    enrolling: Sequence[Speaker],
    refs: Sequence[Speaker],
    prints: dict[str, Voiceprint],
    encoder: SpeakerModel,
) -> Iterator[Figure]:
    """Single turns of 2 to 4 s against each voiceprint, with nothing else of the call known."""
    for line in LINES:
        chance = np.random.default_rng(7)
        same, other = [], []
        for speaker in [*enrolling, *refs]:
            for _ in range(TRIALS if speaker in enrolling else TRIALS // 4):
                seconds = float(chance.uniform(LEAST_TURN, LONGEST_TURN))
                vector = _turn_vector(speaker, line, seconds, chance, encoder)
                for name, voice in prints.items():
                    (same if name == speaker.name else other).append(float(vector @ voice.vector))
        rate = equal_error(np.array(same), np.array(other))
        drawn = [
            equal_error(chance.choice(same, len(same)), chance.choice(other, len(other)))
            for _ in range(RESAMPLES // 10)
        ]
        low, high = np.quantile(drawn, [0.025, 0.975])
        yield Figure(f"speaker_eer_{line}", rate, "rate", None, "lower")
        yield Figure(f"speaker_eer_{line}_low", float(low), "95 % interval", rate, "lower")
        yield Figure(f"speaker_eer_{line}_high", float(high), "95 % interval", rate, "lower")


def _turn_vector(
    speaker: Speaker, line: str, seconds: float, chance: np.random.Generator, encoder: SpeakerModel
) -> npt.NDArray[np.float32]:
    made = call(speaker.calling, speaker.calling, LINES[line], chance, seconds + 0.5)
    windows = windows_of(made.samples[SAMPLE_RATE // 2 :], 0.0, encoder)
    return centre(np.stack([window.vector for window in windows]))


def _cost(
    enrolling: Sequence[Speaker], prints: dict[str, Voiceprint], encoder: SpeakerModel, model: Path
) -> Iterator[Figure]:
    """Processor time that telling the roles adds to a call, and the model's size."""
    collector, other = enrolling[0], enrolling[1]
    ((made, _),) = [next(_calls(collector, [other], "mulaw"))]
    begun = time.process_time()
    activity, doubting = WebrtcVoiceActivity(), Doubting(None)
    for start in range(0, len(made.samples), SAMPLE_RATE):
        doubting.hear(made.samples[start : start + SAMPLE_RATE])
        for block in activity.feed(made.samples[start : start + SAMPLE_RATE]):
            doubting.follow(block, Heard())
    without = time.process_time() - begun
    begun = time.process_time()
    judged(made, other, collector, prints[collector.name], encoder)
    spent = time.process_time() - begun - without
    yield Figure("speaker_real_time_share", spent / (len(made.samples) / SAMPLE_RATE), "share", COST, "lower")
    yield Figure("speaker_model_size", float((model / "model.npz").stat().st_size), "bytes", 1e6, "lower")


def _alike(one: Speaker, other: Speaker) -> bool:
    low, high = sorted((one.pitch, other.pitch))
    return high / low < NEAR


def stretches(samples: Samples) -> list[tuple[float, Samples]]:
    """Stretches of speech, each with its start in seconds."""
    activity = WebrtcVoiceActivity()
    found: list[tuple[float, list[Samples]]] = []
    ended = True
    for block in (*activity.feed(samples), *activity.finish()):
        if ended:
            found.append((block.start, []))
        found[-1][1].append(block.samples)
        ended = block.ends
    return [(start, np.concatenate(parts)) for start, parts in found]


def _pcm(samples: npt.NDArray[np.float32]) -> Samples:
    return np.asarray(np.clip(samples * 32768, -32768, 32767), dtype=np.int16)


class _Deaf:
    """A transcriber's stream that hears nothing: roles rest on the voice alone."""

    def feed(self, block: SpeechBlock) -> Heard:
        del block
        return Heard()

    def finish(self) -> Heard:
        return Heard()


@dataclass(slots=True)
class _Noting:
    """In place of an ear: notes what it is given."""

    role: Role
    activity: VoiceActivity
    turns: list[tuple[Role, float, int]]
    noticed: list[Noticed] = field(default_factory=list)

    def hear(self, samples: Samples) -> Sequence[Noticed]:
        self.turns += [(self.role, block.start, len(block.samples)) for block in self.activity.feed(samples)]
        return ()

    def finish(self) -> Sequence[Noticed]:
        return ()
