"""Measures from what on the recogniser does not follow, and when that is another language; writes points.json.

Development material only: aishell_s0150 and strings of audio_cmn words, telephone-coded, in noise, clipped, with
packets lost; English and French voice prompts; music, tones and noise. What is measured on later (`make eval` doubt) is
other speakers, languages and music. Run from the repository: python -m models.doubt.calibrate
"""

from __future__ import annotations

import argparse
import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import msgspec
import numpy as np
from models.doubt import material, sounds
from models.manifests import write_manifest
from models.train.telephone import CLEAN, Floats, Line, send
from numpy.typing import NDArray

from compline_edge.core.comprehension import (
    ENOUGH_TO_TELL,
    FACTS,
    DoubtPoints,
    Following,
    Passage,
    Scale,
)
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.model_manifest import read_manifest
from compline_edge.senses.voice_activity import WebrtcVoiceActivity
from compline_shared.taxonomy import Role

MODEL = Path("models/zh-ctc-telephone")
TARGET = Path(__file__).with_name("points.json")
LINES = (
    CLEAN,
    Line("pcm_mulaw"),
    Line("pcm_alaw"),
    Line("libopencore_amrnb", 4_750),
    Line("libopencore_amrnb", 12_200),
)
FOLLOWED_DB = (20.0, 15.0, 10.0)
"""Speech over noise at which Mandarin is still to be followed."""
DROWNED_DB = (0.0, -5.0)
"""At which nobody can tell; what lies between is left out."""
PASSING = 0.03
"""Share of foreign passages that may be taken for followed; a call has several, which are judged together."""
UNCLEAR = 0.005
"""Share of passages of good Mandarin whose confidence may lie below the lowest that counts."""
CLARITY = FACTS.index("clarity")
PENALTY = 1e-3
STEPS = 60

Facts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heard:
    """A passage of development sound."""

    kind: str  # "mandarin", "drowned", "foreign" or "nobody"
    good: bool  # Mandarin on a clean line or in noise of 15 dB and less
    facts: tuple[float, ...]
    speech: float  # s


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=12, help="clips of each kind (default: 12)")
    most = parser.parse_args().clips
    points = choose(measure(CtcTranscriber(MODEL), most))
    TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(points), indent=1) + b"\n")
    write_manifest(TARGET.parent)


def measure(transcriber: CtcTranscriber, most: int) -> list[Heard]:
    """Listen to all development sound."""
    return [
        Heard(kind, good, passage.facts, passage.speech)
        for kind, good, sound in development(most)
        for passage in listen(transcriber, sound)
        if passage.facts and passage.speech >= ENOUGH_TO_TELL
    ]


def choose(heard: Sequence[Heard]) -> DoubtPoints:
    """Fit both scales, move that of what is followed to where few foreign passages pass; tells what comes out."""
    followed = fit([one for one in heard if one.kind != "drowned"], lambda one: one.kind == "mandarin")
    foreign = [followed.log_odds(one.facts) for one in heard if one.kind == "foreign"]
    followed = msgspec.structs.replace(
        followed, bias=round(followed.bias - float(np.quantile(foreign, 1 - PASSING)), 3)
    )
    clear = round(float(np.quantile([one.facts[CLARITY] for one in heard if one.good], UNCLEAR)), 3)
    poor = [one for one in heard if one.kind != "nobody" and not one.good]
    manifest = read_manifest(MODEL)
    points = DoubtPoints(
        model=manifest.name,
        weights=manifest.files["model.tflite"].sha256,
        followed=followed,
        clear=clear,
        another_language=fit(poor, lambda one: one.kind == "foreign"),
    )
    for kind in ("mandarin", "drowned", "foreign", "nobody"):
        every = [one for one in heard if one.kind == kind]
        stands = [points.followed.log_odds(o.facts) > 0 and o.facts[CLARITY] >= clear for o in every]
        alien = [points.another_language.log_odds(o.facts) > 0 for o in every]
        print(
            f"{len(every)} {kind}: {np.mean(stands):.3f} followed, {np.mean(alien):.3f} like another language"
        )
    return points


