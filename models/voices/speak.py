"""Speaks a list of sentences with the sample day's synthetic voice, in the environment of that voice.

    .run/voices/.venv/bin/python models/voices/speak.py LIST.tsv

A line is a voice and a text. What is kept already is not spoken again, so that a run that was stopped goes on.
"""

from __future__ import annotations

import os
import re
import sys
import time
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "packaging" / "sample-day")]
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402 (the path comes first)
import numpy.typing as npt  # noqa: E402
import soxr  # noqa: E402
from models.voices.casting import RATE, VOICES, Utterance  # noqa: E402

from day_script import Manner, Timbre  # noqa: E402
from day_voice import VOICE_RATE, Speaker  # noqa: E402

LONGEST = 40
"""Characters that the voice says in one go; from there on it is divided at a pause."""
PAUSE = 0.22
"""Seconds between two goes."""
TOLD_EVERY = 50
_PART = re.compile(r"[^，。！？、；：,!?;]+[，。！？、；：,!?;]*")


def parts(text: str) -> list[str]:
    """A text in goes of at most `LONGEST` characters, where its pauses allow."""
    goes: list[str] = []
    for part in _PART.findall(text):
        if goes and len(goes[-1]) + len(part) <= LONGEST:
            goes[-1] += part
        else:
            goes.append(part)
    return goes


def spoken(speaker: Speaker, utterance: Utterance) -> npt.NDArray[np.int16]:
    """Samples [n] at RATE; the same every time."""
    voice = VOICES[utterance.voice]
    played = voice.pitch if voice.pitch == voice.formant else 1.0
    timbre = Timbre(pitch=voice.pitch / played, formant=voice.formant / played, speed=voice.speed * played)
    silence = np.zeros(int(PAUSE * played * VOICE_RATE))
    said: list[npt.NDArray[np.float64]] = []
    for go in parts(utterance.text):
        said += [speaker.say(go, timbre, Manner(), f"{utterance.voice} {go}"), silence]
    samples = soxr.resample(np.concatenate(said[:-1]), VOICE_RATE * played, RATE)
    return np.asarray(np.clip(np.round(samples * 32_767), -32_768, 32_767), dtype=np.int16)


def main() -> None:
    """Speak what is not there yet."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    listed = [Utterance(*line.split("\t")) for line in lines]
    left = [utterance for utterance in dict.fromkeys(listed) if not utterance.path.exists()]
    print(f"{len(listed)} listed, {len(left)} to speak", flush=True)
    speaker = Speaker({})
    begun, seconds = time.monotonic(), 0.0
    for count, utterance in enumerate(left, 1):
        samples = spoken(speaker, utterance)
        keep(utterance.path, samples)
        seconds += len(samples) / RATE
        if count % TOLD_EVERY == 0 or count == len(left):
            took = time.monotonic() - begun
            print(
                f"  {count} of {len(left)}: {seconds / 60:.1f} min of speech in {took / 60:.1f} min",
                flush=True,
            )


def keep(path: Path, samples: npt.NDArray[np.int16]) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    with wave.open(str(draft), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    draft.rename(path)


if __name__ == "__main__":
    main()
