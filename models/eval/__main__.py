"""Runs every recognition measurement, one JSON line each; models/eval/latest.jsonl keeps the newest of a name."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

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


class Printed(Protocol):
    """A figure that `make eval` prints."""

    def line(self) -> str:
        """Return it as one line of JSON."""
        ...


def pinyin_errors() -> Iterator[Printed]:
    """Character and pinyin error."""
    return pinyin_error.figures(data=spotting.DATA, ours=pinyin_error.OURS, base=pinyin_error.BASE)


def phrases() -> Iterator[Printed]:
    """Phrases found in an unseen speaker's speech."""
    return spotting.figures(base=spotting.base_model(pinyin_error.BASE))


TOPICS: dict[str, tuple[Callable[[], Iterator[Printed]], Path]] = {
    "pinyin_error": (pinyin_errors, spotting.DATA / "aishell_s0252"),
    "reading": (reading.figures, reading.LANGUAGE_MODEL),
    "spotting": (phrases, spotting.DATA / "aishell_s0252"),
    "sentences": (sentences.figures, sentences.UNSEEN),
    "authored": (authored_sets.figures, authored_sets.SENTENCES),
    "spoken": (spoken.figures, AUDIO),
    "text_model": (text_model.figures, text_model.MODEL),
    "doubt": (doubt.figures, doubt.MANDARIN),
    "crosstalk": (crosstalk.figures, crosstalk.DATA / crosstalk.ONE),
    "emotion": (emotion.figures, emotion.CASIA),
    "speaker": (speaker.figures, speaker.DATA / "casia_ser"),
    "sample_day": (sample_day.figures, sample_day.EXPECTED),
}
"""Each topic with the data that it needs."""
MADE_BY = {"spoken": "; .venv/bin/python -m models.voices makes it, in about an hour and a half of one core"}
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
        figures, needed = TOPICS[topic]
        if not needed.exists():
            print(
                f"{topic} left out: {needed} is not there{MADE_BY.get(topic, '')}",
                file=sys.stderr,
                flush=True,
            )
            continue
        print(f"measuring {topic} ...", file=sys.stderr, flush=True)
        for figure in figures():
            fresh.append(figure.line())
            print(fresh[-1], flush=True)
    keep(fresh, LATEST)
    return 0


if __name__ == "__main__":
    sys.exit(main())
