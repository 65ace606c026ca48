"""Mandarin speech to characters and syllable posteriors by the small CTC model on TFLite, streaming and exact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from compline_edge.core.beam_search import BeamReader
from compline_edge.core.ctc_decoding import FLOOR, GreedyDecoder, Symbol, log_softmax
from compline_edge.core.ngram import NgramModel
from compline_edge.core.speech import SAMPLE_RATE, Heard, Posteriors, SpeechBlock, Token, Utterance
from compline_edge.core.syllables import SYLLABLES, reading, token_matrix
from compline_edge.senses.features import CENTRE, STEP, WIDTH, FeatureStream, read_normalisation
from compline_edge.senses.model_manifest import (
    KnownAnswer,
    Manifest,
    ModelDamaged,
    read_checked,
    read_manifest,
)
from compline_edge.senses.tflite import RowNetwork, wrong_results
from compline_shared.taxonomy import Role

PIECE = 32
"""Steps that are computed at once (0.96 s): more saves work, fewer answers sooner."""

LONGEST = 120
"""Characters after which an utterance is closed even where nobody pauses."""

MOST_STEPS = 1_024
"""Steps (31 s) that wait to be read with the language model at most, 10 MB; then the utterance is closed."""

USUAL = 0.7
"""Share of a character's probability that its usual reading gets where it has several; the others share
the rest."""

TOLERANCE = 0.05
"""Largest difference to the known answer, in natural-log units; runtimes differ by 0.001 among themselves."""

Floats = npt.NDArray[np.float32]


class CtcTranscriber:
    """A model folder (model.tflite, tokens.txt, cmvn.json, manifest.json) as a Transcriber.

    One interpreter serves all streams, one after another or in turn. Memory: about 20 MB above the
    runtime's own.
    """

    def __init__(self, folder: Path, language_model: NgramModel | None = None) -> None:
        """Load the model, its checksums compared and a known answer recomputed; utterances are read with the
        language model, where one is given.

        Raises:
            ModelDamaged: a file is missing or altered, or this machine's runtime computes something else.
        """
        manifest = read_manifest(folder)
        self._manifest = manifest
        self._network = _Network(read_checked(folder, "model.tflite", manifest), manifest)
        self._tokens = tuple(read_checked(folder, "tokens.txt", manifest).decode("utf-8").splitlines())
        self._cmvn = read_normalisation(read_checked(folder, "cmvn.json", manifest), folder.name)
        self._syllabary = Syllabary(self._tokens)
        self.reader = BeamReader(self._tokens, language_model) if language_model else None
        if manifest.known_answer is not None:
            _compare(self._network, manifest.known_answer, folder.name)

    @property
    def version(self) -> int:
        """Number of the model on the wire."""
        return self._manifest.version

    @property
    def language(self) -> str:
        """BCP 47 tag of the manifest."""
        return self._manifest.language

    @property
    def tokens(self) -> tuple[str, ...]:
        """What each output of the model stands for; the first is blank."""
        return self._tokens

    def open(self, role: Role) -> CtcStream:
        """Begin to transcribe one channel."""
        return CtcStream(self, role)

    def features(self) -> FeatureStream:
        """A feature stream with the model's normalisation."""
        shift, scale = self._cmvn
        return FeatureStream(shift=shift, scale=scale)

    def window(self) -> _Window:
        """Begin a stretch: features in, log-probabilities out."""
        return _Window(self._network)

    @property
    def syllabary(self) -> Syllabary:
        """How tokens sound."""
        return self._syllabary


class Syllabary:
    """Sums the probabilities of tokens over their toneless syllables."""

    def __init__(self, tokens: Sequence[str]) -> None:
        matrix = token_matrix(tokens)
        usual = np.array([reading(token) if len(token) == 1 else 0 for token in tokens])
        several = matrix.sum(axis=1) > 1
        matrix[several] *= ((1.0 - USUAL) / (matrix[several].sum(axis=1) - 1))[:, None]
        matrix[several, usual[several]] = USUAL
        syllables, columns = np.nonzero(matrix.T)
        self._columns = columns
        self._weights = matrix.T[syllables, columns]
        self._present, self._starts = np.unique(syllables, return_index=True)

    def posteriors(self, log_probs: Floats) -> Floats:
        """Map [steps, tokens] log-probabilities to [steps, syllables], floored at `FLOOR`.

        A character of several readings gives `USUAL` of its probability to the usual one. Tokens that are
        no Chinese character belong to no syllable, so a row may sum to less than 1.
        """
        sums = np.add.reduceat(np.exp(log_probs)[:, self._columns] * self._weights, self._starts, axis=1)
        result = np.full((len(log_probs), len(SYLLABLES)), FLOOR, dtype=np.float32)
        result[:, self._present] = np.log(np.maximum(sums, np.exp(FLOOR)))
        return result


