"""Writes heard.tsv: what the shipped recogniser makes of kept-back sentences that come over the telephone.

    .venv/bin/python -m models.text.hear

The sentences are spoken first (`python -m models.voices`). Run it again after a change of the recogniser's weights.
"""

from __future__ import annotations

import sys
import tempfile
from functools import cache
from pathlib import Path

from models.eval.telephone_calls import AMR, MULAW, Turn, in_babble, sides, talkers, write
from models.text.recognised import BETWEEN, HEARD
from models.train.telephone import Line
from models.voices.scripts import rehearsed

from compline_edge.core.text_features import CATEGORIES
from compline_edge.hearing import Ear
from compline_edge.pipeline import CallListener
from compline_edge.reading import TextReader
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


def main() -> None:
    """Listen to every sentence that was spoken, in each way."""
    listed = [(utterance, sample) for utterance, sample in rehearsed() if utterance.path.exists()]
    print(f"{len(listed)} sentences", file=sys.stderr)
    others = talkers([utterance for utterance, _ in listed])
    lines = []
    for count, (utterance, sample) in enumerate(listed, 1):
        codes = [category.code for place, category in enumerate(CATEGORIES) if sample.targets[place]]
        for way, (line, babble) in WAYS.items():
            both = sides([Turn(collector=True, said=utterance)], utterance.text)
            if babble:
                both[0] = in_babble(both[0], others, utterance.text)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "call.wav"
                write(both, line, path)
                heard = BETWEEN.join(_utterances(path))
            lines.append("\t".join((str(count), "+".join(codes) or "none", way, heard)))
    HEARD.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    print(f"{len(lines)} lines written to {HEARD}", file=sys.stderr)


def _utterances(path: Path) -> list[str]:
    """What the collector's channel gives, as the product hears it."""
    listener = _listener()
    assert listener.transcriber is not None
    ear = Ear(
        role=Role.COLLECTOR,
        voice_activity=WebrtcVoiceActivity(),
        stream=listener.transcriber.open(Role.COLLECTOR),
        spotting=(),
        reader=TextReader(listener.texts.matcher),
        entries=listener.entries,
    )
    with open_recording(path) as recording:
        for block in recording.blocks():
            ear.hear(block[0])
    ear.finish()
    return [utterance.text for utterance in ear.utterances if utterance.text]


@cache
def _listener() -> CallListener:
    return instruments(EdgeSettings(models="models")).listener


if __name__ == "__main__":
    main()
