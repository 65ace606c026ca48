"""What the lexicon measurements run on: ordinary chat text and a lexicon of many entries."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from models.spotter.literals import acceptable

from compline_edge.core.template import phrases
from compline_edge.senses.packs import load_packs
from compline_shared.lexicon import Entry, Pack, parse_pack

ROOT = Path(__file__).resolve().parents[1]
DIALOGUES = ROOT.parent / "shared/data/teleantifraud"
LANGUAGE = "zh-CN"
ENTRIES = 10_000


def chat_messages() -> list[str]:
    """Return messages of ordinary telephone dialogues where they are at hand, else random ones of common characters.

    Says which on stderr: the two give figures that must not be compared.
    """
    messages: list[str] = []
    for path in sorted(DIALOGUES.glob("normal_dialogues*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            dialogue = json.loads(line)
            messages += [*dialogue["left"], *dialogue["right"]]
    if messages:
        print(f"on {len(messages)} messages of ordinary telephone dialogues", file=sys.stderr)
        return messages
    print(f"on random common characters: there are no dialogues in {DIALOGUES}", file=sys.stderr)
    return _random_messages()


def real_packs() -> tuple[Pack, ...]:
    """Return the packs that the project ships."""
    return load_packs(ROOT / "models", LANGUAGE).packs


def large_pack() -> Pack:
    """Return a pack of `ENTRIES` entries of one phrase each, spliced from pieces of the shipped packs' phrases."""
    rng = random.Random(1)
    entries: list[Entry] = [entry for pack in real_packs() for entry in pack.entries]
    pieces = sorted({phrase.text for entry in entries for phrase in phrases(entry)})
    spliced: set[str] = set()
    while len(spliced) < ENTRIES:
        word = "".join(_piece(rng, rng.choice(pieces)) for _ in range(rng.randint(2, 4)))
        if 3 <= len(word) <= 12 and acceptable(word):
            spliced.add(word)
    lines = ["@pack large", "@version 1", f"@language {LANGUAGE}", "@category threat"]
    lines += [
        f"{20_000 + n} | warning | {word} | not: - | 词条 | generated"
        for n, word in enumerate(sorted(spliced))
    ]
    return parse_pack("\n".join(lines), name="large.lex")


def _piece(rng: random.Random, phrase: str) -> str:
    start = rng.randrange(len(phrase))
    return phrase[start : start + rng.randint(1, 4)]


def _random_messages() -> list[str]:
    rng = random.Random(2)
    common = [bytes((row, cell)).decode("gb2312") for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFF)]
    return ["".join(rng.choices(common, k=rng.randint(4, 80))) + "。" for _ in range(20_000)]
