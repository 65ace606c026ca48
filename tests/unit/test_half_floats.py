"""Matrices of a TFLite file in 16 bits: what is computed, what stays, and the way back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from models.emotion.graph import listening
from models.graph_writer import GraphWriter, name_of, read_graph
from models.half_floats import TooLargeError, halved, widened

MODELS = Path(__file__).parents[2] / "models"
WIDTH = 40
"""1,600 numbers of a matrix: enough to be stored in 16 bits; the bias of 40 is not."""

Floats = npt.NDArray[np.float32]


@pytest.fixture
def weight() -> Floats:
    """Numbers that no 16-bit float is."""
    return np.random.default_rng(2).standard_normal((WIDTH, WIDTH)).astype(np.float32)


BIAS = np.random.default_rng(3).standard_normal(WIDTH).astype(np.float32)


def _file(weight: Floats) -> bytes:
    writer = GraphWriter()
    values = writer.tensor("values", (1, WIDTH), dynamic=0)
    told = writer.tensor("told", (1, WIDTH), dynamic=0)
    writer.add(
        schema.BuiltinOperator.FULLY_CONNECTED,
        [values, writer.constant("weight", weight), writer.constant("bias", BIAS)],
        [told],
        schema.FullyConnectedOptionsT(),
    )
    return writer.packed([values], [told], name="one layer")


def _run(content: bytes, values: Floats) -> Floats:
    interpreter = Interpreter(model_content=content, num_threads=1)
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(source, values.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, values)
    interpreter.invoke()
    told: Floats = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return told


def _kinds(content: bytes) -> dict[str, int]:
    """Type of each stored tensor, by name."""
    model = read_graph(content)
    return {
        name_of(tensor): tensor.type
        for tensor in model.subgraphs[0].tensors
        if model.buffers[tensor.buffer].data is not None
    }


@pytest.mark.parametrize("rows", [1, 7])
def test_halved_when_run_then_it_computes_with_the_rounded_matrix_and_the_bias_as_it_was(
    weight: Floats, rows: int
) -> None:
    values = np.random.default_rng(rows).standard_normal((rows, WIDTH)).astype(np.float32)
    told = _run(halved(_file(weight)), values)
    rounded = weight.astype(np.float16).astype(np.float32)
    assert np.abs(told - (values @ rounded.T + BIAS)).max() < 1e-4
    unrounded = np.abs(told - (values @ weight.T + BIAS)).max()
    assert unrounded > 1e-4  # the control: rounding is to be seen at all


def test_halved_when_stored_then_the_matrix_takes_half_and_the_bias_stays(weight: Floats) -> None:
    stored = _kinds(halved(_file(weight)))
    assert stored == {"weight_half": schema.TensorType.FLOAT16, "bias": schema.TensorType.FLOAT32}


def test_widened_when_it_undoes_halved_then_the_same_is_computed_with_32_bits_stored(weight: Floats) -> None:
    small = halved(_file(weight))
    wide = widened(small)
    assert set(_kinds(wide).values()) == {schema.TensorType.FLOAT32}
    values = np.ones((3, WIDTH), dtype=np.float32)
    assert np.array_equal(_run(wide, values), _run(small, values))


def test_widened_when_nothing_was_halved_then_the_same_is_computed(weight: Floats) -> None:
    values = np.ones((2, WIDTH), dtype=np.float32)
    assert np.array_equal(_run(widened(_file(weight)), values), _run(_file(weight), values))


def test_halved_and_widened_when_two_layers_share_one_matrix_then_it_is_stored_once(weight: Floats) -> None:
    writer = GraphWriter()
    buffer = writer.buffer(weight.tobytes())
    values, between, told = (
        writer.tensor(name, (1, WIDTH), dynamic=0) for name in ("values", "between", "told")
    )
    for name, before, after in (("first", values, between), ("second", between, told)):
        matrix = writer.tensor(name, weight.shape, buffer=buffer)
        bias = writer.constant(f"{name}_bias", BIAS)
        writer.add(
            schema.BuiltinOperator.FULLY_CONNECTED,
            [before, matrix, bias],
            [after],
            schema.FullyConnectedOptionsT(),
        )
    small = halved(writer.packed([values], [told], name="two layers"))
    ones, rounded = np.ones((2, WIDTH), dtype=np.float32), weight.astype(np.float16).astype(np.float32)
    wanted = (ones @ rounded.T + BIAS) @ rounded.T + BIAS
    assert len(small) < weight.nbytes  # stored twice it would be more
    assert np.abs(_run(small, ones) - wanted).max() < 1e-3
    assert np.abs(_run(widened(small), ones) - wanted).max() < 1e-3


@pytest.mark.parametrize("huge", [1e5, -1e5, np.nan])
def test_halved_when_a_weight_is_no_16_bit_float_then_it_is_refused_by_name(
    weight: Floats, huge: float
) -> None:
    weight[3, 4] = huge
    with pytest.raises(TooLargeError, match="weight holds"):
        halved(_file(weight))


def test_shipped_recogniser_when_opened_then_all_its_matrices_are_in_16_bits() -> None:
    content = (MODELS / "zh-ctc-telephone" / "model.tflite").read_bytes()
    assert halved(content) == content
    assert len(content) < 1_600_000


def test_shipped_emotion_model_when_cut_again_out_of_the_recogniser_then_it_comes_out_byte_for_byte() -> None:
    cut = listening((MODELS / "zh-ctc-telephone" / "model.tflite").read_bytes())
    assert cut == (MODELS / "zh-emotion" / "listening.tflite").read_bytes()
