"""Runs every measurement, one JSON line each, and keeps the newest of each name in bench/latest.jsonl."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from bench.figure import keep

TOPICS = (
    "wire",
    "https",
    "keys",
    "intake",
    "links",
    "lexicon_scan",
    "chat_message",
    "speech",
    "pipeline",
    "latency",
    "connections",
)
LATEST = Path(__file__).with_name("latest.jsonl")


def main() -> int:
    """Run the topics named on the command line, or all of them."""
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Speed and size on one core, each figure beside a reference in the same run.",
    )
    parser.add_argument(
        "topics", nargs="*", metavar="TOPIC", help=f"any of: {', '.join(TOPICS)} (default: all)"
    )
    chosen = parser.parse_args().topics or TOPICS
    unknown = [topic for topic in chosen if topic not in TOPICS]
    if unknown:
        parser.error(f"no topic {unknown[0]!r}; choose from {', '.join(TOPICS)}")
    fresh: list[str] = []
    for topic in chosen:
        print(f"measuring {topic} ...", file=sys.stderr, flush=True)
        for figure in importlib.import_module(f"bench.{topic}").figures():
            fresh.append(figure.line())
            print(fresh[-1], flush=True)
    keep(fresh, LATEST)
    return 0


if __name__ == "__main__":
    sys.exit(main())
