"""The models on this machine: found in their folders, picked by language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import environ
from pathlib import Path

from compline_edge.core.comprehension import DoubtPoints, parse_doubt
from compline_edge.core.ngram import NgramModel
from compline_edge.core.spotter_thresholds import Thresholds, parse_thresholds
from compline_edge.ports import TextClassifier, Transcriber, VoiceEncoder, VoiceModel
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.language_model import KIND as NGRAM
from compline_edge.senses.language_model import load_language_model
from compline_edge.senses.model_manifest import MANIFEST, ModelDamaged, read_checked, read_manifest
from compline_edge.senses.speaker_model import KIND as SPEAKER
from compline_edge.senses.speaker_model import SpeakerModel
from compline_edge.senses.text_model import KIND as TEXT
from compline_edge.senses.text_model import TfliteTextClassifier
from compline_edge.senses.voice_model import KIND as VOICE
from compline_edge.senses.voice_model import TfliteVoiceModel
from compline_edge.senses.vosk_transcriber import VoskTranscriber, vosk_language
from compline_shared.errors import ComplineError

DEFAULT_LANGUAGE = "zh-CN"
HEARING = ("ctc", "vosk")
_THRESHOLDS = Path("spotter") / "thresholds.json"
_DOUBT = Path("doubt") / "points.json"
_KINDS = frozenset({*HEARING, TEXT, NGRAM, VOICE, SPEAKER})
"""Folders of other kinds hold operating points, and are read by what they belong to."""
_MAX_FOLDERS = 1_000


class NoModel(ComplineError):
    """No installed model speaks the language of the call."""


@dataclass(frozen=True, slots=True)
class Installed:
    """One model folder."""

    name: str
    kind: str  # "ctc", "vosk", "text", "ngram", "voice" or "speaker"
    language: str
    folder: Path


class ModelStore:
    """Looks for model folders in several places; the first place that has a language wins, CTC before
    Vosk there.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)

    def installed(self) -> tuple[Installed, ...]:
        """Every folder that says it is a model, in the order in which they are picked."""
        return tuple(model for root in self._roots for model in _models(root))

    def transcriber(self, language: str = DEFAULT_LANGUAGE, *, kind: str | None = None) -> Transcriber:
        """Load the model of a language: the same tag, else the same first part (`zh` finds `zh-CN`); `kind`
        wants "ctc" or "vosk".

        Raises:
            NoModel: none is installed.
            ModelDamaged: the one that is installed cannot be used.
        """
        installed = self.installed()
        hearing = [model for model in installed if model.kind in HEARING and kind in (None, model.kind)]
        for model in _for_language(hearing, language):
            return _transcriber(model, self.language_model(language) if model.kind == "ctc" else None)
        raise NoModel(_no_model(language, kind, installed))

    def text_classifier(self, language: str = DEFAULT_LANGUAGE) -> TextClassifier | None:
        """Load the text classifier of a language, picked as a transcriber is; None where none is installed.

        Raises:
            ModelDamaged, BadCalibration: the one that is installed cannot be used.
        """
        for model in self._of(TEXT, language):
            return TfliteTextClassifier(model.folder)
        return None

    def kinds(self, language: str = DEFAULT_LANGUAGE, *, transcriber: str | None = None) -> frozenset[str]:
        """The kinds of models that are installed for a language, of recognisers the one that `transcriber` would be.

        Nothing is tried.
        """
        installed = self.installed()
        found = {model.kind for model in _for_language(installed, language)} - set(HEARING)
        hearing = [
            model for model in installed if model.kind in HEARING and transcriber in (None, model.kind)
        ]
        found |= {model.kind for model in list(_for_language(hearing, language))[:1]}
        return frozenset(found | {model.kind for model in installed if model.kind == SPEAKER})

    def doubts(self) -> bool:
        """Whether there are points of doubt; they are not read."""
        return any((root / _DOUBT.parent).is_dir() for root in self._roots)

    def voice_model(self, language: str = DEFAULT_LANGUAGE) -> VoiceModel | None:
        """Load the emotion model of a language, picked as a transcriber is; None where none is installed.

        Raises:
            ModelDamaged: the one that is installed cannot be used.
        """
        for model in self._of(VOICE, language):
            return TfliteVoiceModel(model.folder)
        return None

    def language_model(self, language: str = DEFAULT_LANGUAGE) -> NgramModel | None:
        """Load what a CTC model's utterances are read with, picked as a transcriber is; None where none is installed.

        Raises:
            ModelDamaged: the one that is installed cannot be used.
        """
        for model in self._of(NGRAM, language):
            return load_language_model(model.folder)
        return None

    def voice_encoder(self) -> VoiceEncoder | None:
        """Load the speaker model, which knows no language; None where none is installed.

        Raises:
            ModelDamaged, BadSpeakerCalibration: the one that is installed cannot be used.
        """
        for model in self.installed():
            if model.kind == SPEAKER:
                return SpeakerModel(model.folder)
        return None

    def load(self, model: Installed) -> None:
        """Load one model, whatever it is for, and let it go again.

        Raises:
            ModelDamaged, BadCalibration, BadSpeakerCalibration: it cannot be used.
        """
        match model.kind:
            case "text":
                TfliteTextClassifier(model.folder)
            case "ngram":
                load_language_model(model.folder)
            case "voice":
                TfliteVoiceModel(model.folder)
            case "speaker":
                SpeakerModel(model.folder)
            case _:
                _transcriber(model)

    def _of(self, kind: str, language: str) -> Iterator[Installed]:
        return _for_language([model for model in self.installed() if model.kind == kind], language)

    def thresholds(self) -> Thresholds:
        """The spotter's operating point, from the first place that has one.

        Raises:
            NoModel: no place has one.
            ModelDamaged, BadThresholds: it cannot be used.
        """
        content = self._points(_THRESHOLDS)
        if content is None:
            raise NoModel(f"{_THRESHOLDS} is not installed: restore it with `git checkout -- models`.")
        return parse_thresholds(content)

    def doubt(self) -> DoubtPoints | None:
        """What was measured of the recogniser's doubt, from the first place that has it; None where none has.

        Raises:
            ModelDamaged, BadDoubt: it cannot be used.
        """
        content = self._points(_DOUBT)
        return None if content is None else parse_doubt(content)

    def _points(self, name: Path) -> bytes | None:
        """Content of a file of operating points that is what its manifest says; None where no place has its folder."""
        folder = next((root / name.parent for root in self._roots if (root / name.parent).is_dir()), None)
        return None if folder is None else read_checked(folder, name.name, read_manifest(folder))


