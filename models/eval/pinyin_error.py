"""Character and pinyin error of the shipped Mandarin model beside its base, clean and over the telephone."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import soxr
from numpy.typing import NDArray
from pypinyin import lazy_pinyin

from compline_edge.senses.features import FeatureStream

RATE = 16_000
FULL_SCALE = 32_768
TELEPHONE_RATE = 8_000
RESAMPLES = 2_000
SETS = ("asr_refs", "aishell_s0252")
OURS = Path("models/zh-ctc-telephone")
BASE = Path("../shared/models/zh-ctc-fsmn")
DATA = Path("../shared/data")

Floats = NDArray[np.float32]
Pcm = NDArray[np.int16]
Hear = Callable[[Pcm], str]
Score = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of `make eval`, in per cent; against is the base model on the same recordings."""

    name: str
    value: float
    unit: str
    against: float | None
    ratio: float | None
    better: str
    ci_low: float
    ci_high: float

    def line(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Cmvn:
    """Normalisation of stacked features: (x + shift) * scale, both [400]."""

    shift: Floats
    scale: Floats


@dataclass(frozen=True, slots=True)
class Recording:
    """Mono 16 kHz samples with the Han characters that were said."""

    samples: Pcm
    text: str


def figures(*, data: Path, ours: Path, base: Path) -> Iterator[Figure]:
    """Measure both models on every set and channel; the base is left out where its folder is absent."""
    hear_ours = listener(
        ours / "model.tflite", cmvn=read_cmvn(ours / "cmvn.json"), tokens=read_tokens(ours / "tokens.txt")
    )
    hear_base = None
    if base.is_dir():
        hear_base = listener(
            base / "fsmn_kws_f32.tflite",
            cmvn=read_kaldi_cmvn(base / "am.mvn.dim80_l2r2"),
            tokens=read_tokens(base / "tokens_2599.txt"),
        )
    for name in SETS:
        recordings = read_set(data / name)
        for channel, transmit in (("16k", _unchanged), ("8k_mulaw", through_mulaw)):
            heard = [transmit(recording.samples) for recording in recordings]
            texts = [recording.text for recording in recordings]
            said_ours = [hear_ours(samples) for samples in heard]
            said_base = None if hear_base is None else [hear_base(samples) for samples in heard]
            for measure, count in (("cer", character_errors), ("pinyin_error", pinyin_errors)):
                yield _figure(
                    f"ctc_{measure}_{name}_{channel}",
                    [count(text, said) for text, said in zip(texts, said_ours, strict=True)],
                    None
                    if said_base is None
                    else [count(text, said) for text, said in zip(texts, said_base, strict=True)],
                )


def listener(model: Path, *, cmvn: Cmvn, tokens: Sequence[str]) -> Hear:
    """Load a TFLite model; the result maps 16 kHz samples to their greedy Han transcript."""
    interpreter = _interpreter(model)
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def hear(samples: Pcm) -> str:
        stream = FeatureStream(shift=cmvn.shift, scale=cmvn.scale)
        features = np.concatenate([stream.feed(samples), stream.finish()])[None]
        if not features.shape[1]:
            return ""
        interpreter.resize_tensor_input(source, features.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(source, features)
        interpreter.invoke()
        return greedy(interpreter.get_tensor(target)[0], tokens)

    return hear


def greedy(logits: Floats, tokens: Sequence[str]) -> str:
    """Best path of [steps, tokens] logits with repeats and blanks (index 0) removed, Han characters only."""
    best = logits.argmax(axis=1)
    kept = best[np.flatnonzero(np.diff(best, prepend=-1))]
    return han("".join(tokens[index] for index in kept if index))


def han(text: str) -> str:
    """The Han characters of a text: digits are spelled out in the references, Latin names are not counted."""
    return "".join(re.findall(r"[\u4e00-\u9fff]", text))


def character_errors(reference: str, said: str) -> Score:
    """Edits and length in characters."""
    return edits(reference, said), len(reference)


def pinyin_errors(reference: str, said: str) -> Score:
    """Edits and length in toneless syllables."""
    return edits(lazy_pinyin(reference), lazy_pinyin(said)), len(reference)


def edits(left: Sequence[str], right: Sequence[str]) -> int:
    """Levenshtein distance."""
    row = list(range(len(right) + 1))
    for index, wanted in enumerate(left, start=1):
        corner, row[0] = row[0], index
        for column, got in enumerate(right, start=1):
            corner, row[column] = (
                row[column],
                min(corner + (wanted != got), row[column] + 1, row[column - 1] + 1),
            )
    return row[-1]


def rate(scores: Sequence[Score]) -> float:
    """Errors in per cent of the reference length, over all recordings together."""
    return 100.0 * sum(wrong for wrong, _ in scores) / max(1, sum(length for _, length in scores))


def interval(scores: Sequence[Score], *, seed: int = 7) -> tuple[float, float]:
    """95 % bootstrap interval of `rate`, resampling whole recordings."""
    table = np.array(scores, dtype=np.float64)
    draws = np.random.default_rng(seed).integers(len(table), size=(RESAMPLES, len(table)))
    sums = table[draws].sum(axis=1)
    low, high = np.percentile(100.0 * sums[:, 0] / sums[:, 1], [2.5, 97.5])
    return float(low), float(high)


def through_mulaw(samples: Pcm) -> Pcm:
    """Send 16 kHz samples over an 8 kHz line with mu-law companding (256 levels, mu 255) and back."""
    narrow = np.clip(soxr.resample(samples / FULL_SCALE, RATE, TELEPHONE_RATE), -1.0, 1.0)
    levels = np.round(np.log1p(255.0 * np.abs(narrow)) / np.log(256.0) * 127.0) / 127.0
    restored = np.sign(narrow) * np.expm1(levels * np.log(256.0)) / 255.0
    wide = soxr.resample(restored, TELEPHONE_RATE, RATE) * FULL_SCALE
    return np.asarray(np.clip(np.round(wide), -FULL_SCALE, FULL_SCALE - 1), dtype=np.int16)


def read_set(folder: Path) -> list[Recording]:
    """Recordings that transcripts.tsv of a folder names, in its order."""
    rows = [
        line.split("\t") for line in (folder / "transcripts.tsv").read_text(encoding="utf-8").splitlines()
    ]
    return [Recording(samples=read_audio(folder / row[0]), text=han(row[1])) for row in rows]


def read_audio(path: Path) -> Pcm:
    """Decode any audio file to mono 16 kHz samples."""
    parts: list[Pcm] = []
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        for frame in (*container.decode(audio=0), None):
            parts += [np.asarray(piece.to_ndarray()[0], np.int16) for piece in resampler.resample(frame)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)


def read_tokens(path: Path) -> list[str]:
    """One token a line; the line number is the model's output index."""
    return path.read_text(encoding="utf-8").splitlines()


def read_cmvn(path: Path) -> Cmvn:
    """Read {"shift": [400], "scale": [400]}."""
    stored = json.loads(path.read_text())
    shift, scale = (np.array(stored[name], dtype=np.float32) for name in ("shift", "scale"))
    return Cmvn(shift=shift, scale=scale)


def read_kaldi_cmvn(path: Path) -> Cmvn:
    """Read the <AddShift> and <Rescale> rows of a Kaldi nnet text file."""
    rows = re.findall(r"<LearnRateCoef>\s+0\s+\[([^\]]+)\]", path.read_text())
    if len(rows) != 2:
        raise ValueError(
            f"{path.name} holds {len(rows)} rows of numbers where a shift and a scale are needed"
        )
    shift, scale = (np.array(row.split(), dtype=np.float32) for row in rows)
    return Cmvn(shift=shift, scale=scale)


def _figure(name: str, ours: Sequence[Score], base: Sequence[Score] | None) -> Figure:
    value, (low, high) = rate(ours), interval(ours)
    against = None if base is None else rate(base)
    return Figure(
        name=name,
        value=round(value, 2),
        unit="%",
        against=None if against is None else round(against, 2),
        ratio=round(value / against, 4) if against else None,
        better="lower",
        ci_low=round(low, 2),
        ci_high=round(high, 2),
    )


def _unchanged(samples: Pcm) -> Pcm:
    return samples


def _interpreter(model: Path) -> Any:  # noqa: ANN401 (two packages, neither typed)
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tflite_runtime.interpreter import Interpreter
    return Interpreter(str(model), num_threads=1)


def main() -> None:
    """Print one JSON line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=DATA, help="folder of evaluation sets (default: %(default)s)"
    )
    parser.add_argument(
        "--base", type=Path, default=BASE, help="folder of the base model (default: %(default)s)"
    )
    parser.add_argument(
        "--ours", type=Path, default=OURS, help="folder of the shipped model (default: %(default)s)"
    )
    given = parser.parse_args()
    for figure in figures(data=given.data, ours=given.ours, base=given.base):
        print(json.dumps(asdict(figure), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
