"""Runs every recognition measurement, one JSON line each; models/eval/latest.jsonl keeps the newest of a name."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.eval import (  # noqa: E402 (the path comes first)
    authored_sets,
    crosstalk,
    doubt,
    emotion,
    pinyin_error,
    reading,
    sample_day,
    sentences,
    speaker,
    spoken,
    spotting,
    text_model,
)
from models.voices.casting import AUDIO  # noqa: E402

from bench.figure import keep  # noqa: E402 (the path comes first)

LATEST = Path(__file__).with_name("latest.jsonl")


def pinyin_lines() -> Iterator[str]:
    """Character and pinyin error."""
    figures = pinyin_error.figures(data=spotting.DATA, ours=pinyin_error.OURS, base=pinyin_error.BASE)
    return (json.dumps(asdict(figure), ensure_ascii=False) for figure in figures)


def reading_lines() -> Iterator[str]:
    """Errors of what is read with the language model."""
    return (json.dumps(asdict(figure), ensure_ascii=False) for figure in reading.figures())


def spotting_lines() -> Iterator[str]:
    """Phrases found in an unseen speaker's speech."""
    return (figure.line() for figure in spotting.figures(base=spotting.base_model(pinyin_error.BASE)))


def sample_day_lines() -> Iterator[str]:
    """Violations found in the sample day's calls, which are self-made and spoken by a machine."""
    return (figure.line() for figure in sample_day.figures())


def sentence_lines() -> Iterator[str]:
    """Violations found in written sentences."""
    return (figure.line() for figure in sentences.figures())


def authored_lines() -> Iterator[str]:
    """Violations found and lawful talk left alone in what was written without sight of the lexicon."""
    return (figure.line() for figure in authored_sets.figures())


def spoken_lines() -> Iterator[str]:
    """The authored sentences and compliant calls spoken over the telephone, in synthetic voices."""
    return (figure.line() for figure in spoken.figures())


def text_model_lines() -> Iterator[str]:
    """The text classifier by itself."""
    return (figure.line() for figure in text_model.figures())


def doubt_lines() -> Iterator[str]:
    """What is said of sound that cannot be judged, and what is invented from it."""
    return (figure.line() for figure in doubt.figures())


def crosstalk_lines() -> Iterator[str]:
    """One speech in both channels of a call told from two."""
    return (figure.line() for figure in crosstalk.figures())


def emotion_lines() -> Iterator[str]:
    """Feelings told from an unseen speaker's voice."""
    return (figure.line() for figure in emotion.figures())


def speaker_lines() -> Iterator[str]:
    """Who speaks in calls of one channel, on speakers that nothing learnt from."""
    return (figure.line() for figure in speaker.figures())


TOPICS: dict[str, tuple[Callable[[], Iterator[str]], Path]] = {
    "pinyin_error": (pinyin_lines, spotting.DATA / "aishell_s0252"),
    "reading": (reading_lines, reading.LANGUAGE_MODEL),
    "spotting": (spotting_lines, spotting.DATA / "aishell_s0252"),
    "sentences": (sentence_lines, sentences.UNSEEN),
    "authored": (authored_lines, authored_sets.SENTENCES),
    "spoken": (spoken_lines, AUDIO),
    "text_model": (text_model_lines, text_model.MODEL),
    "doubt": (doubt_lines, doubt.MANDARIN),
    "crosstalk": (crosstalk_lines, crosstalk.DATA / crosstalk.ONE),
    "emotion": (emotion_lines, emotion.CASIA),
    "speaker": (speaker_lines, speaker.DATA / "casia_ser"),
    "sample_day": (sample_day_lines, sample_day.EXPECTED),
}
"""Each topic with the data that it needs."""
MADE_BY = {"spoken": "; .venv/bin/python -m models.voices makes it, in about half an hour of one core"}
"""How to come by what a topic needs, where this repository can make it."""


def main() -> int:
    """Run the topics named on the command line, or all; a topic whose data is not there is left out, saying so."""
    parser = argparse.ArgumentParser(prog="make eval", description=__doc__)
    parser.add_argument(
        "topics", nargs="*", metavar="TOPIC", help=f"any of: {', '.join(TOPICS)} (default: all)"
    )
    chosen = parser.parse_args().topics or list(TOPICS)
    unknown = [topic for topic in chosen if topic not in TOPICS]
    if unknown:
        parser.error(f"no topic {unknown[0]!r}; choose from {', '.join(TOPICS)}")
    fresh: list[str] = []
    for topic in chosen:
        lines, needed = TOPICS[topic]
        if not needed.exists():
            print(
                f"{topic} left out: {needed} is not there{MADE_BY.get(topic, '')}",
                file=sys.stderr,
                flush=True,
            )
            continue
        print(f"measuring {topic} ...", file=sys.stderr, flush=True)
        for line in lines():
            fresh.append(line)
            print(line, flush=True)
    keep(fresh, LATEST)
    return 0


if __name__ == "__main__":
    sys.exit(main())
