"""What the text classifier is trained on, and what is kept apart to choose by: each text with what is known of it."""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from models.text.disguise import disguised
from models.text.mishearing import misheard, taught
from models.text.templates import Template, drawn, expand, read_slots, read_templates

from compline_edge.core.text_features import CATEGORIES
from compline_shared.taxonomy import Category, Role

DATA = Path(__file__).parents[3] / "shared" / "data"
OFFENSIVE = len(CATEGORIES)
"""Place of the side task *offensive to anybody*, of the public sets; it teaches words, and is not in the product."""
OUTPUTS = len(CATEGORIES) + 1
KEPT_BACK = 0.12
"""Share of the templates, whole ones, that choosing and calibration are done on."""

LONGEST = 120
"""Characters of a text whose meaning is learnt."""

_PAUSE = re.compile(r"[，。！？!?；;,\s~…]+")

Targets = npt.NDArray[np.float32]
"""[OUTPUTS]: 1, 0, or NaN where nothing is known."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One text."""

    text: str
    role: Role
    targets: Targets


def templates() -> tuple[list[Template], list[Template]]:
    """Return the templates to train on and those kept back; which is which does not change when others are added."""
    trained, kept = list[Template](), list[Template]()
    for template in read_templates():
        (kept if drawn(template.text) < KEPT_BACK else trained).append(template)
    return trained, kept


def versions(found: Sequence[Template], chance: random.Random) -> Iterator[Sample]:
    """Yield each template as it is written, once or twice, disguised, misheard, and beside a lawful sentence.

    Every template weighs about the same, however many choices it has.
    """
    slots = read_slots()
    lawful = [template for template in found if not template.categories and template.role is Role.COLLECTOR]
    for template in found:
        texts = sorted({expand(template, slots, chance) for _ in range(2)})
        texts.append(disguised(expand(template, slots, chance), chance))
        texts.append(misheard(expand(template, slots, chance), chance, rate=chance.uniform(0.05, 0.5)))
        if template.role is Role.COLLECTOR:
            texts.append(_joined(template, chance.choice(lawful), slots, chance))
        for text in texts:
            yield Sample(text, template.role, of_template(template))


def spoken() -> Iterator[Sample]:
    """Yield sentences that were spoken over the telephone, as the shipped recogniser truly wrote them."""
    for sentence in taught():
        if text := "，".join(utterance for utterance in sentence.utterances if utterance):
            categories = {category for category in CATEGORIES if category.code in sentence.categories}
            yield Sample(text, Role.COLLECTOR, of_categories(categories, Role.COLLECTOR))


def unlabelled(found: Sequence[Template], chance: random.Random, *, spliced: int = 60_000) -> list[str]:
    """Return texts whose meaning is learnt first: sentences, their clauses, and clauses joined anew."""
    slots = read_slots()
    own = [expand(template, slots, chance) for template in found for _ in range(2)]
    others = [sample.text for sample in public() if len(sample.text) <= LONGEST]
    clauses = sorted({clause for text in own for clause in _clauses(text)})
    foreign = sorted({clause for text in others for clause in _clauses(text)} - set(clauses))
    chance.shuffle(foreign)
    joined = [
        chance.choice("，，。 ").join(
            chance.choice(clauses if chance.random() < 0.75 else foreign)
            for _ in range(chance.choice((2, 2, 3)))
        )
        for _ in range(spliced)
    ]
    return sorted({*own, *others, *clauses, *foreign[: len(clauses)], *joined})


def _clauses(text: str) -> list[str]:
    return [clause for clause in _PAUSE.split(text) if 3 <= len(clause) <= 40]


def plain(found: Sequence[Template], chance: random.Random) -> list[Sample]:
    """One sentence of each template, as it is written."""
    slots = read_slots()
    return [Sample(expand(each, slots, chance), each.role, of_template(each)) for each in found]


def heard(samples: Iterable[Sample], chance: random.Random) -> list[Sample]:
    """The samples as a recogniser writes them that gets 15 to 40 % of the syllables wrong, as over telephone lines."""
    return [
        replace(sample, text=misheard(sample.text, chance, rate=chance.uniform(0.15, 0.4)))
        for sample in samples
    ]


