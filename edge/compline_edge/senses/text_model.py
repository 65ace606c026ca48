"""The text classifier on TFLite: characters, sounds and runs of both to one logit a category, hidden words too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from compline_edge.core.text_calibration import Calibration, parse_calibration
from compline_edge.core.text_features import CATEGORIES, features
from compline_edge.core.unhidden import Disguises, Unhider
from compline_edge.senses.model_manifest import ModelDamaged, decoded, read_checked, read_manifest
from compline_edge.senses.tflite import open_interpreter, wrong_results
from compline_shared.taxonomy import Category, Role

KIND = "text"
TOLERANCE = 0.01
"""Largest difference of a logit to the known answer; runtimes differ by 0.00001 among themselves."""

_ROLES: Final = (Role.UNKNOWN, Role.COLLECTOR, Role.OTHER)
"""In the order of the network's input."""

Floats = npt.NDArray[np.float32]


class HiddenWords(msgspec.Struct, frozen=True):
    """disguises.json: what `Disguises` holds, each as one text with blanks between."""

    words: str
    innocent: str
    wholes: str  # parts, then the whole
    alike: str  # a character, then what it looks like
    pictures: str  # an emoji, then what it stands for


class KnownTexts(msgspec.Struct, frozen=True):
    """known_answers.json: sentences with the logits that the network gives of them, said by the collector."""

    texts: list[str]
    logits: list[list[float]]


class TextNetwork:
    """The network alone: a text and who says it to logits."""

    def __init__(self, content: bytes, *, name: str) -> None:
        """Open it.

        Raises:
            ModelDamaged: it cannot run here, or is no text classifier.
        """
        self._interpreter = open_interpreter(content, name=name)
        inputs = {detail["name"]: detail["index"] for detail in self._interpreter.get_input_details()}
        try:
            self._inputs = tuple(inputs[key] for key in ("characters", "sounds", "runs", "fine", "role"))
        except KeyError as missing:
            raise ModelDamaged(f"{name} has no input {missing}: it is no text classifier.") from None
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._lock = Lock()

    def run(self, text: str, role: Role) -> Floats | None:
        """Logits [outputs], those of CATEGORIES first; None where the text holds no character."""
        found = features(text)
        if found is None:
            return None
        values: tuple[npt.NDArray[np.generic], ...] = (
            found.characters,
            found.sounds,
            found.runs,
            found.fine,
            _ONE_HOT[role],
        )
        with self._lock:
            for index, value in zip(self._inputs, values, strict=True):
                self._interpreter.resize_tensor_input(index, value.shape)
            self._interpreter.allocate_tensors()
            for index, value in zip(self._inputs, values, strict=True):
                self._interpreter.set_tensor(index, value)
            self._interpreter.invoke()
            logits: Floats = self._interpreter.get_tensor(self._output)[0]
            return logits


class TfliteTextClassifier:
    """A text classifier from its folder, checked against its manifest and its known answers."""

    def __init__(self, folder: Path) -> None:
        """Load and check.

        Raises:
            ModelDamaged: the folder is incomplete, altered, or computes something else on this machine.
            BadCalibration: what it says of its confidence cannot be used.
        """
        manifest = read_manifest(folder)
        self._version = manifest.version
        self.network = TextNetwork(read_checked(folder, "model.tflite", manifest), name=manifest.name)
        self._calibration = parse_calibration(read_checked(folder, "calibration.json", manifest), CATEGORIES)
        self._unhider = Unhider(_disguises(read_checked(folder, "disguises.json", manifest), manifest.name))
        _check(self.network, read_checked(folder, "known_answers.json", manifest), name=manifest.name)

    @property
    def version(self) -> int:
        """Number of the model on the wire, 1..255."""
        return self._version

    @property
    def calibration(self) -> Calibration:
        """What its logits mean, and from where on they count."""
        return self._calibration

    def logits(self, text: str, role: Role, *, heard: bool) -> Mapping[Category, float]:
        """Return how far each category fits the text as `role` says it; empty where it holds nothing readable.

        In what was `heard` nobody hides words: a recogniser's mistakes would only look so.
        """
        found = self.network.run(text, role) if heard else self.run(text, role)
        return {} if found is None else dict(zip(CATEGORIES, found.tolist(), strict=False))

    def run(self, text: str, role: Role) -> Floats | None:
        """Logits [outputs] of the text, or of what seems hidden in it, whichever is larger; None as `TextNetwork`."""
        found = self.network.run(text, role)
        hidden = self._unhider.read(text)
        if found is None or hidden is None:
            return found
        other = self.network.run(hidden, role)
        return found if other is None else np.maximum(found, other)


def _disguises(content: bytes, name: str) -> Disguises:
    found = decoded(content, HiddenWords, file="disguises.json", model=name)
    return Disguises(
        words=found.words.split(),
        innocent=frozenset(found.innocent.split()),
        wholes={each[:-1]: each[-1] for each in found.wholes.split()},
        alike={each[0]: each[1:] for each in found.alike.split()},
        pictures={each[0]: each[1:] for each in found.pictures.split()},
    )


def _check(network: TextNetwork, content: bytes, *, name: str) -> None:
    known = decoded(content, KnownTexts, file="known_answers.json", model=name)
    found = [network.run(text, Role.COLLECTOR) for text in known.texts]
    same = len(found) == len(known.logits) > 0 and all(
        logits is not None
        and len(logits) == len(wanted)
        and np.allclose(logits, wanted, atol=TOLERANCE, rtol=0.0)
        for logits, wanted in zip(found, known.logits, strict=True)
    )
    if not same:
        raise wrong_results(name)


_ONE_HOT: Final[dict[Role, Floats]] = {
    role: np.eye(len(_ROLES), dtype=np.float32)[place : place + 1] for place, role in enumerate(_ROLES)
}
