"""Writes the ordinary words by which packs tell a word from a name, from the word list of jieba 0.42.1 (MIT).

    python models/lexicons/gather_words.py dict.txt

A line of the list is `word count kind`. Words marked as names of persons or places stay out, but for pairs that
pypinyin's phrase table knows too (a word list marks 张开 as a name).
"""

from __future__ import annotations

import json
import re
import sys
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from compline_shared.person_names import GIVEN, SURNAMES

LEAST = 20
"""Occurrences in the list from which two characters count as a word; longer ones need twice as many."""
SURELY = 1_000
"""Occurrences from which two characters count as a word although the list takes them for a name (顾客)."""
PLACES = frozenset("省市区县镇乡村路街巷")
HAN = re.compile("[\u4e00-\u9fff]{2,4}")
FOLDER = Path(__file__).resolve().parents[2] / "shared" / "compline_shared"
WIDTH = 56
"""Chinese characters of a line."""


def gather(lines: list[str], phrases: set[str]) -> tuple[list[str], list[str]]:
    """Return the words of two characters that hold a surname, a given name's character or a place's suffix; and of
    the longer words those whose surname or suffix stands in no such pair."""
    pairs, longer = set(), set()
    for line in lines:
        word, count, kind = line.split()
        if not HAN.fullmatch(word) or not set(word) & (SURNAMES | GIVEN | PLACES):
            continue
        named = kind.startswith(("nr", "ns"))
        if named and (len(word) > 2 or (word not in phrases and int(count) < SURELY)):
            continue
        if len(word) == 2 and int(count) >= LEAST:
            pairs.add(word)
        elif int(count) >= 2 * LEAST:
            longer.add(word)
    return sorted(pairs), sorted(word for word in longer if _bare(word, pairs))


def _bare(word: str, pairs: set[str]) -> bool:
    return any(
        char in SURNAMES | PLACES
        and word[max(0, at - 1) : at + 1] not in pairs
        and word[at : at + 2] not in pairs
        for at, char in enumerate(word)
    )


def _grouped(pairs: list[str]) -> list[str]:
    """Pairs by their first character, which the second ones follow."""
    groups = []
    for first, group in groupby(pairs, lambda pair: pair[0]):
        seconds = "".join(pair[1] for pair in group)
        room = WIDTH - 2
        groups += [first + seconds[at : at + room] for at in range(0, len(seconds), room)]
    return groups


def _module(first_line: str, name: str, texts: list[str]) -> str:
    lines = [""]
    for text in texts:
        if len(lines[-1]) + len(text) + 1 > WIDTH:
            lines.append("")
        lines[-1] += text + " "
    body = "".join(f'    "{line}"\n' for line in lines)
    return f'"""{first_line}"""\n\n{name} = (\n{body})\n'


def main() -> None:
    """Write both modules."""
    table = Path(str(find_spec("pypinyin").submodule_search_locations[0])) / "phrases_dict.json"  # type: ignore[union-attr,index]
    pairs, longer = gather(
        Path(sys.argv[1]).read_text(encoding="utf-8").splitlines(),
        set(json.loads(table.read_text(encoding="utf-8"))),
    )
    source = "see models/lexicons/gather_words.py"
    (FOLDER / "word_pairs.py").write_text(
        _module(
            f"Ordinary words of two characters, by their first character; {source}.",
            "PAIRS",
            _grouped(pairs),
        ),
        encoding="utf-8",
    )
    (FOLDER / "long_words.py").write_text(
        _module(
            f"Ordinary words of three and four characters with a surname in them; {source}.",
            "LONG_WORDS",
            longer,
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
