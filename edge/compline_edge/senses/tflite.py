"""The TFLite runtime, whichever package brings it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from compline_edge.senses.model_manifest import ModelDamaged

Floats = npt.NDArray[np.float32]


def open_interpreter(content: bytes, *, name: str) -> Any:  # noqa: ANN401 (two packages, neither typed)
    """Open a model on one core, its tensors allocated.

    Raises:
        ModelDamaged: the runtime of this machine cannot run it.
    """
    try:
        interpreter = _interpreter(content)
        with _quiet():
            interpreter.allocate_tensors()
        _ = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    except (ValueError, RuntimeError, IndexError) as error:
        raise ModelDamaged(
            f"{name} cannot run here: update ai-edge-litert ({_first_line(error)})."
        ) from error
    return interpreter


class RowNetwork:
    """A model of one input and one output that takes any number of rows; safe to share between threads."""

    def __init__(self, content: bytes, *, name: str) -> None:
        """Open it.

        Raises:
            ModelDamaged: the runtime of this machine cannot run it.
        """
        self._interpreter = open_interpreter(content, name=name)
        source, target = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        self._source, self._target = source["index"], target["index"]
        self.width: tuple[int, int] = int(source["shape"][-1]), int(target["shape"][-1])
        """Numbers of a row that goes in and of one that comes out."""
        self._shape: tuple[int, ...] = ()
        self._lock = Lock()

    def run(self, values: Floats) -> Floats:
        """Return what the model makes of float32 values of the rank that it was made for."""
        with self._lock:
            if values.shape != self._shape:
                self._interpreter.resize_tensor_input(self._source, values.shape)
                self._interpreter.allocate_tensors()
                self._shape = values.shape
            self._interpreter.set_tensor(self._source, np.ascontiguousarray(values, dtype=np.float32))
            self._interpreter.invoke()
            found: Floats = self._interpreter.get_tensor(self._target)
            return found


def wrong_results(model: str) -> ModelDamaged:
    """Return what is raised where a model's known answers come out differently."""
    return ModelDamaged(
        f"The TFLite runtime of this machine computes wrong results for the model {model}: "
        "update ai-edge-litert (or tflite-runtime) and start again."
    )


def _interpreter(content: bytes) -> Any:  # noqa: ANN401 (two packages, neither typed)
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tflite_runtime.interpreter import Interpreter
    return Interpreter(model_content=content, num_threads=1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the runtime's one line about its own delegate off standard error, where progress is shown."""
    kept = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
