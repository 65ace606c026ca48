"""Writes what the shipped recogniser makes of sentences that come over the telephone: heard.tsv and taught.tsv.

    .venv/bin/python -m models.text.hear --help

heard.tsv is of sentences that were kept back, for calibration; taught.tsv of sentences that are trained on, in other
voices, read with a language model that has not seen them. They are spoken first (`python -m models.voices`). Run both
again after a change of the recogniser's weights.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.eval.telephone_calls import AMR, MULAW, Turn, in_babble, sides, talkers, write
from models.language.train import made, texts
from models.text.corpus import Sample
from models.text.mishearing import BETWEEN, TAUGHT
from models.text.recognised import HEARD
from models.train.telephone import Line
from models.voices.casting import Utterance, cast
from models.voices.scripts import rehearsed, teaching, to_teach

from compline_edge.core.ngram import NgramModel
from compline_edge.core.text_features import CATEGORIES
from compline_edge.hearing import Ear
from compline_edge.pipeline import CallListener
from compline_edge.ports import Transcriber
from compline_edge.reading import TextReader
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.recording import open_recording
from compline_edge.senses.voice_activity import WebrtcVoiceActivity
from compline_edge.settings import EdgeSettings
from compline_edge.wiring import instruments
from compline_shared.taxonomy import Role

WAYS: dict[str, tuple[Line, bool]] = {
    "mulaw": (MULAW, False),
    "amr": (AMR, False),
    "mulaw_babble": (MULAW, True),
}
RECOGNISER = Path("models/zh-ctc-telephone")
TOLD_EVERY = 200


@dataclass(frozen=True, slots=True)
class Heard:
    """A sentence as it was heard in one way."""

    number: int  # of the sentence, from 1
    said: Utterance
    codes: str  # of its categories, as files name them
    way: str
    text: str


def main() -> None:
    """Listen to every sentence that was spoken, in each way, or for training in two of them."""
    parser = argparse.ArgumentParser(prog="python -m models.text.hear", description=__doc__)
    parser.add_argument("what", choices=["heard", "taught"], nargs="?", default="heard", help="file to write")
    if parser.parse_args().what == "heard":
        written = HEARD
        rows = (
            (str(one.number), one.codes, one.way, one.text)
            for one in listen(rehearsed(), lambda _: list(WAYS), _shipped())
        )
    else:
        written = TAUGHT
        rows = (
            (one.codes, one.way, one.said.text, one.text)
            for one in listen(teaching(), one_and_babble, _unknowing())
        )
    lines = ["\t".join(row) + "\n" for row in rows]
    written.write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines)} lines written to {written}", file=sys.stderr)


def one_and_babble(said: Utterance) -> Sequence[str]:
    """One line without babble, and babble: what a sentence of training is heard in."""
    return [cast(["mulaw", "amr"], "way", said.text), "mulaw_babble"]


def listen(
    wanted: Sequence[tuple[Utterance, Sample]],
    ways: Callable[[Utterance], Sequence[str]],
    transcriber: Transcriber,
) -> Iterator[Heard]:
    """Yield each sentence that was spoken as it is heard in its ways."""
    listed = [(said, sample) for said, sample in wanted if said.path.exists()]
    print(f"{len(listed)} of {len(wanted)} sentences are spoken", file=sys.stderr)
    others = talkers([said for said, _ in listed])
    for number, (said, sample) in enumerate(listed, 1):
        codes = [each.code for place, each in enumerate(CATEGORIES) if sample.targets[place]]
        for way in ways(said):
            line, babble = WAYS[way]
            both = sides([Turn(collector=True, said=said)], said.text)
            if babble:
                both[0] = in_babble(both[0], others, said.text)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "call.wav"
                write(both, line, path)
                heard = BETWEEN.join(_utterances(path, transcriber))
            yield Heard(number, said, "+".join(codes) or "none", way, heard)
        if number % TOLD_EVERY == 0:
            print(f"  {number} of {len(listed)} heard", file=sys.stderr, flush=True)


def _utterances(path: Path, transcriber: Transcriber) -> list[str]:
    """What the collector's channel gives, as the product hears it."""
    listener = _listener()
    ear = Ear(
        role=Role.COLLECTOR,
        voice_activity=WebrtcVoiceActivity(),
        stream=transcriber.open(Role.COLLECTOR),
        spotting=(),
        reader=TextReader(listener.texts.matcher),
        entries=listener.entries,
    )
    with open_recording(path) as recording:
        for block in recording.blocks():
            ear.hear(block[0])
    ear.finish()
    return [utterance.text for utterance in ear.utterances if utterance.text]


def _shipped() -> Transcriber:
    transcriber = _listener().transcriber
    assert transcriber is not None
    return transcriber


def _unknowing() -> Transcriber:
    """The recogniser with a language model that has not seen the sentences that are heard."""
    return CtcTranscriber(RECOGNISER, NgramModel(made(texts(without=to_teach()))))


@cache
def _listener() -> CallListener:
    return instruments(EdgeSettings(models="models")).listener


if __name__ == "__main__":
    main()
