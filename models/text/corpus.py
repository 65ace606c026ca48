"""What the text classifier is trained on, and what is kept apart to choose by: each text with what is known of it."""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from models.text.features import CATEGORIES
from models.text.templates import Template, expand, read_slots, read_templates

from compline_shared.taxonomy import Category, Role

DATA = Path(__file__).parents[3] / "shared" / "data"
OFFENSIVE = len(CATEGORIES)
"""Place of the side task *offensive to anybody*, of the public sets; it teaches words, and is not in the product."""
OUTPUTS = len(CATEGORIES) + 1
KEPT_BACK = 0.15
"""Share of the templates, whole ones, that choosing and calibration are done on."""

Targets = npt.NDArray[np.float32]
"""[OUTPUTS]: 1, 0, or NaN where nothing is known."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One text."""

    text: str
    role: Role
    targets: Targets


def templates() -> tuple[list[Template], list[Template]]:
    """Return the templates to train on and those kept back, divided by a fixed chance within each group."""
    groups: dict[tuple[frozenset[Category], Role], list[Template]] = {}
    for template in read_templates():
        groups.setdefault((template.categories, template.role), []).append(template)
    chance = random.Random(20261126)
    trained, kept = list[Template](), list[Template]()
    for group in groups.values():
        chance.shuffle(group)
        back = round(len(group) * KEPT_BACK)
        kept += group[:back]
        trained += group[back:]
    return trained, kept


def expansions(found: Sequence[Template], *, each: int, chance: random.Random) -> Iterator[Sample]:
    """Yield different sentences of each template, at most so many."""
    slots = read_slots()
    for template in found:
        for text in sorted({expand(template, slots, chance) for _ in range(each)}):
            yield Sample(text, template.role, of_template(template))


def of_template(template: Template) -> Targets:
    """What a template says: everything about the categories, and of offence where it abuses or is lawful."""
    targets = np.array(
        [category in template.categories for category in CATEGORIES] + [False], dtype=np.float32
    )
    abuses = Category.ABUSE in template.categories
    targets[OFFENSIVE] = (
        1.0 if abuses else np.nan if template.categories or template.role is Role.OTHER else 0.0
    )
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
        for row in path.read_text(encoding="utf-8").splitlines():
            dialogue = json.loads(row)
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
