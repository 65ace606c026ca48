"""Gives one call other words: the same moments, lengths and loudness, spoken from other calls of the sample day."""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compline_edge.core.speech import SAMPLE_RATE, Channels, Samples
from compline_edge.senses.recording import open_recording
from tests.privacy.day import SAMPLE_DAY, recording


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance of a sample call."""

    call: str
    number: int  # of the utterances in expected.json, from 0


def respoken(target: Path, base: str, *, lines: dict[int, Line], lengths: dict[int, int]) -> Path:
    """Write `base` with its utterances `lines` replaced by others', each cut to `lengths` samples and levelled."""
    channels = _decoded(base).copy()
    for number, line in lines.items():
        channel, begin, end = _place(Line(base, number))
        donor_channel, donor_begin, donor_end = _place(line)
        words = _levelled(_decoded(line.call)[donor_channel, donor_begin:donor_end][: lengths[number]])
        channels[channel, begin:end] = 0
        channels[channel, begin : begin + len(words)] = words
    with wave.open(str(target), "wb") as out:
        out.setnchannels(len(channels))
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(channels.T.tobytes())
    return target


def common_lengths(base: str, *choices: dict[int, Line]) -> dict[int, int]:
    """Return for each replaced utterance the length in samples that all choices and the original have."""
    return {
        number: min(
            end - begin
            for line in (Line(base, number), *(choice[number] for choice in choices))
            for _, begin, end in [_place(line)]
        )
        for number in choices[0]
    }


def _levelled(words: Samples, *, rms: float = 2_000.0) -> Samples:
    level = float(np.sqrt(np.mean(words.astype(np.float64) ** 2)))
    levelled: Samples = np.clip(words * (rms / level), -32_768, 32_767).astype(np.int16)
    return levelled


def _decoded(call: str) -> Channels:
    with open_recording(recording(call)) as reader:
        return np.concatenate(list(reader.blocks()), axis=1)


def _place(line: Line) -> tuple[int, int, int]:
    """Channel, first and last sample of an utterance."""
    labels = json.loads((SAMPLE_DAY / "expected.json").read_text(encoding="utf-8"))
    call = next(entry for entry in labels["calls"] if entry["id"] == line.call)
    utterance = call["utterances"][line.number]
    return (
        int(utterance["channel"] or 0),
        round(utterance["start_s"] * SAMPLE_RATE),
        round(utterance["end_s"] * SAMPLE_RATE),
    )
