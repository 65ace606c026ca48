"""Stores the large constants of a TFLite file as 16-bit floats, and reads such a file back.

The runtime makes 32-bit floats of them once, when it makes room for a size of input: computation stays in 32 bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from models.graph_writer import buffer_of, name_of, operator_code, read_graph, written

SMALLEST = 1_024
"""Numbers from which a constant is stored in 16 bits: below, nothing is gained."""
DEQUANTIZE_VERSION = 3
"""The first that knows 16-bit floats."""

_OPS, _TYPES = schema.BuiltinOperator, schema.TensorType

Halves = npt.NDArray[np.float16]


class TooLargeError(ValueError):
    """A weight is no 16-bit float; its message names the tensor."""


def halved(content: bytes) -> bytes:
    """Return the file with every float32 constant of `SMALLEST` numbers and more as float16, and a DEQUANTIZE each.

    Raises:
        TooLargeError: a weight is larger than a 16-bit float can be.
    """
    model = read_graph(content)
    (graph,) = model.subgraphs
    made: list[schema.OperatorT] = []
    moved: dict[int, int] = {}  # buffer of 32 bits -> of 16
    for index in range(len(graph.tensors)):
        wide = graph.tensors[index]
        data = model.buffers[wide.buffer].data
        if data is None or wide.type != _TYPES.FLOAT32 or len(data) < 4 * SMALLEST:
            continue
        if wide.buffer not in moved:
            moved[wide.buffer] = len(model.buffers)
            model.buffers.append(buffer_of(_half(data, name=name_of(wide)).tobytes()))
        narrow = schema.TensorT()
        narrow.name, narrow.shape, narrow.type = f"{name_of(wide)}_half", wide.shape, _TYPES.FLOAT16
        narrow.buffer, wide.buffer = moved[wide.buffer], 0  # the empty one: the operator fills it
        operator = schema.OperatorT()
        operator.opcodeIndex = len(model.operatorCodes)
        operator.inputs, operator.outputs = [len(graph.tensors)], [index]
        operator.builtinOptions = schema.DequantizeOptionsT()
        operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
        graph.tensors.append(narrow)
        made.append(operator)
    if not made:
        return content
    for place in moved:
        model.buffers[place].data = None
    model.operatorCodes.append(operator_code(_OPS.DEQUANTIZE, DEQUANTIZE_VERSION))
    graph.operators = [*made, *graph.operators]
    return written(model)


def widened(content: bytes) -> bytes:
    """Undo `halved`: the same graph with float32 constants, rounded as they were; any other file computes as before."""
    model = read_graph(content)
    (graph,) = model.subgraphs
    kept: list[schema.OperatorT] = []
    undone: set[int] = set()  # buffers
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode != _OPS.DEQUANTIZE:
            kept.append(operator)
            continue
        narrow = graph.tensors[operator.inputs[0]]
        data = model.buffers[narrow.buffer].data
        if narrow.type != _TYPES.FLOAT16 or data is None:
            kept.append(operator)
            continue
        if narrow.buffer not in undone:
            undone.add(narrow.buffer)
            values = np.asarray(data, dtype=np.uint8).view(np.float16).astype("<f4")
            model.buffers[narrow.buffer] = buffer_of(values.tobytes())
        narrow.type = _TYPES.FLOAT32  # nothing reads it any more
        graph.tensors[operator.outputs[0]].buffer = narrow.buffer
    graph.operators = kept
    return written(model)


def _half(data: npt.ArrayLike, *, name: str) -> Halves:
    """The bytes of float32 numbers, rounded to the nearest 16-bit floats."""
    values = np.asarray(data, dtype=np.uint8).view("<f4")
    if not np.abs(values).max() <= np.finfo(np.float16).max:
        raise TooLargeError(f"{name} holds {np.abs(values).max():.0f}: no 16-bit float is so large")
    return values.astype(np.float16)
