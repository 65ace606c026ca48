"""The student as a TFLite file: the base's converted graph with every weight replaced by the student's, in 16 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from models.graph_writer import read_graph, written
from models.half_floats import SMALLEST, halved
from models.train.network import LEFT_CONTEXT, RIGHT_CONTEXT, Weights, logits
from numpy.typing import NDArray

TOLERANCE = 1e-3
"""Largest difference of a logit from torch's that is float32 rounding: logits reach four digits."""

Floats = NDArray[np.float32]


class ExportError(ValueError):
    """The exported model does not compute what was trained; its message names the first difference."""


def rounded(student: Weights) -> Weights:
    """The weights as the file holds them: the large ones to 16-bit floats."""
    return {
        name: weight.half().float() if weight.numel() >= SMALLEST else weight
        for name, weight in student.items()
    }


def export(base_tflite: Path, base: Weights, student: Weights) -> bytes:
    """Rewrite the base's TFLite file with the student's weights; float16, steps axis dynamic.

    Each weight is found by its base value, so no converter has to run; the graph is the base's, with an operator
    before each large weight that makes 32 bits of it. ai-edge-litert 2.x and tflite-runtime 2.14 run it alike.
    Raises ExportError where one is missing, TooLargeError where one does not fit into 16 bits.
    """
    model = read_graph(base_tflite.read_bytes())
    stored = {
        index: np.asarray(buffer.data, dtype=np.uint8).tobytes()
        for index, buffer in enumerate(model.buffers)
        if buffer.data is not None
    }
    for name, weight in base.items():
        wanted = _as_stored(name, weight)
        found = [index for index, data in stored.items() if _same(data, wanted)]
        if len(found) != 1:
            raise ExportError(f"{base_tflite.name} holds {len(found)} tensors equal to {name}, not 1")
        model.buffers[found[0]].data = np.frombuffer(
            _as_stored(name, student[name]).tobytes(), dtype=np.uint8
        )
    return halved(written(model))


def check(tflite: bytes, student: Weights) -> float:
    """Compare the file with torch on random features, whole and in chunks; the largest difference.

    The weights are those that are stored: see `rounded`. Raises ExportError above TOLERANCE.
    """
    interpreter = Interpreter(model_content=tflite, num_threads=1)
    worst = 0.0
    for steps in (1, 7, 150, 40):
        features = np.random.default_rng(steps).standard_normal((1, steps, 400)).astype(np.float32)
        with torch.no_grad():
            wanted = logits(student, torch.from_numpy(features)).numpy()
        for got in (_run(interpreter, features), _chunked(interpreter, features, size=20)):
            worst = max(worst, float(np.abs(got - wanted).max()))
    if worst > TOLERANCE:
        raise ExportError(f"the TFLite file differs from torch by {worst:.5f}, more than {TOLERANCE}")
    return worst


def _as_stored(name: str, weight: torch.Tensor) -> Floats:
    """A memory kernel [128, 1, taps] is stored as [1, 1, taps, 128]; every other weight as it is."""
    if name.endswith((".left", ".right")):
        weight = weight[:, 0].T
    return np.ascontiguousarray(weight.numpy(), dtype="<f4")


def _same(data: bytes, wanted: Floats) -> bool:
    """Whether stored bytes are this weight, but for the converter's rounding."""
    if len(data) != wanted.nbytes:
        return False
    return bool(np.allclose(np.frombuffer(data, dtype="<f4"), wanted.reshape(-1), rtol=0.0, atol=1e-5))


def _run(interpreter: Interpreter, features: Floats) -> Floats:
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(source, features.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, features)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(target), dtype=np.float32)


def _chunked(interpreter: Interpreter, features: Floats, *, size: int) -> Floats:
    """What a stream computes: each chunk with its left and right context, whose outputs are dropped."""
    parts = []
    for start in range(0, features.shape[1], size):
        first = max(0, start - LEFT_CONTEXT)
        chunk = np.ascontiguousarray(features[:, first : start + size + RIGHT_CONTEXT])
        parts.append(_run(interpreter, chunk)[:, start - first : start - first + size])
    return np.concatenate(parts, axis=1)
