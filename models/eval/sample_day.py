"""What the spotter finds in the sample day: self-made dialogues in a synthetic voice; nothing was tuned on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Figure
from compline_edge.core.spotter import Spotted, Spotter
from compline_edge.core.spotter_thresholds import parse_thresholds
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.recording import RecordingError, open_recording
from compline_edge.senses.voice_activity import WebrtcVoiceActivity
from compline_shared.lexicon import Entry, parse_pack
from compline_shared.taxonomy import Category, Role

MODELS = Path("models")
DAY = Path("packaging/sample-day")
EXPECTED = DAY / "expected.json"

NEAR = 2.0
"""Seconds by which a sighting may lie beside what was said."""


@dataclass(frozen=True, slots=True)
class Said:
    """One violation that the script holds."""

    category: str
    start: float  # s
    end: float  # s


def figures(*, models: Path = MODELS, day: Path = DAY) -> Iterator[Figure]:
    """Yield recall of each category and false alarms an hour, of the audio spotter alone."""
    entries = {
        entry.id: entry
        for path in sorted((models / "lexicons" / "zh-CN").glob("*.lex"))
        for entry in parse_pack(path.read_text(encoding="utf-8"), name=path.name).entries
        if entry.category is not Category.MISSING_DISCLOSURE
    }
    transcriber = CtcTranscriber(models / "zh-ctc-telephone")
    thresholds = parse_thresholds((models / "spotter" / "thresholds.json").read_bytes())
    spotter = Spotter(entries.values(), thresholds)
    said: dict[str, int] = {}
    found: dict[str, int] = {}
    wrong, seconds = 0, 0.0
    for call in json.loads((day / "expected.json").read_text(encoding="utf-8"))["calls"]:
        sightings, length = spot(day / call["path"], transcriber, spotter)
        seconds += length
        expected = [
            Said(f["category"], f["start_s"], f["end_s"])
            for f in call["findings"]
            if f["start_s"] is not None
        ]
        for one in expected:
            said[one.category] = said.get(one.category, 0) + 1
            found[one.category] = found.get(one.category, 0) + any(_fits(s, one, entries) for s in sightings)
        tolerated = set(call["tolerated"])
        wrong += sum(
            entries[s.entry].category.code not in tolerated and not any(_near(s, one) for one in expected)
            for s in sightings
        )
    for category in sorted(said):
        yield Figure(
            f"sample_day_recall_{category}", found[category] / said[category], "share", None, "higher"
        )
    yield Figure("sample_day_recall", sum(found.values()) / sum(said.values()), "share", None, "higher")
    yield Figure("sample_day_false_alarms_a_channel_hour", wrong / (seconds / 3600), "1/h", None, "lower")


def spot(path: Path, transcriber: CtcTranscriber, spotter: Spotter) -> tuple[list[Spotted], float]:
    """Spot in the collector's channel (the first of two, or the only one); with its seconds."""
    sightings: list[Spotted] = []
    voice, stream, spotting = WebrtcVoiceActivity(), transcriber.open(Role.COLLECTOR), spotter.open()
    seconds = 0.0
    try:
        with open_recording(path) as recording:
            for block in recording.blocks():
                seconds += block.shape[1] / 16_000
                for speech in voice.feed(block[0]):
                    for piece in stream.feed(speech).posteriors:
                        sightings += spotting.feed(piece)
    except RecordingError:
        return [], 0.0  # the day holds damaged recordings on purpose
    for speech in voice.finish():
        for piece in stream.feed(speech).posteriors:
            sightings += spotting.feed(piece)
    for piece in stream.finish().posteriors:
        sightings += spotting.feed(piece)
    return [*sightings, *spotting.finish()], seconds


def _fits(sighting: Spotted, said: Said, entries: dict[int, Entry]) -> bool:
    return entries[sighting.entry].category.code == said.category and _near(sighting, said)


def _near(sighting: Spotted, said: Said) -> bool:
    return sighting.start <= said.end + NEAR and sighting.end >= said.start - NEAR
