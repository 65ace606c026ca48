"""Writes a TFLite file operator by operator, or one that was read and changed: no converter has to run."""

from __future__ import annotations

from collections.abc import Sequence

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

FILE_IDENTIFIER = b"TFL3"
SCHEMA = 3

_OPTIONS, _TYPES = schema.BuiltinOptions, schema.TensorType
_KINDS = {"float32": _TYPES.FLOAT32, "float16": _TYPES.FLOAT16, "int8": _TYPES.INT8, "int32": _TYPES.INT32}


def read_graph(content: bytes) -> schema.ModelT:
    """Return a file as objects, to look at and to change."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def written(model: schema.ModelT) -> bytes:
    """Return the file of such objects."""
    builder = flatbuffers.Builder(4 << 20)
    builder.Finish(model.Pack(builder), file_identifier=FILE_IDENTIFIER)
    return bytes(builder.Output())


def name_of(tensor: schema.TensorT) -> str:
    """Return the name of a tensor, of a file that was read or of one that is made."""
    return tensor.name.decode() if isinstance(tensor.name, bytes) else str(tensor.name)


def buffer_of(data: bytes) -> schema.BufferT:
    """Return a buffer that holds what a tensor stores."""
    made = schema.BufferT()
    made.data = np.frombuffer(data, dtype=np.uint8)
    return made


def operator_code(code: int, version: int) -> schema.OperatorCodeT:
    """Return what an operator's number stands for."""
    made = schema.OperatorCodeT()
    made.builtinCode = made.deprecatedBuiltinCode = code
    made.version = version
    return made


class GraphWriter:
    """Tensors, buffers and operators of one subgraph, by number."""

    def __init__(self) -> None:
        self._model = schema.ModelT()
        self._model.version = SCHEMA
        self._model.buffers, self._model.operatorCodes = [schema.BufferT()], []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self._codes: dict[tuple[int, int], int] = {}

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        kind: int = _TYPES.FLOAT32,
        *,
        dynamic: int | None = None,
        buffer: int = 0,
        scale: float | None = None,
    ) -> int:
        """Add a tensor; on the axis `dynamic` it may have any size."""
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, list(shape), kind, buffer
        if dynamic is not None:
            made.shapeSignature = [-1 if axis == dynamic else size for axis, size in enumerate(shape)]
        if scale is not None:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [scale], [0]
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def constant(self, name: str, values: npt.NDArray[np.generic], *, scale: float | None = None) -> int:
        """Add a tensor that holds these values."""
        buffer = self.buffer(values.tobytes())
        return self.tensor(name, values.shape, _KINDS[values.dtype.name], buffer=buffer, scale=scale)

    def add(
        self,
        code: int,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: object = None,
        *,
        version: int = 1,
    ) -> None:
        """Add an operator."""
        made = schema.OperatorT()
        made.opcodeIndex = self._code(code, version)
        made.inputs, made.outputs = list(inputs), list(outputs)
        if options is not None:
            made.builtinOptions = options
            made.builtinOptionsType = getattr(_OPTIONS, type(options).__name__.removesuffix("T"))
        self.graph.operators.append(made)

    def packed(self, inputs: Sequence[int], outputs: Sequence[int], *, name: str) -> bytes:
        """The file."""
        self.graph.inputs, self.graph.outputs, self.graph.name = list(inputs), list(outputs), name
        self._model.subgraphs = [self.graph]
        return written(self._model)

    def buffer(self, data: bytes) -> int:
        """Add what tensors hold."""
        self._model.buffers.append(buffer_of(data))
        return len(self._model.buffers) - 1

    def _code(self, code: int, version: int) -> int:
        if (code, version) not in self._codes:
            self._codes[code, version] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(operator_code(code, version))
        return self._codes[code, version]
