"""The cFSMN acoustic network as a pure function of its weights, for training in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor
from torch.nn import functional

BLOCKS = 4
LEFT_TAPS = 10
RIGHT_TAPS = 2
LEFT_CONTEXT = BLOCKS * (LEFT_TAPS - 1)
"""Steps of history that one output step sees."""
RIGHT_CONTEXT = BLOCKS * RIGHT_TAPS
"""Steps of look-ahead that one output step sees."""

Weights = dict[str, Tensor]


def logits(weights: Weights, features: Tensor) -> Tensor:
    """Map features [batch, steps, 400] to logits [batch, steps, 2599].

    The ends are padded with zeros *inside* each block, on its 128-wide projection: zeros added to the
    features give other values.
    Source: Zhang et al., "Compact feedforward sequential memory networks", Interspeech 2016.
    """
    x = _linear(weights, "in1", features)
    x = torch.relu(_linear(weights, "in2", x))
    for block in range(BLOCKS):
        x = functional.linear(x, weights[f"block{block}.project"])
        x = _memory(weights, block, x)
        x = torch.relu(_linear(weights, f"block{block}.affine", x))
    return _linear(weights, "out2", functional.linear(x, weights["out1.weight"]))


def read_onnx(path: Path) -> Weights:
    """Read the base model's weights from its ONNX graph, by the order of its matrix products.

    The bias between the last two layers goes into the last one's, as in the base's TFLite conversion.
    Raises ValueError where the graph is not this network.
    """
    graph = onnx.load(str(path)).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    products = [arrays[node.input[1]] for node in graph.node if node.op_type == "MatMul"]
    if len(products) != len(_matrices()):
        raise ValueError(
            f"{path.name} has {len(products)} matrix products, not the {len(_matrices())} of a 4-block cFSMN"
        )
    found: dict[str, NDArray[np.float32]] = {
        f"{name}.weight" if not name.endswith("project") else name: np.ascontiguousarray(product.T)
        for name, product in zip(_matrices(), products, strict=True)
    }
    for ours, theirs in (("in1", "in_linear1"), ("in2", "in_linear2"), ("out2", "out_linear2")):
        found[f"{ours}.bias"] = arrays[f"encoder.{theirs}.linear.bias"]
    found["out2.bias"] = found["out2.bias"] + found["out2.weight"] @ arrays["encoder.out_linear1.linear.bias"]
    for block in range(BLOCKS):
        found[f"block{block}.affine.bias"] = arrays[f"encoder.fsmn.{block}.affine.linear.bias"]
        for side in ("left", "right"):
            kernel = arrays[f"encoder.fsmn.{block}.fsmn_block.conv_{side}.weight"]
            found[f"block{block}.{side}"] = kernel[:, :, :, 0]
    return {name: torch.from_numpy(array.copy()) for name, array in found.items()}


def _matrices() -> list[str]:
    blocks = [name for block in range(BLOCKS) for name in (f"block{block}.project", f"block{block}.affine")]
    return ["in1", "in2", *blocks, "out1", "out2"]


def _linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    return functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def _memory(weights: Weights, block: int, x: Tensor) -> Tensor:
    """Add to each of the 128 channels its weighted past (10 taps with the present) and future (2 taps)."""
    rows = x.transpose(1, 2)
    channels = rows.shape[1]
    past = functional.conv1d(
        functional.pad(rows, (LEFT_TAPS - 1, 0)), weights[f"block{block}.left"], groups=channels
    )
    future = functional.conv1d(
        functional.pad(rows, (0, RIGHT_TAPS))[:, :, 1:], weights[f"block{block}.right"], groups=channels
    )
    return (rows + past + future).transpose(1, 2)
