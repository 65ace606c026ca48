"""How soon after a phrase's last syllable its finding exists, and stands on the page, with audio at real-time pace."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
import wave
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bench.figure import Figure
from compline_edge.senses.recording import open_recording

sys.path.insert(0, str(Path(__file__).parents[1] / "packaging" / "demo"))

from phone import record_live
from programs import Stage, stage
from sample_day import Call, load_day

GOAL = 3.0  # s, 95th percentile
NEAR = 4.0  # s between a phrase's start and its finding's offset within which they are the same
AT_ONCE = 2  # calls that run at the same time


@dataclass(frozen=True, slots=True)
class Seen:
    """A live finding, when it was kept on the handset and when the page had it, Unix s."""

    started: int
    category: str
    offset: int
    kept: float
    shown: float


@dataclass(slots=True)
class Watcher:
    """Follows the page's own event stream."""

    events: list[tuple[float, dict[str, object]]] = field(default_factory=list)


def figures() -> Iterable[Figure]:
    """Yield the 50th and 95th percentile to finding and to page, over every phrase of the sample day that was found."""
    calls = [call for call in load_day().calls if any(said.end_s for said in call.findings)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with stage(folder / "stage") as running, _watching(running) as watcher:
            began: dict[str, float] = {}
            for place in range(0, len(calls), AT_ONCE):
                _play(calls[place : place + AT_ONCE], running, folder, began)
            time.sleep(GOAL)  # what is still under way may arrive
        seen = _seen(watcher, folder / "stage" / "handset" / "logs" / "agent.jsonl")
    kept, shown, said = _delays(calls, began, seen)
    for name, delays in (("finding", kept), ("page", shown)):
        yield Figure(f"latency_phrase_end_to_{name}_p50", statistics.median(delays), "s", GOAL, "lower")
        yield Figure(f"latency_phrase_end_to_{name}_p95", _percentile(delays, 0.95), "s", GOAL, "lower")
    yield Figure("latency_phrases_found_live", len(shown), "phrases", said, "higher")


def _play(calls: Sequence[Call], running: Stage, folder: Path, began: dict[str, float]) -> None:
    threads = []
    for call in calls:
        source = folder / f"{call.id}.wav"
        _as_wav(call.recording, source)
        target = (running.storage / call.path).with_suffix(".wav")

        def record(call: Call = call, source: Path = source, target: Path = target) -> None:
            began[call.id] = record_live(source, target, stop=threading.Event())

        threads.append(threading.Thread(target=record))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _as_wav(recording: Path, target: Path) -> None:
    with open_recording(recording) as reader, wave.open(str(target), "wb") as out:
        for number, block in enumerate(reader.blocks()):
            if number == 0:
                out.setnchannels(len(block))
                out.setsampwidth(2)
                out.setframerate(16_000)
            out.writeframes(block.T.tobytes())


@contextmanager
def _watching(running: Stage) -> Iterator[Watcher]:
    watcher = Watcher()
    answer = urllib.request.urlopen(f"{running.page}api/stream", timeout=600)

    def follow() -> None:
        for line in answer:
            if line.startswith(b"data:") and isinstance(event := json.loads(line[5:]), dict):
                watcher.events.append((time.time(), event))

    threading.Thread(target=follow, daemon=True).start()
    yield watcher


def _seen(watcher: Watcher, log: Path) -> list[Seen]:
    """Join what the page got with when the agent's log says that the verdict was kept."""
    kept = {
        event["seq"]: datetime.fromisoformat(event["timestamp"]).timestamp()
        for event in map(json.loads, log.read_text(encoding="utf-8").splitlines())
        if event["event"] == "verdict_kept"
    }
    seen = []
    for shown, event in watcher.events:
        if event.get("pass") == "live":
            verdict = json.loads(json.dumps(event))
            seen += [
                Seen(verdict["started"], f["category"], f["offset"], kept[verdict["seq"]], shown)
                for f in verdict["findings"]
            ]
    return seen


def _delays(
    calls: Sequence[Call], began: dict[str, float], seen: Sequence[Seen]
) -> tuple[list[float], list[float], int]:
    kept, shown, said = [], [], 0
    for call in calls:
        minute = int(call.started.timestamp()) // 60
        for phrase in call.findings:
            if phrase.start_s is None or phrase.end_s is None:
                continue
            said += 1
            about = [
                s
                for s in seen
                if s.started // 60 == minute
                and s.category == phrase.category
                and abs(s.offset - phrase.start_s) <= NEAR
            ]
            if about:
                ended = began[call.id] + phrase.end_s
                kept.append(min(s.kept for s in about) - ended)
                shown.append(min(s.shown for s in about) - ended)
    return kept, shown, said


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