class CtcStream:
    """One channel being transcribed by the CTC model."""

    def __init__(self, transcriber: CtcTranscriber, role: Role) -> None:
        self._transcriber = transcriber
        self._role = role
        self._stretch: _Stretch | None = None

    def feed(self, block: SpeechBlock) -> Heard:
        """Take consecutive samples of a stretch of speech; `ends` closes the utterance."""
        if self._stretch is None:
            self._stretch = _Stretch(self._transcriber, self._role, block.start)
        stretch = self._stretch
        heard = stretch.feed(block)
        if block.ends:
            self._stretch = None
        return heard

    def finish(self) -> Heard:
        """Close a stretch that the recording's end has cut."""
        if self._stretch is None:
            return Heard()
        heard = self._stretch.finish()
        self._stretch = None
        return heard


class _Stretch:
    """One stretch of speech: its features, its window on the network, its decoder."""

    def __init__(self, transcriber: CtcTranscriber, role: Role, start: float) -> None:
        self._transcriber = transcriber
        self._role = role
        self._start = start
        self._features = transcriber.features()
        self._window = transcriber.window()
        self._decoder = GreedyDecoder()
        self._open: list[Token] = []
        self._since = start  # s, where the running utterance begins
        self._samples = 0
        self._step = 0
        self._unread: list[
            tuple[Floats, Floats]
        ] = []  # rows of the running utterance, by token and by syllable
        self._first_unread = 0  # step

    def feed(self, block: SpeechBlock) -> Heard:
        self._samples += len(block.samples)
        heard = self._take(self._window.feed(self._features.feed(block.samples)), ends=False)
        if not block.ends:
            return heard
        last = self.finish()
        return Heard(
            utterances=heard.utterances + last.utterances,
            posteriors=heard.posteriors + last.posteriors,
            greedy=heard.greedy + last.greedy,
        )

    def finish(self) -> Heard:
        log_probs = np.concatenate([self._window.feed(self._features.finish()), self._window.finish()])
        return self._take(log_probs, ends=True)

    def _take(self, log_probs: Floats, *, ends: bool) -> Heard:
        start = self._time(self._step)
        rows = self._transcriber.syllabary.posteriors(log_probs)
        if self._transcriber.reader:
            self._unread.append((log_probs, rows))
        utterances: list[Utterance] = []
        greedy: list[Token] = []
        for symbol in self._decoder.feed(log_probs) + (self._decoder.finish() if ends else []):
            greedy.append(self._greedy_token(symbol))
            self._open.append(greedy[-1])
            if len(self._open) >= LONGEST:
                utterances += self._close(self._open[-1].end, step=symbol.last + 1)
        self._step += len(log_probs)
        if ends or sum(len(rows) for _, rows in self._unread) >= MOST_STEPS:
            utterances += self._close(self._start + self._samples / SAMPLE_RATE, step=self._step)
        posteriors: tuple[Posteriors, ...] = ()
        if len(log_probs) or ends:
            posteriors = (Posteriors(start=start, step=STEP, log_probs=rows, ends=ends),)
        return Heard(self._partial(), tuple(utterances), posteriors, tuple(greedy))

    def _close(self, end: float, *, step: int) -> list[Utterance]:
        tokens, since = tuple(self._open), self._since
        self._open, self._since = [], end
        if self._transcriber.reader and self._unread:
            tokens = self._read(self._transcriber.reader, step, any_heard=bool(tokens))
        if not tokens:
            return []
        confidence = sum(token.confidence for token in tokens) / len(tokens)
        return [
            Utterance(_spell([token.text for token in tokens]), self._role, since, end, confidence, tokens)
        ]

    def _read(self, reader: BeamReader, end: int, *, any_heard: bool) -> tuple[Token, ...]:
        """Read the running utterance up to a step with the language model; what comes later waits."""
        log_probs, rows = (np.concatenate(parts) for parts in zip(*self._unread, strict=True))
        first, size = self._first_unread, end - self._first_unread
        self._unread, self._first_unread = [(log_probs[size:], rows[size:])], end
        symbols = reader.read(log_probs[:size], rows[:size]) if any_heard else []
        return tuple(
            self._token(reader.alphabet[one.index], one.first + first, one.last + first, one.confidence)
            for one in symbols
        )

    def _partial(self) -> str:
        running = self._decoder.running
        texts = [token.text for token in self._open]
        return _spell(texts if running is None else [*texts, self._transcriber.tokens[running.index]])

    def _greedy_token(self, symbol: Symbol) -> Token:
        text = self._transcriber.tokens[symbol.index]
        return self._token(text, symbol.first, symbol.last, symbol.confidence)

    def _token(self, text: str, first: int, last: int, confidence: float) -> Token:
        index = reading(text) if len(text) == 1 else 0
        return Token(
            text=text,
            syllable=SYLLABLES[index] if index else "",
            start=self._time(first),
            end=self._time(last + 1),
            confidence=min(1.0, confidence),
        )

    def _time(self, step: int) -> float:
        return self._start + CENTRE + step * STEP


