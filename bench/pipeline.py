"""The whole way of a call, decode to findings, for one hour on one core, beside decoding it alone; and its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame

from bench.figure import Figure
from compline_edge.senses.recording import open_recording

HOUR = 3600  # s
REAL_TIME_GOAL = 0.05  # s of one core a second of call
MEMORY_GOAL = 250.0  # MB
SAMPLE_DAY = Path(__file__).parents[1] / "packaging" / "sample-day" / "calls"
FORMS = (("mono", 1), ("stereo", 2))


def figures() -> Iterable[Figure]:
    """Yield real-time factor and peak memory of `inspect` on an hour of calls, mono and stereo, in AAC."""
    with tempfile.TemporaryDirectory() as folder:
        for form, channels in FORMS:
            hour = Path(folder) / f"{form}.m4a"
            seconds = _make_hour(hour, channels)
            decoding, _ = _measured(_DECODE, hour)
            judging, memory = _measured(_JUDGE, hour)
            yield Figure(
                f"pipeline_{form}_real_time_factor", judging / seconds, "s/s", decoding / seconds, "lower"
            )
            yield Figure(
                f"pipeline_{form}_real_time_factor_against_goal",
                judging / seconds,
                "s/s",
                REAL_TIME_GOAL,
                "lower",
            )
            yield Figure(f"pipeline_{form}_peak_memory_against_goal", memory, "MB", MEMORY_GOAL, "lower")


_DECODE = """
import sys
from pathlib import Path
from compline_edge.senses.recording import open_recording
with open_recording(Path(sys.argv[1])) as recording:
    for _ in recording.blocks():
        pass
"""
_JUDGE = """
import sys
from compline_edge.cli import app
app(["inspect", "--format", "jsonl", sys.argv[1]], standalone_mode=False)
"""
_AROUND = """
import os, resource, sys, json
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
code = sys.argv.pop(1)
try:
    exec(code)
except SystemExit:
    pass
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024}), file=sys.stderr)
"""


def _measured(code: str, hour: Path) -> tuple[float, float]:
    """Run `code` in a process of its own on one core; returns its processor seconds and peak resident megabytes."""
    done = subprocess.run(
        [sys.executable, "-c", _AROUND, code, str(hour)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    used = json.loads(done.stderr.strip().splitlines()[-1])
    return used["cpu"], used["megabytes"]


def _make_hour(path: Path, channels: int) -> float:
    """Write an hour of the sample day's calls, again and again, as phones do (AAC, 16 kHz); returns its seconds."""
    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono" if channels == 1 else "stereo")
        stream.bit_rate = 32_000 * channels
        samples = 0
        for block in _calls(channels):
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(block.T.reshape(1, -1)),
                format="s16",
                layout="mono" if channels == 1 else "stereo",
            )
            frame.sample_rate = 16_000
            frame.pts = samples
            samples += block.shape[1]
            for packet in stream.encode(frame):
                container.mux(packet)
            if samples >= HOUR * 16_000:
                break
        for packet in stream.encode(None):
            container.mux(packet)
    return samples / 16_000


def _calls(channels: int) -> Iterator[np.ndarray]:
    while True:
        for path in sorted(p for p in SAMPLE_DAY.rglob("*") if p.is_file()):
            with open_recording(path) as recording:
                for block in recording.blocks():
                    yield (
                        block.mean(axis=0, keepdims=True).astype(np.int16) if channels == 1 else _pair(block)
                    )


def _pair(block: np.ndarray) -> np.ndarray:
    return block if len(block) == 2 else np.repeat(block, 2, axis=0)
