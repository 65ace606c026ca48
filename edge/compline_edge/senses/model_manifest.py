"""What a model folder says about itself, checked against what lies in it."""

from __future__ import annotations

import hashlib
from os import fstat
from pathlib import Path
from typing import TypeVar

import msgspec

from compline_shared.errors import ComplineError

DecodedT = TypeVar("DecodedT")

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1_000_000
MOST_VERSIONS = 255
"""The recogniser and the text classifier share 16 bits on the wire."""
MAX_MODEL_BYTES = 512 * 1024 * 1024

_RESTORE = "restore the folder from where it came (in a checkout: `git checkout -- models`)"
"""Models with a manifest are not in the catalogue of those that can be fetched."""


class ModelDamaged(ComplineError):
    """A model folder is incomplete, altered, or gives wrong answers on this machine; restore it and try
    again.
    """


class StoredFile(msgspec.Struct, frozen=True):
    """One file of a model."""

    sha256: str
    bytes: int | None = None


class KnownAnswer(msgspec.Struct, frozen=True):
    """Log-probabilities that the model gives for the test pattern: of the token `best[k]` (likeliest but
    blank) at step k.
    """

    best: list[int]
    log_probs: list[float]


class Manifest(msgspec.Struct, frozen=True):
    """manifest.json of a model folder; keys that are not listed here are for people."""

    name: str
    kind: str  # "ctc", "vosk", "text", "ngram", "voice" or "speaker"
    version: int  # 1..255, on the wire
    language: str  # BCP 47
    files: dict[str, StoredFile]
    left_context: int = 36  # steps
    right_context: int = 8  # steps
    known_answer: KnownAnswer | None = None


def read_manifest(folder: Path) -> Manifest:
    """Read manifest.json of a model folder.

    Raises:
        ModelDamaged: there is none, or it cannot be read.
    """
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(MAX_MANIFEST_BYTES), type=Manifest)
    except OSError as error:
        raise ModelDamaged(
            f"The model folder {folder.name} has no readable {MANIFEST}: {_RESTORE}."
        ) from error
    except msgspec.MsgspecError as error:
        raise ModelDamaged(
            f"{MANIFEST} of the model {folder.name} is broken ({error}): {_RESTORE}."
        ) from error
    if not 1 <= found.version <= MOST_VERSIONS:
        raise ModelDamaged(
            f"{MANIFEST} of the model {folder.name} has version {found.version}, not 1..{MOST_VERSIONS}."
        )
    return found


def read_checked(folder: Path, name: str, manifest: Manifest) -> bytes:
    """Read one file of a model and compare it with its manifest.

    Raises:
        ModelDamaged: the file is absent, too large, not listed, or not the one that the manifest names.
    """
    stored = manifest.files.get(name)
    if stored is None:
        raise ModelDamaged(f"{MANIFEST} of the model {folder.name} does not list {name}: {_RESTORE}.")
    try:
        with (folder / name).open("rb") as file:
            size = min(fstat(file.fileno()).st_size, MAX_MODEL_BYTES)  # read() takes room for all it is told
            content = file.read(size + 1)
    except OSError as error:
        raise ModelDamaged(f"{name} of the model {folder.name} is missing: {_RESTORE}.") from error
    if len(content) > MAX_MODEL_BYTES or hashlib.sha256(content).hexdigest() != stored.sha256:
        raise ModelDamaged(
            f"{name} of the model {folder.name} is not the file that its manifest names: {_RESTORE}."
        )
    return content


def decoded(content: bytes, kind: type[DecodedT], *, file: str, model: str) -> DecodedT:
    """Read a model's JSON file.

    Raises:
        ModelDamaged: it holds something else.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise ModelDamaged(f"{file} of the model {model} is broken ({error}).") from error
