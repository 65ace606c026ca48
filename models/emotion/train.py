"""Makes models/zh-emotion: `python -m models.emotion.train`, on acted clips or on a company's own reviewed calls."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec
import numpy as np
from models.emotion.corpus import CASIA, LINES, clips
from models.emotion.graph import judging, listening
from models.emotion.judge import learn, lesson
from models.emotion.speakers import Measure, describe, taught
from models.manifests import pretty, vouch

from compline_edge.core.emotions import FEELINGS
from compline_edge.senses.voice_model import KIND, VOICE, KnownVoice, VoiceNetwork, probe_sound

MODELS = Path(__file__).resolve().parents[1]
RECOGNISER = MODELS / "zh-ctc-telephone"
OUT = MODELS / "zh-emotion"
NAME, VERSION, LANGUAGE = "zh-emotion", 1, "zh-CN"
TOLERANCE = 1e-2
"""Largest difference of a TFLite logit from numpy's."""
FILES = ("listening.tflite", "alone.tflite", "relative.tflite", "cmvn.json", "known_answers.json")


class ReleaseError(ValueError):
    """The written model does not compute what was learnt."""


def main() -> int:
    """Describe the clips, learn both judges, write the folder, compare it with what was learnt."""
    parser = argparse.ArgumentParser(prog="python -m models.emotion.train", description=__doc__)
    parser.add_argument(
        "--clips",
        type=Path,
        default=CASIA,
        help="folder of SPEAKER/EMOTION/NUMBER.flac (or .wav), one to five seconds each; emotions as in casia_ser, "
        "at least two speakers, ten neutral clips each",
    )
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    recogniser = (RECOGNISER / "model.tflite").read_bytes()
    (chosen.out / "listening.tflite").write_bytes(listening(recogniser))
    (chosen.out / "cmvn.json").write_bytes((RECOGNISER / "cmvn.json").read_bytes())
    heard = clips(chosen.clips)
    print(f"describing {len(heard)} clips over {len(LINES)} lines ...", file=sys.stderr, flush=True)
    voices = describe(heard, untaught(chosen.out), LINES)
    every = np.ones(len(heard), dtype=np.bool_)
    judges = {}
    for name, by in (("alone", Measure.ALONE), ("relative", Measure.ENROLLED)):
        judges[name] = taught(voices, every, by=by)
        (chosen.out / f"{name}.tflite").write_bytes(judging(judges[name]))
    network = opened(chosen.out)
    some = voices.described["mulaw"][:: max(1, len(heard) // 50)].astype(np.float32)
    baseline = some.mean(axis=0)
    quiet = some.astype(np.float64)
    quiet[:, 0] = 0.0
    for told, wanted in (
        (network.judge(some, None), judges["alone"].logits(quiet)),
        (network.judge(some, baseline), judges["relative"].logits((some - baseline).astype(np.float64))),
    ):
        if (worst := float(np.abs(told - wanted).max())) > TOLERANCE:
            raise ReleaseError(f"a TFLite file differs from what was learnt by {worst:.4f}")
    _vouch(chosen.out, network)
    return 0


def untaught(folder: Path) -> VoiceNetwork:
    """Return what describes voices, its judges empty."""
    rng = np.random.default_rng(0)
    empty = judging(
        learn(
            lesson(rng.standard_normal((60, VOICE)), np.arange(60) % len(FEELINGS)),
        )
    )
    return VoiceNetwork(
        listening=(folder / "listening.tflite").read_bytes(),
        alone=empty,
        relative=empty,
        normalisation=(folder / "cmvn.json").read_bytes(),
        name=NAME,
    )


def opened(folder: Path) -> VoiceNetwork:
    """Open what was written."""
    return VoiceNetwork(
        listening=(folder / "listening.tflite").read_bytes(),
        alone=(folder / "alone.tflite").read_bytes(),
        relative=(folder / "relative.tflite").read_bytes(),
        normalisation=(folder / "cmvn.json").read_bytes(),
        name=NAME,
    )


def _vouch(folder: Path, network: VoiceNetwork) -> None:
    """Write known_answers.json and manifest.json."""
    voice = network.describe(probe_sound())
    if voice is None:
        raise ReleaseError("the test sound has no voice in it")
    alone = network.judge(voice[None], None)[0]
    relative = network.judge(voice[None], np.zeros(VOICE, dtype=np.float32))[0]
    known = KnownVoice([round(float(x), 4) for x in alone], [round(float(x), 4) for x in relative])
    (folder / "known_answers.json").write_bytes(pretty(msgspec.to_builtins(known)))
    vouch(
        folder,
        FILES,
        name=NAME,
        version=VERSION,
        kind=KIND,
        language=LANGUAGE,
        feelings=[feeling.value for feeling in FEELINGS],
    )


if __name__ == "__main__":
    sys.exit(main())
