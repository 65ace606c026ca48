"""Tries everything that judging rests on, on this machine: the work behind `compline-edge selftest`."""

from __future__ import annotations

import math
import struct
import tempfile
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from compline_edge.core.rule_examples import check_examples
from compline_edge.ports import Transcriber
from compline_edge.senses.model_manifest import read_manifest
from compline_edge.senses.model_store import Installed, ModelStore, user_models
from compline_edge.senses.packs import load_packs
from compline_edge.senses.recording import open_recording
from compline_edge.senses.rule_packs import load_rules
from compline_edge.settings import EdgeSettings
from compline_edge.wiring import NoModelsFolder, models_folder
from compline_shared.errors import ComplineError, PackError
from compline_shared.rule_pack import RulePackError

TONE = 0.5  # s
RATE = 8_000  # Hz


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried."""

    name: str
    failure: str | None  # one sentence with what to do; None: it works
    found: str = ""  # a few words on what works


def trials(settings: EdgeSettings) -> Iterator[Trial]:
    """Try audio decoding, every installed model with its checksums and known answers, operating points and lexicons."""
    yield _tried("audio decoding", _decoded)
    try:
        models = models_folder(settings)
    except NoModelsFolder as missing:
        yield Trial("models folder", str(missing))
        return
    store = ModelStore((models, user_models()))
    try:
        installed = store.installed()
    except ComplineError as damaged:
        yield Trial("models", str(damaged))
        installed = ()
    for model in installed:
        yield _tried(f"model {model.name}", partial(_loaded, store, model))
    for kind, loaded in (
        (f"speech in {settings.language}", partial(_speech, store, settings)),
        (f"text in {settings.language}", partial(_text, store, settings)),
        (f"feelings in {settings.language}", partial(_feelings, store, settings)),
        ("spotter's thresholds", partial(_thresholds, store)),
        ("points of doubt", partial(_doubt, store)),
        (f"lexicon of {settings.language}", partial(_lexicon, models, settings)),
        (f"rules of {settings.language}", partial(_rules, models, settings)),
    ):
        yield _tried(kind, loaded)


def _tried(name: str, attempt: Callable[[], str]) -> Trial:
    try:
        return Trial(name, None, attempt())
    except PackError as broken:
        return Trial(name, f"{broken.problems[0]} ({len(broken.problems)} in all)")
    except ComplineError as failure:
        return Trial(name, str(failure))


def _decoded() -> str:
    """Decode a tone as a phone's recording is decoded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tone.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            levels = (int(8_000 * math.sin(0.3 * at)) for at in range(int(TONE * RATE)))
            file.writeframes(b"".join(struct.pack("<h", level) for level in levels))
        with open_recording(path, limit_s=60.0) as recording:
            samples = sum(block.shape[1] for block in recording.blocks())
    return f"{samples} samples of {TONE:g} s"


def _loaded(store: ModelStore, model: Installed) -> str:
    store.load(model)
    return f"{model.kind}, {model.language}; checksums and known answers right"


def _speech(store: ModelStore, settings: EdgeSettings) -> str:
    found: Transcriber = store.transcriber(settings.language, kind=settings.recogniser)
    return f"version {found.version}"


def _text(store: ModelStore, settings: EdgeSettings) -> str:
    found = store.text_classifier(settings.language)
    return f"version {found.version}" if found else "none installed: the lexicon alone reads texts"


def _feelings(store: ModelStore, settings: EdgeSettings) -> str:
    found = store.voice_model(settings.language)
    return f"version {found.version}" if found else "none installed: anger is told by loudness alone"


def _thresholds(store: ModelStore) -> str:
    return f"for {store.thresholds().model}"


def _doubt(store: ModelStore) -> str:
    found = store.doubt()
    if found is None:
        return "none installed: doubt rests on the recogniser's confidence alone"
    of = next((model for model in store.installed() if model.name == found.model), None)
    stored = read_manifest(of.folder).files.get("model.tflite") if of else None
    same = stored is not None and stored.sha256 == found.weights
    return f"for {found.model}" + (
        "" if same else "; measured on other weights: run models/doubt/calibrate.py again"
    )


def _lexicon(models: Path, settings: EdgeSettings) -> str:
    packs = load_packs(models, settings.language).sound()
    return f"{sum(len(pack.entries) for pack in packs)} entries in {len(packs)} packs"


def _rules(models: Path, settings: EdgeSettings) -> str:
    packs = load_rules(models, settings.language).sound()
    for pack in packs:
        if problems := check_examples(pack):
            raise RulePackError(problems)
    return f"{sum(len(pack.rules) for pack in packs)} rules in {len(packs)} packs, their examples hold"
