"""The text classifier as a TFLite file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from models.graph_writer import GraphWriter
from models.text.corpus import OFFENSIVE, OUTPUTS
from models.text.network import (
    CHANNELS,
    CHARACTER_WIDTH,
    DILATIONS,
    HIDDEN,
    POOLED,
    ROLES,
    RUN_WIDTH,
    SOUND_WIDTH,
)

Floats = npt.NDArray[np.float32]

_OPS, _TYPES = schema.BuiltinOperator, schema.TensorType
_VERSIONS = {
    _OPS.GATHER: 2,
    _OPS.DEQUANTIZE: 3,
    _OPS.CONV_2D: 2,
}  # of those that know int8, float16, dilation


def graph(weights: Mapping[str, Floats]) -> bytes:
    """Return the file of a network with these weights (names and rounding as in network.py).

    Inputs `characters` and `sounds` int32 [tokens], `runs` and `fine` int32 [runs], both numbers dynamic, and `role`
    float32 [1, 3]; output `logits` float32 [1, outputs]. Tables are stored in 8 bits with one scale, all else in
    16-bit floats.
    """
    made = _Graph(weights)
    role = made.tensor("role", (1, ROLES))
    characters, found_characters = made.looked_up("characters")
    sounds, found_sounds = made.looked_up("sounds")
    runs, bag = made.looked_up("runs")
    fine, marks = made.looked_up("fine")
    width = CHARACTER_WIDTH + SOUND_WIDTH
    tokens = made.tensor("tokens", (1, width), dynamic=0)
    steps = made.tensor("steps", (1, 1, 1, width), dynamic=2)
    shape = made.constant("shape", np.array([1, 1, -1, width], dtype=np.int32))
    made.step(_OPS.CONCATENATION, (found_characters, found_sounds), tokens, _joining())
    made.step(_OPS.RESHAPE, (tokens, shape), steps, schema.ReshapeOptionsT())
    parts = [role, *made.pooled("bag", bag, RUN_WIDTH, axes=(0,))]
    for place, dilation in enumerate(DILATIONS):
        steps = made.convolved(place, steps, dilation=dilation)
        largest, mean = reversed(made.pooled(f"pooled{place}", steps, CHANNELS, axes=(1, 2)))
        parts += [largest, mean]
    joined = made.tensor("joined", (1, ROLES + POOLED))
    made.step(_OPS.CONCATENATION, parts, joined, _joining())
    hidden = made.tensor("hidden", (1, HIDDEN))
    deep = made.tensor("deep", (1, OUTPUTS))
    logits = made.tensor("logits", (1, OUTPUTS))
    made.step(_OPS.FULLY_CONNECTED, (joined, *made.layer("first")), hidden, _connected(rectified=True))
    made.step(_OPS.FULLY_CONNECTED, (hidden, *made.layer("last")), deep, _connected(rectified=False))
    made.step(_OPS.ADD, (deep, made.side(marks)), logits, schema.AddOptionsT())
    return made.packed((characters, sounds, runs, fine, role), [logits], name="main")


class _Graph(GraphWriter):
    """The classifier's graph, with its weights."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        super().__init__()
        self._weights = weights

    def looked_up(self, name: str) -> tuple[int, int]:
        """Add the input `name` and the rows of the table of that name that it asks for; both tensors."""
        table = self._weights[f"{name}.weight"]
        scale = (float(np.abs(table).max()) or 1.0) / 127
        rounded = np.clip(np.round(table / scale), -127, 127).astype(np.int8)
        asked = self.tensor(name, (1,), _TYPES.INT32, dynamic=0)
        small = self.tensor(f"{name}_small", (1, table.shape[1]), _TYPES.INT8, dynamic=0, scale=scale)
        rows = self.tensor(f"{name}_rows", (1, table.shape[1]), dynamic=0)
        stored = self.constant(f"{name}_table", rounded, scale=scale)
        self.step(_OPS.GATHER, (stored, asked), small, _gather())
        self.step(_OPS.DEQUANTIZE, (small,), rows, schema.DequantizeOptionsT())
        return asked, rows

    def pooled(self, name: str, source: int, width: int, *, axes: Sequence[int]) -> list[int]:
        """Add mean and largest over axes; tensors [1, width]."""
        over = self.constant(f"{name}_axes", np.array(axes, dtype=np.int32))
        found = []
        for part, code in (("mean", _OPS.MEAN), ("largest", _OPS.REDUCE_MAX)):
            found.append(self.tensor(f"{name}_{part}", (1, width)))
            self.step(code, (source, over), found[-1], _reducing(keep=len(axes) == 1))
        return found

    def side(self, marks: int) -> int:
        """Add what the fine rows add to the logits [1, OUTPUTS]: their sum to the side task, nothing to the rest."""
        over = self.constant("marks_axes", np.array([0], dtype=np.int32))
        total = self.tensor("marks_sum", (1, 1))
        self.step(_OPS.SUM, (marks, over), total, _reducing(keep=True))
        nothing = self.constant("nothing", np.zeros((1, OFFENSIVE), dtype=np.float32))
        added = self.tensor("side", (1, OUTPUTS))
        self.step(_OPS.CONCATENATION, (nothing, total), added, _joining())
        return added

    def convolved(self, place: int, source: int, *, dilation: int) -> int:
        """Add a convolution over the steps; from the second on what went in is added to what comes out."""
        name = f"convolutions.{place}"
        kernel = self._weights[f"{name}.weight"]  # [out, in, taps]
        taps = self.floats(f"{name}.weight", np.ascontiguousarray(kernel.transpose(0, 2, 1)[:, None]))
        bias = self.floats(f"{name}.bias", self._weights[f"{name}.bias"])
        fresh = self.tensor(f"{name}_out", (1, 1, 1, CHANNELS), dynamic=2)
        self.step(_OPS.CONV_2D, (source, taps, bias), fresh, _convolving(dilation))
        if not place:
            return fresh
        both = self.tensor(f"{name}_sum", (1, 1, 1, CHANNELS), dynamic=2)
        self.step(_OPS.ADD, (source, fresh), both, schema.AddOptionsT())
        return both

    def layer(self, name: str) -> tuple[int, int]:
        """Add weight and bias of a linear layer."""
        weight, bias = (
            self.floats(f"{name}.{part}", self._weights[f"{name}.{part}"]) for part in ("weight", "bias")
        )
        return weight, bias

    def floats(self, name: str, values: Floats) -> int:
        """Add a constant that is stored in 16 bits."""
        stored = self.constant(f"{name}_half", values.astype(np.float16))
        wide = self.tensor(name, values.shape)
        self.step(_OPS.DEQUANTIZE, (stored,), wide, schema.DequantizeOptionsT())
        return wide

    def step(self, code: int, inputs: Sequence[int], output: int, options: object = None) -> None:
        """Add an operator that gives one tensor, in the version that knows its types."""
        self.add(code, inputs, [output], options, version=_VERSIONS.get(code, 1))


def _gather() -> object:
    options = schema.GatherOptionsT()
    options.axis = 0
    return options


def _reducing(*, keep: bool) -> object:
    options = schema.ReducerOptionsT()
    options.keepDims = keep
    return options


def _joining() -> object:
    options = schema.ConcatenationOptionsT()
    options.axis = 1
    return options


def _convolving(dilation: int) -> object:
    options = schema.Conv2DOptionsT()
    options.padding = schema.Padding.SAME
    options.strideW = options.strideH = 1
    options.dilationWFactor, options.dilationHFactor = dilation, 1
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    return options


def _connected(*, rectified: bool) -> object:
    options = schema.FullyConnectedOptionsT()
    activation = schema.ActivationFunctionType
    options.fusedActivationFunction = activation.RELU if rectified else activation.NONE
    return options
