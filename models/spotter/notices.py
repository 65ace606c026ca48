"""Measures how likely a call's notices are missed, and how sure an absence can therefore be, as JSON Lines.

Two things hide a notice that was given: no entry has its wording (notices.tsv, written after the entries and never
used to widen them), or the line hides its sound. The second is measured with phrases of a notice's shape, two runs of
characters around a gap, in the sentences of aishell_s0150 that no weights were learnt from, half of them under noise
and another voice at 15 dB, all a tenth faster than read, for notices are hurried. The base model stands for a speaker
that the shipped weights do not know: theirs learnt from her other sentences. Run from the repository:
python -m models.spotter.notices
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from models.eval.pinyin_error import BASE, Pcm, Recording, read_set
from models.eval.spotting import base_model
from models.spotter.calibrate import DATA, MODEL, TARGET, Heard, listen
from models.train.telephone import CLEAN, Floats, Line, at_speed, mix, send

from bench.figure import Figure
from compline_edge.core.disclosure import CALLS_WITHOUT
from compline_edge.core.speech import Posteriors, SpeechBlock
from compline_edge.core.spotter import Spotter
from compline_edge.core.spotter_thresholds import Thresholds, parse_thresholds
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.features import STEP
from compline_edge.senses.packs import load_packs
from compline_shared.pack import Entry, Pack
from compline_shared.taxonomy import Category, Role
from compline_shared.template import Choice, Gap, Template

NOTICES = Path(__file__).with_name("notices.tsv")
LINES: Mapping[str, Line] = {
    "16k": CLEAN,
    "8k_mulaw": Line(codec="pcm_mulaw"),
    "8k_amr122": Line(codec="libopencore_amrnb", bit_rate=12_200),
    "8k_amr475": Line(codec="libopencore_amrnb", bit_rate=4_750),
}
NOISE = 15.0  # dB below the speech
HURRY = 1.1
SHAPES = 12  # phrases a sentence
GAP = 8  # characters that the template allows, as the notices do

Shape = tuple[str, str]
"""What stands before a gap and what after it."""


def figures() -> Iterator[Figure]:
    """Yield coverage of wording, then for each line what is heard, missed and how sure an absence is."""
    identity, recording = coverage("identity"), coverage("recording")
    yield Figure("notice_wording_identity", identity, "share", None, "higher")
    yield Figure("notice_wording_recording", recording, "share", None, "higher")
    thresholds = parse_thresholds(TARGET.read_bytes()).lenient()
    sentences = read_set(DATA / "aishell_s0150")
    ours, base = CtcTranscriber(MODEL), base_model(BASE)
    false = heard_unsaid(listen(ours, ((one.samples, one.text) for one in sentences)), thresholds)
    yield Figure("notices_unsaid_heard_an_hour", false, "1/h", None, "lower")
    held_out = [one for place, one in enumerate(sentences) if place % 100 >= 90]
    for name, line in LINES.items():
        strange = None if base is None else heard_share(base, thresholds, held_out, line)
        known = heard_share(ours, thresholds, held_out, line)
        yield Figure(f"notice_heard_{name}", known, "share", strange, "higher")
        share = known if strange is None else min(known, strange)
        missed = (1 - identity * share) * (1 - recording * share)
        yield Figure(f"notices_missed_{name}", missed, "share", None, "lower")
        sure = CALLS_WITHOUT / (CALLS_WITHOUT + (1 - CALLS_WITHOUT) * missed)
        yield Figure(f"absence_right_{name}", sure, "share", 0.5, "higher")


def coverage(sort: str) -> float:
    """Share of the notices of one sort, never used to widen an entry, whose wording some entry has."""
    matcher = TextMatcher(_packs())
    rows = [line.split("\t") for line in NOTICES.read_text(encoding="utf-8").splitlines()]
    given = [text for text, label in rows if label == sort]
    return sum(bool(matcher.disclosures(text)) for text in given) / len(given)


def heard_unsaid(cohort: Iterable[Heard], thresholds: Thresholds) -> float:
    """Recordings an hour, of a few seconds each, in which some notice is heard that nobody gave."""
    entries = [e for pack in _packs() for e in pack.entries if e.category is Category.MISSING_DISCLOSURE]
    spotter = Spotter(entries, thresholds)
    seconds = 0.0
    false = 0
    for one in cohort:
        seconds += len(one.log_probs) * STEP
        stream = spotter.open()
        false += bool([*stream.feed(Posteriors(0.0, STEP, one.log_probs, ends=True)), *stream.finish()])
    return false / (seconds / 3600)


def heard_share(
    transcriber: CtcTranscriber, thresholds: Thresholds, recordings: Sequence[Recording], line: Line
) -> float:
    """Share of the phrases really said that are heard over a line."""
    chance, noise = random.Random(5), np.random.default_rng(6)
    heard = said = 0
    other = recordings[-1]
    for place, one in enumerate(recordings):
        if any(word in one.text for word in _known().excluded):
            continue  # rightly taken back
        entries = [_notice(shape, id_) for id_, shape in enumerate(_shapes(one.text, chance), start=1)]
        spoken = _disturbed(one, other, noise) if place % 2 else _floats(one.samples)
        other = one
        posteriors = _listen(transcriber, send(at_speed(spoken, HURRY), line))
        stream = Spotter(entries, thresholds).open()
        spotted = [*stream.feed(Posteriors(0.0, STEP, posteriors, ends=True)), *stream.finish()]
        heard += len({one.entry for one in spotted})
        said += len(entries)
    return heard / said


def _notice(shape: Shape, id_: int) -> Entry:
    """A notice with this sound, and with the negative contexts that all notices have."""
    before, after = shape
    template = Template((Choice((before,)), Gap(GAP), Choice((after,))))
    return replace(_known(), id=id_, template=template)


def _known() -> Entry:
    return next(e for pack in _packs() for e in pack.entries if e.category is Category.MISSING_DISCLOSURE)


def _shapes(text: str, chance: random.Random) -> Iterator[Shape]:
    for _ in range(SHAPES):
        before, between, after = chance.randint(2, 3), chance.randint(0, 6), chance.randint(2, 4)
        size = before + between + after
        if size <= len(text):
            start = chance.randrange(len(text) - size + 1)
            yield text[start : start + before], text[start + before + between : start + size]


def _disturbed(one: Recording, other: Recording, chance: np.random.Generator) -> Floats:
    voice = np.resize(_floats(other.samples), len(one.samples))
    noise = voice / (np.std(voice) + 1e-9) + chance.normal(0.0, 1.0, len(voice))
    return mix(_floats(one.samples), noise.astype(np.float32), decibels=NOISE)


@cache
def _packs() -> tuple[Pack, ...]:
    return load_packs(Path("models"), "zh-CN").sound()


def _listen(transcriber: CtcTranscriber, samples: Floats) -> Floats:
    pcm = np.clip(samples * 32_768.0, -32_768, 32_767).astype(np.int16)
    pieces = transcriber.open(Role.UNKNOWN).feed(SpeechBlock(0.0, pcm, ends=True)).posteriors
    return np.concatenate([piece.log_probs for piece in pieces])


def _floats(samples: Pcm) -> Floats:
    return np.asarray(samples / 32_768.0, dtype=np.float32)


if __name__ == "__main__":
    for figure in figures():
        print(figure.line(), flush=True)