def _joined(
    template: Template, lawful: Template, slots: Mapping[str, tuple[str, ...]], chance: random.Random
) -> str:
    """A sentence before or after a lawful one, as one turn of a call; some of them misheard."""
    both = [expand(template, slots, chance), expand(lawful, slots, chance)]
    chance.shuffle(both)
    text = chance.choice("，。 ，").join(both)
    return misheard(text, chance, rate=chance.uniform(0.05, 0.25)) if chance.random() < 0.3 else text


def of_template(template: Template) -> Targets:
    """What a template says: everything about the categories, and of offence where it abuses or is lawful."""
    return of_categories(template.categories, template.role)


def of_categories(categories: Collection[Category], role: Role) -> Targets:
    """What a sentence of ours says of which the categories are known, none for a lawful one."""
    targets = np.array([category in categories for category in CATEGORIES] + [False], dtype=np.float32)
    abuses = Category.ABUSE in categories
    targets[OFFENSIVE] = 1.0 if abuses else np.nan if categories or role is Role.OTHER else 0.0
    return targets


def public(data: Path = DATA) -> Iterator[Sample]:
    """Yield the permitted public sets: COLD (train), SWSR, insults, ordinary dialogues, debtors' intents."""
    for text, label in cold("train", data):
        yield _social(text, label)
    for row in _rows(data / "swsr" / "SWSR" / "SexComment.csv"):
        if 4 <= len(row["comment_text"]) <= 300:
            yield _social(row["comment_text"], int(row["label"]))
    for line in (data / "lexicons" / "dirty_insult" / "Insult.txt").read_text(encoding="utf-8").splitlines():
        if len(line) >= 4:
            yield Sample(line, Role.COLLECTOR, _known({Category.ABUSE}, offensive=1.0))
    for path in sorted((data / "teleantifraud").glob("normal*.jsonl")):
        for told in path.read_text(encoding="utf-8").splitlines():
            dialogue = json.loads(told)
            for side, role in (("left", Role.COLLECTOR), ("right", Role.OTHER)):
                for text in dialogue[side]:
                    yield Sample(text, role, _known(set(), offensive=0.0))
    for path in sorted((data / "cuishou_rasa_nlu").glob("nlu*.md")):
        for text in re.findall(r"^- (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            said = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", text)
            yield Sample(said, Role.OTHER, _known(set(), offensive=0.0))


def cold(part: str, data: Path = DATA) -> Iterator[tuple[str, int]]:
    """Yield text and label (1: offensive) of a part of COLD; the test set's own texts are left out of training."""
    folder = data / "cold" / "COLDataset"
    unseen = {row["TEXT"] for row in _rows(folder / "test.csv")} if part != "test" else set()
    for row in _rows(folder / f"{part}.csv"):
        if row["TEXT"] not in unseen:
            yield row["TEXT"], int(row["label"])


def fine_labels(part: str, data: Path = DATA) -> list[int]:
    """COLD's fine labels of a part: 0 other, 1 attacks a person, 2 attacks a group, 3 against bias."""
    return [int(row["fine-grained-label"]) for row in _rows(data / "cold" / "COLDataset" / f"{part}.csv")]


def hidden(samples: Iterable[Sample], chance: random.Random, *, share: float = 0.35) -> Iterator[Sample]:
    """Yield each sample, so many of them disguised."""
    for sample in samples:
        yield replace(sample, text=disguised(sample.text, chance)) if chance.random() < share else sample


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _social(text: str, label: int) -> Sample:
    """A comment on a social network: nobody collects there, and whether it would be abuse of a debtor is not known."""
    targets = _known(set(), offensive=float(label))
    if label:
        targets[list(CATEGORIES).index(Category.ABUSE)] = np.nan
    return Sample(text, Role.UNKNOWN, targets)


def _known(categories: set[Category], *, offensive: float) -> Targets:
    return np.array([category in categories for category in CATEGORIES] + [offensive], dtype=np.float32)
