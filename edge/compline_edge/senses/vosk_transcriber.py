"""Speech to words by Vosk: any model folder, streaming, with word times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from compline_edge.core.speech import SAMPLE_RATE, Heard, SpeechBlock, Token, Utterance
from compline_edge.core.syllables import SYLLABLES, reading
from compline_edge.senses.model_manifest import MANIFEST, ModelDamaged, read_manifest
from compline_shared.taxonomy import Role

OWN_VERSIONS = 128
"""Versions on the wire from here to 255 are Vosk models: 128 + the hundredths of the release in the folder's name,
at most 127."""

_ACOUSTIC = ("am/final.mdl", "final.mdl")
_LANGUAGES = {
    "cn": "zh-CN",
    "en-us": "en-US",
    "en-in": "en-IN",
    "english": "en-US",
    "ja": "ja-JP",
    "ko": "ko-KR",
    "hi": "hi-IN",
}


class _Word(msgspec.Struct, frozen=True):
    word: str
    start: float
    end: float
    conf: float = 1.0


class _Result(msgspec.Struct, frozen=True):
    text: str = ""
    partial: str = ""
    result: list[_Word] = []


class VoskTranscriber:
    """A Vosk model folder as a Transcriber; it gives no syllable posteriors, so nothing is spotted in them.

    Memory: about three times the folder's size. Calls block for the recogniser's time (RTF 0.1 to 0.2 on one core).
    """

    def __init__(self, folder: Path, *, language: str | None = None) -> None:
        """Load the model; the language comes from its manifest, else from the folder's name.

        Raises:
            ModelDamaged: the folder holds no Vosk model, its language is unknown, or Vosk cannot run here.
        """
        if not any((folder / name).is_file() for name in _ACOUSTIC):
            raise ModelDamaged(
                f"{folder.name} is no Vosk model folder (it has no {_ACOUSTIC[0]}): "
                "delete it, then fetch one that `compline-edge models list` names."
            )
        self._language = language or vosk_language(folder)
        self._version = _version(folder)
        self._recognizer, self._model = _load(folder)

    @property
    def version(self) -> int:
        """Number of the model on the wire."""
        return self._version

    @property
    def language(self) -> str:
        """BCP 47 tag."""
        return self._language

    def open(self, role: Role) -> VoskStream:
        """Begin to transcribe one channel."""
        return VoskStream(
            self._recognizer(self._model, SAMPLE_RATE), role, chinese=self._language.startswith("zh")
        )


class VoskStream:
    """One channel being transcribed by Vosk, whose own end of utterance comes besides that of the stretch."""

    def __init__(self, recognizer: Any, role: Role, *, chinese: bool) -> None:  # noqa: ANN401 (Vosk is untyped)
        recognizer.SetWords(True)
        self._recognizer = recognizer
        self._role = role
        self._chinese = chinese
        self._fed = 0  # samples
        self._places: list[tuple[float, float]] = []  # (s fed before a block, s where the block lies)

    def feed(self, block: SpeechBlock) -> Heard:
        """Take consecutive samples of a stretch of speech; `ends` closes the utterance."""
        self._places.append((self._fed / SAMPLE_RATE, block.start))
        self._fed += len(block.samples)
        utterances: list[Utterance] = []
        if len(block.samples) and self._recognizer.AcceptWaveform(block.samples.astype("<i2").tobytes()):
            utterances += self._utterances(self._recognizer.Result())
        if block.ends:
            return Heard(utterances=(*utterances, *self.finish().utterances))
        running = msgspec.json.decode(self._recognizer.PartialResult(), type=_Result)
        return Heard(partial=self._spell(running.partial), utterances=tuple(utterances))

    def finish(self) -> Heard:
        """Close what is running."""
        utterances = tuple(self._utterances(self._recognizer.FinalResult()))
        self._places = []
        return Heard(utterances=utterances)

    def _utterances(self, answer: str) -> Iterator[Utterance]:
        found = msgspec.json.decode(answer, type=_Result)
        tokens = tuple(self._tokens(found.result))
        if tokens:
            confidence = sum(token.confidence for token in tokens) / len(tokens)
            text = self._spell(" ".join(word.word for word in found.result))
            yield Utterance(text, self._role, tokens[0].start, tokens[-1].end, confidence, tokens)

    def _tokens(self, words: Iterable[_Word]) -> Iterator[Token]:
        """Words as they are, but Chinese ones character by character, which share the word's time evenly."""
        for word in words:
            start, end = self._time(word.start), self._time(word.end)
            parts = list(word.word) if self._chinese else [word.word]
            share = (end - start) / len(parts)
            for place, part in enumerate(parts):
                index = reading(part) if len(part) == 1 else 0
                yield Token(
                    text=part,
                    syllable=SYLLABLES[index] if index else "",
                    start=start + place * share,
                    end=start + (place + 1) * share,
                    confidence=min(1.0, max(0.0, word.conf)),
                )

    def _time(self, fed: float) -> float:
        """Seconds of the recording for seconds that Vosk was fed: silence between stretches never reaches
        it.
        """
        fed = max(fed, self._places[0][0])  # Vosk may set a first word before the stretch
        before, start = next(place for place in reversed(self._places) if place[0] <= fed)
        return start + fed - before

    def _spell(self, text: str) -> str:
        return text.replace(" ", "") if self._chinese else text


def vosk_language(folder: Path) -> str:
    """BCP 47 tag of a Vosk model folder: its manifest's, else by its name (`vosk-model-small-cn-0.22`).

    Raises:
        ModelDamaged: neither says.
    """
    if (folder / MANIFEST).is_file():
        return read_manifest(folder).language
    name = re.sub(r"^vosk-model-(small-)?", "", folder.name)
    for key, language in _LANGUAGES.items():
        if name == key or name.startswith(f"{key}-"):
            return language
    raise ModelDamaged(
        f"The language of the model {folder.name} is not known: "
        "name its folder as Vosk does, e.g. vosk-model-small-cn-0.22."
    )


def _version(folder: Path) -> int:
    if (folder / MANIFEST).is_file():
        return read_manifest(folder).version
    release = re.search(r"(\d{1,2})\.(\d{2})$", folder.name)
    return OWN_VERSIONS + (min(127, int(release[1]) * 100 + int(release[2])) if release else 0)


def _load(folder: Path) -> tuple[Any, Any]:
    try:
        import vosk
    except OSError as error:
        raise ModelDamaged(
            "Vosk cannot be loaded on this machine: install the system package libatomic1."
        ) from error
    vosk.SetLogLevel(-1)
    try:
        return vosk.KaldiRecognizer, vosk.Model(str(folder))
    except Exception as error:  # Vosk raises nothing narrower
        raise ModelDamaged(f"Vosk cannot read the model {folder.name}: fetch it again.") from error
