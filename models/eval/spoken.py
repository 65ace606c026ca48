"""What the product notices in the authored sentences and compliant calls as they are spoken over the telephone.

The speech is synthetic, pseudo-voices made of one (models/voices), and the words are self-made; it stands for no real
speaker. Every recording goes the whole way, two channels at 8 kHz, the collector's first. What was abstained from
counts as not found. `against` is the aim, or what the same words give when they are read as text.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from models.eval.authored_sets import CALLS, GOALS, POINTS, PREVALENCE, Violation, caught, rows, violations
from models.eval.intervals import ends, of_share, resampled
from models.eval.pinyin_error import Score, han, pinyin_errors, rate
from models.eval.telephone_calls import (
    AMR,
    MULAW,
    Floats,
    Turn,
    in_babble,
    sides,
    talkers,
    whole,
    write,
)
from models.eval.text_model import brier_skill, reliability, skill_interval
from models.eval.text_reading import classifier, text_reader
from models.text.recognised import Heard, brier, probabilities, recall, seen
from models.train.telephone import Line
from models.voices.casting import Utterance, of_call, of_sentence
from models.voices.scripts import rehearsed

from bench.figure import Figure
from compline_edge.core.judgement import severity_of
from compline_edge.core.noticed import Noticed
from compline_edge.pipeline import CallListener
from compline_edge.senses.recording import open_recording
from compline_edge.settings import EdgeSettings
from compline_edge.wiring import instruments
from compline_shared.taxonomy import Category, Role, Severity, Technique

WAYS: dict[str, tuple[Line, bool]] = {
    "mulaw": (MULAW, False),
    "amr": (AMR, False),
    "mulaw_babble": (MULAW, True),
}
"""How sentences come: over which line, and whether others talk around the collector, 10 dB softer."""
SURE = 50
"""Confidence from which sightings of the spotter are counted an hour."""
WORST = 10
"""Entries with most such sightings that are named."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was made of one recording."""

    noticed: tuple[Noticed, ...]
    abstained: bool
    duration: float  # s
    errors: Score  # of the collector's syllables
    heard: tuple[str, ...] = ()  # the collector's utterances

    def reaches(self, least: Severity) -> bool:
        """Whether anything is so grave."""
        return any(severity_of(noticed) >= least for noticed in self.noticed)

    def finds(self, categories: frozenset[str], least: Severity) -> bool:
        """Whether one of these is found so gravely, and the recording was not abstained from."""
        return not self.abstained and any(
            noticed.category.code in categories and severity_of(noticed) >= least for noticed in self.noticed
        )


def figures() -> Iterator[Figure]:
    """Yield recall and lawful alarms for each way, then what whole compliant calls set off."""
    said = [each for each in violations() if each.medium == "speech" and _sentence(each.text).path.exists()]
    lawful = [text for _, who, medium, text in rows("lawful.tsv") if (who, medium) == ("collector", "speech")]
    lawful = [text for text in lawful if _sentence(text).path.exists()]
    yield Figure("spoken_sentences", len(said), "violations", None, "higher")
    yield Figure("spoken_lawful_sentences", len(lawful), "sentences", None, "higher")
    recalls: dict[str, float] = {}
    for way, (_, babble) in WAYS.items():
        if not said or not lawful or (babble and not _talkers()):
            continue  # not spoken yet
        bad = [_heard_sentence(each.text, way) for each in said]
        good = [_heard_sentence(text, way) for text in lawful]
        yield from _recall(said, bad, way)
        yield from _points(said, bad, lawful, good, way)
        if way == "mulaw":
            yield from _confidences(said, bad, good)
            yield from _sure_sightings(said, bad, good)
            recalls = {point: _share(said, bad, least) for point, least in POINTS.items()}
    if recalls:
        yield from _calls(recalls)


@cache
def listener() -> CallListener:
    """The product's own, as it is wired."""
    return instruments(EdgeSettings(models="models")).listener


