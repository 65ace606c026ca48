"""A judge with the shipped model over an enrolled home, for tests of what it keeps."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta, timezone
from functools import cache
from pathlib import Path

from compline_edge.judging import Judge
from compline_edge.senses.watch import Arrival, existing
from compline_edge.settings import EdgeSettings
from compline_edge.vault.home import Home
from compline_edge.wiring import Instruments, instruments
from tests.edge_program import SAMPLE_DAY
from tests.homes import SystemClock, enrolled, opened

SPOKEN = SAMPLE_DAY / "calls/Recordings/Call/Call recording 孙浩_261120_101231.wav"
"""41 s, stereo, with threats."""


@cache
def _instruments() -> Instruments:
    return instruments(EdgeSettings())


@contextmanager
def judging(folder: Path, *, remove_originals: bool = False) -> Iterator[Judge]:
    """Open a fresh home in `folder` and yield a judge over it."""
    with opened(enrolled(folder), outbox_limit=2**24) as home:
        yield judge_over(home, remove_originals=remove_originals)


def judge_over(home: Home, *, remove_originals: bool = False) -> Judge:
    """A judge over a home that is open."""
    ready = _instruments()
    return Judge(
        home=home,
        listener=ready.listener,
        versions=ready.versions,
        clock=SystemClock(),
        zone=timezone(timedelta(hours=8)),
        longest=3600.0,
        remove_originals=remove_originals,
    )


def arrival_of(path: Path) -> Arrival:
    """The arrival of a file as it lies there now."""
    (arrival,) = (arrival for arrival in existing(path.parent) if arrival.path == path)
    return arrival


def write_call(path: Path, *, seconds: float) -> Path:
    """Write the beginning of a spoken call, into the same file where it is there already."""
    with wave.open(str(SPOKEN), "rb") as spoken:
        parameters = spoken.getparams()
        frames = spoken.readframes(round(seconds * parameters.framerate))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with path.open("r+b") as file, wave.open(file, "wb") as call:
        call.setparams(parameters)
        call.writeframes(frames)
    return path