def development(most: int) -> Iterator[tuple[str, bool, Floats]]:
    """Yield kind, whether it is good Mandarin, and sound on a line."""
    chance = np.random.default_rng(17)
    sentences = sorted((material.DATA / "aishell_s0150").glob("*.flac"))
    voices = [material.decode(path) for path in sentences[-40:]]
    mandarin = [*material.clips(sentences[:-40], chance, most=most), *word_strings(chance, most=most // 3)]
    for clip in mandarin:
        for line in LINES:
            yield "mandarin", True, send(_loud(clip, chance), line)
        for decibels in (*FOLLOWED_DB, *DROWNED_DB):
            kind = "mandarin" if decibels in FOLLOWED_DB else "drowned"
            for noise in (sounds.babble(clip.size, voices, chance), _noise(clip.size, chance)):
                mixed = sounds.noisy(clip, noise, decibels=decibels)
                yield kind, decibels >= 15, send(_loud(mixed, chance), _line(chance))
        yield "drowned", False, send(sounds.clipped(clip, decibels=36) * np.float32(0.5), _line(chance))
        lossy, _ = sounds.packets_lost(send(clip, _line(chance)), share=0.4, conceal="zeros", chance=chance)
        yield "drowned", False, lossy
    for language in material.FOR_CHOOSING:
        for clip in material.clips(material.prompts(language), chance, most=most):
            for line in LINES:
                yield "foreign", False, send(_loud(clip, chance), line)
            for decibels in FOLLOWED_DB:
                for noise in (sounds.babble(clip.size, voices, chance), _noise(clip.size, chance)):
                    mixed = sounds.noisy(clip, noise, decibels=decibels)
                    yield "foreign", False, send(_loud(mixed, chance), _line(chance))
    for clip in material.excerpts(material.music(*material.MUSIC_FOR_CHOOSING), each=most // 3):
        yield "nobody", False, send(_loud(clip, chance), _line(chance))
    for make in (sounds.tune, sounds.sweep, sounds.touch_tones, sounds.busy, sounds.fax, sounds.hum):
        for _ in range(most):
            yield "nobody", False, send(make(material.CLIP_S, chance), _line(chance))


def listen(transcriber: CtcTranscriber, sound: Floats) -> tuple[Passage, ...]:
    """The passages that an ear would tell of this sound."""
    pcm = np.asarray(np.clip(sound, -1, 1) * 32_767, dtype=np.int16)
    activity, stream, following = WebrtcVoiceActivity(), transcriber.open(Role.UNKNOWN), Following()
    for start in range(0, pcm.size, sounds.RATE):
        for block in activity.feed(pcm[start : start + sounds.RATE]):
            following.feed(block, stream.feed(block))
    for block in activity.finish():
        following.feed(block, stream.feed(block))
    following.finish(stream.finish())
    return following.passages


def fit(heard: Sequence[Heard], wanted: Callable[[Heard], bool]) -> Scale:
    """Logistic regression by Newton's method; both sides weigh alike."""
    facts = np.array([one.facts for one in heard])
    labels = np.array([wanted(one) for one in heard], dtype=np.float64)
    centre, spread = facts.mean(axis=0), facts.std(axis=0) + 1e-9
    design = np.column_stack([(facts - centre) / spread, np.ones(len(facts))])
    share = np.where(labels > 0, 0.5 / labels.mean(), 0.5 / (1 - labels.mean())) / len(labels)
    weights = np.zeros(design.shape[1])
    ridge = PENALTY * np.eye(weights.size)
    ridge[-1, -1] = 0.0
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -40, 40)))
        slope = design.T @ (share * (chance - labels)) + ridge @ weights
        bend = (design * (share * chance * (1 - chance))[:, None]).T @ design + ridge
        weights -= np.linalg.solve(bend + 1e-9 * np.eye(weights.size), slope)
    each = weights[:-1] / spread
    bias = float(weights[-1] - each @ centre)
    return Scale(
        bias=round(bias, 3), weights={n: round(float(w), 3) for n, w in zip(FACTS, each, strict=True)}
    )


def word_strings(chance: np.random.Generator, *, most: int) -> Iterator[Floats]:
    """Words of audio_cmn one after another, as two other speakers say them."""
    with tarfile.open(material.DATA / "audio_cmn" / "words.tar") as archive:
        names = sorted(m.name for m in archive if m.name.endswith(".mp3"))
        for _ in range(most):
            pieces: list[Floats] = []
            while sum(map(len, pieces)) < material.CLIP_S * sounds.RATE:
                file = archive.extractfile(names[int(chance.integers(len(names)))])
                assert file is not None
                pieces.append(_decoded(file.read()))
            yield np.concatenate(pieces)


def _decoded(content: bytes) -> Floats:
    with av.open(io.BytesIO(content)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=sounds.RATE)
        pieces = [p.to_ndarray()[0] for f in container.decode(audio=0) for p in resampler.resample(f)]
    return np.asarray(np.concatenate(pieces), dtype=np.float32) / np.float32(32_768)


def _noise(size: int, chance: np.random.Generator) -> Floats:
    return sounds.white(size, chance) if chance.random() < 0.5 else sounds.coloured(size, chance)


def _line(chance: np.random.Generator) -> Line:
    return LINES[int(chance.integers(len(LINES)))]


def _loud(sound: Floats, chance: np.random.Generator) -> Floats:
    """At a peak of -20 to -1 dBFS."""
    return np.asarray(sound / np.abs(sound).max() * 10 ** (chance.uniform(-20, -1) / 20), dtype=np.float32)


if __name__ == "__main__":
    main()
