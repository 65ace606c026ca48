"""An hour of sound is decoded in memory that does not grow with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.speech import Channels
from tests.audio import ENCODINGS, encode_blocks, speechlike

BY_NAME = {encoding.name: encoding for encoding in ENCODINGS}
MINUTES = 60
HOUR_OF_SAMPLES_MB = 2 * 2 * 16_000 * 3_600 / 1e6  # what holding it all would take

DECODE = """
import sys
from pathlib import Path
from compline_edge.senses.recording import open_recording

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

before = peak()
with open_recording(Path(sys.argv[1])) as recording:
    kept = list(recording.blocks()) if sys.argv[2] == "kept" else [None for _ in recording.blocks()]
print(round(recording.heard_s), round((peak() - before) / 1e3))
"""


def an_hour() -> Iterator[Channels]:
    minute = np.stack([speechlike(60, rate=8_000), np.zeros(60 * 8_000, np.int16)])
    return (minute for _ in range(MINUTES))


def decode(path: Path, *, how: str) -> tuple[int, int]:
    """Seconds heard and megabytes that the process grew by."""
    done = subprocess.run(
        [sys.executable, "-c", DECODE, str(path), how], capture_output=True, text=True, check=True
    )
    heard, grown = done.stdout.split()
    return int(heard), int(grown)


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hour") / "call.wav"
    return encode_blocks(path, an_hour(), rate=8_000, encoding=BY_NAME["wav-pcm_alaw"], channels=2)


def test_recording_when_it_lasts_an_hour_then_memory_grows_by_less_than_25_mb(hour: Path) -> None:
    heard, grown = decode(hour, how="streamed")
    assert heard == 3_600
    assert grown < 25


def test_recording_when_every_block_is_kept_then_the_same_measurement_notices(hour: Path) -> None:
    _, grown = decode(hour, how="kept")
    assert grown > 0.9 * HOUR_OF_SAMPLES_MB