def judged(samples: Floats, line: Line, said: str) -> Judged:
    """Send both channels [2, n] over a line and judge the recording; `said` is what the collector says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "call.wav"
        write(samples, line, path)
        with open_recording(path) as recording:
            listened = listener().listen(recording)
    observed = listened.observed
    heard = tuple(each.text for each in listened.utterances if each.role is Role.COLLECTOR and each.text)
    return Judged(
        observed.noticed,
        abstained=observed.abstained is not None,
        duration=observed.duration,
        errors=pinyin_errors(han(said), han("".join(heard))),
        heard=heard,
    )


def _sentence(text: str) -> Utterance:
    return Utterance(of_sentence(text, "collector"), text)


@cache
def _talkers() -> list[Floats]:
    return talkers([utterance for utterance, _ in rehearsed()])


def _heard_sentence(text: str, way: str) -> Judged:
    line, babble = WAYS[way]
    both = sides([Turn(collector=True, said=_sentence(text))], text)
    if babble:
        both[0] = in_babble(both[0], _talkers(), text)
    return judged(both, line, text)


def _recall(said: Sequence[Violation], bad: Sequence[Judged], way: str) -> Iterator[Figure]:
    yield Figure(f"spoken_pinyin_error_{way}", rate([each.errors for each in bad]), "%", None, "lower")
    hits = [each.finds(one.categories, Severity.NOTICE) for one, each in zip(said, bad, strict=True)]
    yield Figure(f"spoken_recall_{way}", float(np.mean(hits)), "share", GOALS["speech"], "higher")
    yield from ends(f"spoken_recall_{way}", of_share(hits), "share", "higher")
    missing = float(np.mean([each.abstained for each in bad]))
    yield Figure(f"spoken_abstained_{way}", missing, "share", None, "lower")
    if way != "mulaw":
        return
    read = [caught(text_reader(), one) for one in said]
    for category in sorted({one.first for one in said}):
        own = [place for place, one in enumerate(said) if one.first == category]
        found, as_text = (float(np.mean([which[place] for place in own])) for which in (hits, read))
        yield Figure(f"spoken_recall_{category}", found, "share", as_text, "higher")


def _points(
    said: Sequence[Violation], bad: Sequence[Judged], lawful: Sequence[str], good: Sequence[Judged], way: str
) -> Iterator[Figure]:
    for point, least in POINTS.items():
        as_text = float(np.mean([caught(text_reader(), one, least=least) for one in said]))
        yield Figure(f"spoken_{point}_recall_{way}", _share(said, bad, least), "share", as_text, "higher")
        read = [_text_reaches([("collector", text)], least) for text in lawful]
        alarms = [each.reaches(least) for each in good]
        yield Figure(
            f"spoken_{point}_lawful_{way}",
            100 * float(np.mean(alarms)),
            "of 100 sentences",
            100 * float(np.mean(read)),
            "lower",
        )


def _confidences(
    said: Sequence[Violation], bad: Sequence[Judged], good: Sequence[Judged]
) -> Iterator[Figure]:
    """Brier skill over the base rate, and how often confidences in each fifth were right beside their mean."""
    sentences = [
        Heard(number, one.categories, each.heard)
        for number, (one, each) in enumerate(zip(said, bad, strict=True))
    ]
    sentences += [Heard(len(said) + number, frozenset(), each.heard) for number, each in enumerate(good)]
    found = seen(classifier().network, sentences)
    told = probabilities(found, classifier().calibration.heard)
    skill = 1 - brier(told, found.wanted) / float(found.wanted.var(axis=0).mean())
    yield Figure("spoken_brier_skill", skill, "over the base rate", 0.2, "higher")
    for share in (0.02, 0.05):
        above = recall(told, found.wanted, false_alarms=share)
        yield Figure(f"spoken_classifier_recall_at_{share:.0%}", above, "share", None, "higher")
    yield from reliability("spoken", told.ravel(), found.wanted.ravel())


def _sure_sightings(
    said: Sequence[Violation], bad: Sequence[Judged], good: Sequence[Judged]
) -> Iterator[Figure]:
    """How often what the spotter shows is right: a sighting in a sentence that has its category, in a lawful one none.

    The base rate is that of sightings: a spotter that is right of all that it shows could not be told from its mean.
    """
    of_sentences = [
        *((each, one.categories) for one, each in zip(said, bad, strict=True)),
        *((each, frozenset[str]()) for each in good),
    ]
    told = [
        (noticed.confidence / 100, noticed.category.code in categories)
        for each, categories in of_sentences
        for noticed in each.noticed
        if noticed.technique is Technique.LEXICON_AUDIO
    ]
    shown, right = np.array([confidence for confidence, _ in told]), np.array([hit for _, hit in told], float)
    if not 0 < right.mean() < 1:
        return
    yield Figure("spoken_spotter_sightings", len(told), "sightings", None, "higher")
    yield Figure("spoken_spotter_brier_skill", brier_skill(shown, right), "over the base rate", 0.2, "higher")
    yield from ends(
        "spoken_spotter_brier_skill", skill_interval(shown, right), "over the base rate", "higher"
    )
    yield from reliability("spoken_spotter", shown, right)


def _share(said: Sequence[Violation], bad: Sequence[Judged], least: Severity) -> float:
    return float(np.mean([each.finds(one.categories, least) for one, each in zip(said, bad, strict=True)]))


def _calls(recalls: dict[str, float]) -> Iterator[Figure]:
    """Alarms of 100 compliant calls, in all and by who noticed, beside the same calls read as text; then by file.

    Calls that were written later say nothing of what changed: each file is told apart.
    """
    for name, rows_of in (("calls", CALLS), *((f"calls_{n}", (each,)) for n, each in enumerate(CALLS, 1))):
        told = [(turns, _heard_call(call, tuple(turns))) for call, turns in whole(_scripts(rows_of))]
        if not told:
            continue
        heard = [each for _, each in told]
        hours = sum(each.duration for each in heard) / 3_600
        yield Figure(f"spoken_{name}", len(heard), "calls", None, "higher")
        yield Figure(f"spoken_{name}_hours", hours, "h", 3.0, "higher")
        yield Figure(f"spoken_{name}_pinyin_error", rate([each.errors for each in heard]), "%", None, "lower")
        abstained = float(np.mean([each.abstained for each in heard]))
        yield Figure(f"spoken_{name}_abstained", abstained, "share", None, "lower")
        for point, least in POINTS.items():
            read = [
                _text_reaches([(_who(turn), turn.said.text) for turn in turns], least) for turns, _ in told
            ]
            yield from _alarms(
                f"spoken_{point}_{name}", [each.reaches(least) for each in heard], float(np.mean(read))
            )
            yield _value(f"spoken_{point}_{name}_predictive_value", recalls[point], heard, least)
            for code, share in _apart(heard, least):
                yield Figure(f"spoken_{point}_{name}_by_{code}", 100 * share, "of 100 calls", None, "lower")
        if name == "calls":
            yield from _sightings(heard, hours)


def _scripts(names: Sequence[str]) -> Iterator[tuple[str, list[Turn]]]:
    for name in names:
        calls: dict[str, list[Turn]] = {}
        for call, _, who, text in rows(name):
            turn = Turn(collector=who == "collector", said=Utterance(of_call(call, who), text))
            calls.setdefault(call, []).append(turn)
        yield from calls.items()


@cache
def _heard_call(call: str, turns: tuple[Turn, ...]) -> Judged:
    said = "".join(turn.said.text for turn in turns if turn.collector)
    return judged(sides(turns, call), MULAW, said)


def _who(turn: Turn) -> str:
    return "collector" if turn.collector else "other"


def _text_reaches(turns: Sequence[tuple[str, str]], least: Severity) -> bool:
    found = _gravest_as_text(tuple(turns))
    return found is not None and found >= least


@cache
def _gravest_as_text(turns: tuple[tuple[str, str], ...]) -> Severity | None:
    """How grave the gravest is that turns give which are read; asked for each point, and for a call twice."""
    roles = {"collector": Role.COLLECTOR}
    noticed = (n for who, text in turns for n in text_reader().find(text, roles.get(who, Role.OTHER)))
    return max(map(severity_of, noticed), default=None)


def _alarms(name: str, alarmed: Sequence[bool], read: float) -> Iterator[Figure]:
    yield Figure(name, 100 * float(np.mean(alarmed)), "of 100 calls", 100 * read, "lower")
    yield from ends(name, of_share(alarmed), "of 100 calls", "lower", times=100)


def _value(name: str, recall: float, heard: Sequence[Judged], least: Severity) -> Figure:
    right = recall * PREVALENCE
    wrong = float(np.mean([each.reaches(least) for each in heard])) * (1 - PREVALENCE)
    value = right / (right + wrong) if right else 0.0
    return Figure(name, value, f"share at {PREVALENCE:.0%} prevalence", None, "higher")


def _apart(heard: Sequence[Judged], least: Severity) -> Iterator[tuple[str, float]]:
    """The share of calls that each technique alarms at; rules apart from the absence of a notice."""
    ways: dict[str, Callable[[Noticed], bool]] = {
        "words": lambda n: n.technique in (Technique.LEXICON_TEXT, Technique.LEXICON_PINYIN),
        "spotter": lambda n: n.technique is Technique.LEXICON_AUDIO,
        "classifier": lambda n: n.technique is Technique.CLASSIFIER,
        "rules": lambda n: n.rule > 0 and n.category is not Category.MISSING_DISCLOSURE,
        "missing_disclosure": lambda n: n.category is Category.MISSING_DISCLOSURE,
    }
    for code, made in ways.items():
        hit = [any(made(n) and severity_of(n) >= least for n in each.noticed) for each in heard]
        yield code, float(np.mean(hit))


def _sightings(heard: Sequence[Judged], hours: float) -> Iterator[Figure]:
    """Sightings of the spotter that are sure and wrong, an hour of call, with their 95 % interval over calls."""
    of_calls = [
        [n for n in each.noticed if n.technique is Technique.LEXICON_AUDIO and n.confidence >= SURE]
        for each in heard
    ]
    counts = np.array([[len(found), each.duration] for found, each in zip(of_calls, heard, strict=True)])
    yield Figure("spoken_sightings", counts[:, 0].sum() / hours, "1/h", None, "lower")
    an_hour = resampled(
        lambda drawn: float(3_600 * counts[drawn, 0].sum() / counts[drawn, 1].sum()), len(counts)
    )
    yield from ends("spoken_sightings", an_hour, "1/h", "lower")
    entries = Counter(n.entry for found in of_calls for n in found)
    for entry, count in entries.most_common(WORST):
        yield Figure(f"spoken_sightings_of_entry_{entry}", count / hours, "1/h", None, "lower")
