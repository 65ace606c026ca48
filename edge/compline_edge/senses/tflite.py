"""The TFLite runtime, whichever package brings it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from compline_edge.senses.model_manifest import ModelDamaged


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
