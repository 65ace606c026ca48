"""Errors of what is read with the language model beside the same weights read greedily; numbers in per cent.

aishell_s0252 reads news and commands, the public recordings are read and conversational: neither is what the language
model learnt. The sample day's turns are self-made, in its own field, and spoken by a machine over telephone lines.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from models.eval.pinyin_error import (
    DATA,
    OURS,
    RATE,
    SETS,
    Figure,
    Pcm,
    Recording,
    Score,
    character_errors,
    han,
    interval,
    pinyin_errors,
    rate,
    read_set,
    through_mulaw,
)

from compline_edge.core.speech import SpeechBlock
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.language_model import load_language_model
from compline_edge.senses.recording import LIMIT_S, open_recording
from compline_shared.taxonomy import Role

LANGUAGE_MODEL = Path("models/zh-ngram")
DAY = Path("packaging/sample-day")
MEASURES: tuple[tuple[str, Callable[[str, str], Score]], ...] = (
    ("cer", character_errors),
    ("pinyin_error", pinyin_errors),
)


def figures(*, data: Path = DATA, ours: Path = OURS) -> Iterator[Figure]:
    """Yield errors on each set and line, `against` greedily read; then what the beam costs, % of real time."""
    plain, reading = CtcTranscriber(ours), CtcTranscriber(ours, load_language_model(LANGUAGE_MODEL))
    cost = seconds = 0.0
    for name, recordings in _sets(data):
        texts = [one.text for one in recordings]
        started = time.process_time()
        greedy = [_said(plain, one.samples) for one in recordings]
        halfway = time.process_time()
        read = [_said(reading, one.samples) for one in recordings]
        cost += (time.process_time() - halfway) - (halfway - started)
        seconds += sum(len(one.samples) for one in recordings) / RATE
        for measure, count in MEASURES:
            yield _figure(f"read_{measure}_{name}", texts, read, greedy, count)
    share = round(100.0 * cost / seconds, 3)
    yield Figure("reading_real_time_factor", share, "%", 2.0, None, "lower", share, share)


def _sets(data: Path) -> Iterator[tuple[str, list[Recording]]]:
    for name in SETS:
        if (data / name).is_dir():
            recordings = read_set(data / name)
            yield f"{name}_16k", recordings
            yield f"{name}_8k_mulaw", [Recording(through_mulaw(one.samples), one.text) for one in recordings]
    yield "sample_day", list(_turns())


def _turns() -> Iterator[Recording]:
    """The turns of the sample day's calls, each cut out of its channel; what is not in characters is left out."""
    for call in json.loads((DAY / "expected.json").read_text(encoding="utf-8"))["calls"]:
        with open_recording(DAY / call["path"], limit_s=LIMIT_S) as recording:
            channels = np.concatenate(list(recording.blocks()), axis=1)
        for turn in call.get("utterances", []):
            first, last = (int(turn[edge] * RATE) for edge in ("start_s", "end_s"))
            samples = channels[min(turn["channel"], len(channels) - 1), first:last]
            text = han(turn["text"])
            if text and len(samples) > RATE // 2:
                yield Recording(np.ascontiguousarray(samples), text)


def _said(transcriber: CtcTranscriber, samples: Pcm) -> str:
    heard = transcriber.open(Role.UNKNOWN).feed(SpeechBlock(0.0, samples, ends=True))
    return han("".join(one.text for one in heard.utterances))


def _figure(
    name: str,
    texts: Sequence[str],
    read: Sequence[str],
    greedy: Sequence[str],
    count: Callable[[str, str], Score],
) -> Figure:
    ours = [count(text, said) for text, said in zip(texts, read, strict=True)]
    value, (low, high) = rate(ours), interval(ours)
    against = rate([count(text, said) for text, said in zip(texts, greedy, strict=True)])
    return Figure(
        name=name,
        value=round(value, 2),
        unit="%",
        against=round(against, 2),
        ratio=round(value / against, 4) if against else None,
        better="lower",
        ci_low=round(low, 2),
        ci_high=round(high, 2),
    )