def user_models(environment: Mapping[str, str] = environ) -> Path:
    """The user's own model folder, where `models fetch` installs. Source: XDG Base Directory
    Specification.
    """
    home = environment.get("XDG_DATA_HOME") or str(
        Path(environment.get("HOME", "~")).expanduser() / ".local/share"
    )
    return Path(home) / "compline" / "models"


def _transcriber(model: Installed, language_model: NgramModel | None = None) -> Transcriber:
    if model.kind == "ctc":
        return CtcTranscriber(model.folder, language_model)
    return VoskTranscriber(model.folder)


def _models(root: Path) -> Iterator[Installed]:
    """The models directly inside a place: CTC first, then by name."""
    if not root.is_dir():
        return
    found: list[Installed] = []
    for folder in sorted(root.iterdir())[:_MAX_FOLDERS]:
        if (folder / MANIFEST).is_file():
            manifest = read_manifest(folder)
            if manifest.kind not in _KINDS:
                continue
            found.append(Installed(manifest.name, manifest.kind, manifest.language, folder))
        elif folder.name.startswith("vosk-model-") and folder.is_dir():
            try:
                found.append(Installed(folder.name, "vosk", vosk_language(folder), folder))
            except ModelDamaged:
                continue  # a language that nobody here asks for
    yield from sorted(found, key=lambda model: (model.kind != "ctc", model.name))


def _for_language(models: Sequence[Installed], language: str) -> Iterator[Installed]:
    """Those of the very tag, then those of the same language: `zh` finds `zh-CN`."""
    yield from (model for model in models if model.language.lower() == language.lower())
    yield from (model for model in models if _first(model.language) == _first(language))


def _no_model(language: str, kind: str | None, installed: Sequence[Installed]) -> str:
    have = ", ".join(f"{model.name} ({model.kind}, {model.language})" for model in installed) or "none"
    other = ", or let it be picked with --transcriber auto" if kind else ""
    return (
        f"No {f'{kind} ' if kind else ''}model for the language {language} is installed (installed: {have}): "
        f"fetch one that `compline-edge models list` names{other}."
    )


def _first(language: str) -> str:
    return language.lower().partition("-")[0]
