"""The two TFLite files of the emotion model: what listens, cut out of the recogniser, and what judges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from models.emotion.judge import LARGEST, Judge
from models.graph_writer import GraphWriter, name_of, read_graph
from models.half_floats import widened

LISTENED = 128
"""Numbers of one step of what listens."""
_BLOCKS = 3
"""Memory blocks of the recogniser that are kept: after them the voice fades and the words remain."""
_SMALLEST = 4_096
"""Weights from which a matrix is stored in 8 bits."""

_OPS, _TYPES = schema.BuiltinOperator, schema.TensorType

Floats = npt.NDArray[np.float32]


class GraphError(ValueError):
    """The recogniser's file is not the network that the emotion model listens with."""


def listening(recogniser: bytes) -> bytes:
    """Return the recogniser's first three memory blocks: stacks [1, T, 400] to [1, 1, T, 128].

    Matrices are stored in 8 bits with one scale each, and made 32-bit floats again where they are used.

    Raises:
        GraphError: the file holds another network.
    """
    model = read_graph(widened(recogniser))
    graph = model.subgraphs[0]
    codes = [model.operatorCodes[each.opcodeIndex].builtinCode for each in graph.operators]
    # each block ends by adding its look-ahead to the sum of the present and the past
    ends = [place for place, code in enumerate(codes) if code == _OPS.ADD][1::2]
    if len(ends) <= _BLOCKS:
        raise GraphError(f"the recogniser has {len(ends)} memory blocks, not more than {_BLOCKS}")
    kept = graph.operators[: ends[_BLOCKS - 1] + 1]
    writer = _Writer()
    places: dict[int, int] = {-1: -1}
    for operator in kept:
        for index in [*operator.inputs, *operator.outputs]:
            if int(index) not in places:
                tensor = graph.tensors[index]
                data = model.buffers[tensor.buffer].data
                places[int(index)] = writer.copied(tensor, None if data is None else bytes(bytearray(data)))
    for operator in kept:
        code = model.operatorCodes[operator.opcodeIndex]
        writer.add(
            code.builtinCode,
            [places[int(index)] for index in operator.inputs],
            [places[int(index)] for index in operator.outputs],
            operator.builtinOptions,
            version=code.version,
        )
    return writer.packed(
        [places[int(graph.inputs[0])]], [places[int(index)] for index in kept[-1].outputs], name="listening"
    )


def judging(judge: Judge) -> bytes:
    """Return the judge: voices [n, width] relative to a baseline to logits [n, feelings].

    Each number is brought to the scale that it has in training and held within LARGEST, so that a strange
    recording has no more say than a strong feeling.
    """
    width, feelings = judge.weight.shape
    writer = _Writer()
    voices = writer.tensor("voices", (1, width), dynamic=0)
    scaled, low, held = (writer.tensor(name, (1, width), dynamic=0) for name in ("scaled", "low", "held"))
    centred = writer.tensor("centred", (1, width), dynamic=0)
    logits = writer.tensor("logits", (1, feelings), dynamic=0)
    writer.add(
        _OPS.SUB,
        [voices, writer.constant("centre", judge.centre[None].astype(np.float32))],
        [centred],
        schema.SubOptionsT(),
    )
    writer.add(
        _OPS.MUL,
        [centred, writer.constant("scale", judge.scale[None].astype(np.float32))],
        [scaled],
        schema.MulOptionsT(),
    )
    most = writer.constant("most", np.full((1, 1), LARGEST, np.float32))
    least = writer.constant("least", np.full((1, 1), -LARGEST, np.float32))
    writer.add(_OPS.MINIMUM, [scaled, most], [low], schema.MaximumMinimumOptionsT())
    writer.add(_OPS.MAXIMUM, [low, least], [held], schema.MaximumMinimumOptionsT())
    weight = writer.constant("weight", np.ascontiguousarray(judge.weight.T.astype(np.float32)))
    bias = writer.constant("bias", judge.bias.astype(np.float32))
    writer.add(_OPS.FULLY_CONNECTED, [held, weight, bias], [logits], schema.FullyConnectedOptionsT())
    return writer.packed([voices], [logits], name="judging")


class _Writer(GraphWriter):
    """A graph into which another's tensors are copied."""

    def copied(self, tensor: schema.TensorT, data: bytes | None) -> int:
        """Add another graph's tensor; a large matrix in 8 bits, with what makes floats of it again."""
        name = name_of(tensor)
        shape = [int(size) for size in tensor.shape]
        if data is None:
            made = self.tensor(name, shape, tensor.type)
            self.graph.tensors[made].shapeSignature = tensor.shapeSignature
            return made
        if tensor.type != _TYPES.FLOAT32 or len(data) < 4 * _SMALLEST:
            return self.tensor(name, shape, tensor.type, buffer=self.buffer(data))
        values = np.frombuffer(data, dtype="<f4").reshape(shape)
        scale = float(np.abs(values).max()) / 127
        stored = self.constant(f"{name}_small", np.round(values / scale).astype(np.int8), scale=scale)
        wide = self.tensor(name, shape)
        self.add(_OPS.DEQUANTIZE, [stored], [wide], schema.DequantizeOptionsT(), version=2)
        return wide
