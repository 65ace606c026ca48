"""The public base model: its weights, normalisation and tokens, and a student that starts as its equal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from models.eval.pinyin_error import Cmvn, read_kaldi_cmvn
from models.train.network import Weights, read_onnx

ONNX = "fsmn_kws.onnx"
TFLITE = "fsmn_kws_f32.tflite"
CMVN = "am.mvn.dim80_l2r2"
TOKENS = "tokens_2599.txt"


@dataclass(frozen=True, slots=True)
class Base:
    """What the folder of the base model holds; tflite is its path."""

    weights: Weights
    cmvn: Cmvn
    tokens: tuple[str, ...]
    tflite: Path


def read_base(folder: Path) -> Base:
    """Read the base model's four files."""
    return Base(
        weights=read_onnx(folder / ONNX),
        cmvn=read_kaldi_cmvn(folder / CMVN),
        tokens=tuple((folder / TOKENS).read_text(encoding="utf-8").splitlines()),
        tflite=folder / TFLITE,
    )


def renormalised(weights: Weights, old: Cmvn, new: Cmvn) -> Weights:
    """The same function for features normalised by `new` instead of `old`, by way of the first layer."""
    scale = torch.from_numpy(old.scale.astype("float64"))
    shift = torch.from_numpy(old.shift.astype("float64")) - torch.from_numpy(new.shift.astype("float64"))
    first = weights["in1.weight"].double()
    folded = {
        "in1.weight": (first * (scale / torch.from_numpy(new.scale.astype("float64")))).float(),
        "in1.bias": (weights["in1.bias"].double() + first @ (shift * scale)).float(),
    }
    return {**weights, **folded}
