"""Reads the weights of the text classifier back from its TFLite file, so that a part of it can be fitted anew."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from ai_edge_litert import schema_py_generated as schema
from models.graph_writer import name_of, read_graph
from models.text.network import TABLES, Network

Array = npt.NDArray[np.generic]


def network_of(content: bytes) -> Network:
    """Return the network that a file holds, as `graph` wrote it; what it lacks of today's is zero."""
    network = Network()
    found = _constants(content)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            kind = name.partition(".")[0]
            stored = found.get(f"{kind}_table" if kind in TABLES else f"{name}_half")
            if stored is None:
                weight.zero_()
                continue
            if kind == "convolutions" and stored.ndim == 4:
                stored = stored[:, 0].transpose(0, 2, 1)
            rows = weight[:-1] if kind in TABLES else weight
            rows.copy_(torch.from_numpy(np.ascontiguousarray(stored, dtype=np.float32)))
    network.eval()
    return network


def _constants(content: bytes) -> dict[str, Array]:
    """Every tensor that is stored, 8-bit ones with their scale, by name."""
    model = read_graph(content)
    kinds = {schema.TensorType.FLOAT16: np.float16, schema.TensorType.INT8: np.int8}
    found: dict[str, Array] = {}
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        if data is None or tensor.type not in kinds:
            continue
        values = np.frombuffer(bytes(data), dtype=kinds[tensor.type]).reshape(tensor.shape)
        if tensor.type == schema.TensorType.INT8:
            values = values.astype(np.float32) * np.float32(tensor.quantization.scale[0])
        found[name_of(tensor)] = values
    return found