class _Window:
    """Slides over the features of one stretch so that each step sees all the context that the network
    uses.
    """

    def __init__(self, network: _Network) -> None:
        self._network = network
        self._features: Floats = np.zeros((0, WIDTH), dtype=np.float32)
        self._done = 0  # rows of self._features whose output has been given

    def feed(self, features: Floats) -> Floats:
        """Take [n, 400]; returns log-probabilities of the steps whose context is whole, in pieces of
        `PIECE`.
        """
        self._features = np.concatenate([self._features, features])
        outputs = [self._network.none]
        while len(self._features) - self._done >= PIECE + self._network.right:
            first = max(0, self._done - self._network.left)
            logits = self._network.run(self._features[first : self._done + PIECE + self._network.right])
            outputs.append(log_softmax(logits[self._done - first :][:PIECE]))
            self._done += PIECE
            spare = max(0, self._done - self._network.left - self._network.right - PIECE)
            self._features = self._features[spare:]
            self._done -= spare
        return np.concatenate(outputs)

    def finish(self) -> Floats:
        """Log-probabilities of the steps that are left, at the true end of the stretch."""
        if self._done == len(self._features):
            return self._network.none
        size = self._network.left + PIECE + self._network.right  # a size that has been computed before
        first = max(0, min(self._done - self._network.left, len(self._features) - size))
        logits = self._network.run(self._features[first:])
        left = logits[self._done - first :]
        self._features, self._done = self._features[:0], 0
        return log_softmax(left)


class _Network:
    """The network with the context that a step needs."""

    def __init__(self, content: bytes, manifest: Manifest) -> None:
        self.left = manifest.left_context
        self.right = manifest.right_context
        self._rows = RowNetwork(content, name=manifest.name)
        self.none: Floats = np.zeros((0, self._rows.width[1]), dtype=np.float32)

    def run(self, features: Floats) -> Floats:
        """Logits [steps, tokens] of [steps, 400]."""
        logits: Floats = self._rows.run(features[None])[0]
        return logits


def known_answer(folder: Path) -> dict[str, object]:
    """Compute what belongs under `known_answer` in manifest.json of a model folder that is being made."""
    draft = Manifest(name=folder.name, kind="ctc", version=1, language="zh-CN", files={})
    log_probs = log_softmax(_Network((folder / "model.tflite").read_bytes(), draft).run(_pattern()))
    best = log_probs[:, 1:].argmax(axis=1) + 1  # blank is too sure of itself to tell machines apart
    heights = log_probs[np.arange(len(best)), best]
    return {"best": best.tolist(), "log_probs": [round(float(height), 5) for height in heights]}


def _compare(network: _Network, expected: KnownAnswer, name: str) -> None:
    log_probs = log_softmax(network.run(_pattern()))
    steps = np.arange(len(log_probs))
    if len(expected.best) != len(steps) or len(expected.log_probs) != len(steps):
        raise ModelDamaged(f"The known answer of the model {name} does not have {len(steps)} steps.")
    found = log_probs[steps, np.asarray(expected.best)]
    if not np.allclose(found, expected.log_probs, atol=TOLERANCE, rtol=0.0):
        raise wrong_results(name)


def _pattern() -> Floats:
    """Twelve steps of features of ordinary size that every machine makes alike."""
    return np.asarray(1.5 * np.sin(np.arange(12 * WIDTH) * 0.37), dtype=np.float32).reshape(12, WIDTH)


def _spell(texts: Sequence[str]) -> str:
    """Join tokens; a space only between two pieces that are no Chinese character."""
    joined = ""
    for text in texts:
        apart = joined and joined[-1].isascii() and text[0].isascii() and text[0] != "'"
        joined += f" {text}" if apart else text
    return joined
