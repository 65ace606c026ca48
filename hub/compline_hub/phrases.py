"""Loads what pages may say of lexicon entries and rules from the packs' files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import structlog

from compline_shared.lexicon import read_pack
from compline_shared.rule_pack import read_rules

LEXICONS = Path(__file__).parents[2] / "models" / "lexicons"
RULES = Path(__file__).parents[2] / "models" / "rules"
_log = structlog.get_logger("compline_hub.phrases")

Packed = TypeVar("Packed")


def load_phrases(folder: str) -> dict[int, tuple[str, str]]:
    """Return entry number -> (Chinese phrase, English gloss) of all `*.lex` files below `folder`.

    An empty setting means the lexicons shipped beside the program. A broken line or file is logged by its place and
    left out: the page then shows the entry's number.
    """
    packs = _packs(Path(folder).expanduser() if folder else LEXICONS, "lex", read_pack)
    return _unambiguous(
        (entry.id, (entry.canonical, entry.gloss)) for pack in packs for entry in pack.entries
    )


def load_sentences(folder: str) -> dict[int, tuple[str, str]]:
    """Return rule number -> (Chinese sentence, English sentence) of all `*.rules` files below `folder`.

    An empty setting means the rules shipped beside the program; what is broken is logged and left out.
    """
    packs = _packs(Path(folder).expanduser() if folder else RULES, "rules", read_rules)
    return _unambiguous(told for pack in packs for told in pack.sentences.items())


def _unambiguous(told: Iterable[tuple[int, tuple[str, str]]]) -> dict[int, tuple[str, str]]:
    """Return what each number means; one that two packs use otherwise is logged and left out.

    A verdict names a number and no language, so that a page could show the other pack's words.
    """
    meanings: dict[int, set[tuple[str, str]]] = {}
    for number, words in told:
        meanings.setdefault(number, set()).add(words)
    for number, several in sorted(meanings.items()):
        if len(several) > 1:
            _log.warning("packs_clash", number=number, meanings=len(several))
    return {number: next(iter(several)) for number, several in meanings.items() if len(several) == 1}


def _packs(
    folder: Path, suffix: str, read: Callable[..., tuple[Packed | None, tuple[str, ...]]]
) -> Iterator[Packed]:
    files = sorted(folder.rglob(f"*.{suffix}"))
    if not files:
        _log.warning("packs_missing", kind=suffix)
    for path in files:
        try:
            pack, problems = read(path.read_text(encoding="utf-8"), name=path.name)
        except (OSError, UnicodeDecodeError) as error:
            _log.warning("pack_unreadable", file=path.name, error=type(error).__name__)
            continue
        for problem in problems:
            _log.warning("pack_broken", problem=problem)
        if pack is not None:
            yield pack
