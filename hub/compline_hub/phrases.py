"""Loads what pages may say of lexicon entries and rules from the packs' files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    phrases: dict[int, tuple[str, str]] = {}
    for pack in _packs(Path(folder).expanduser() if folder else LEXICONS, "lex", read_pack):
        phrases.update({entry.id: (entry.canonical, entry.gloss) for entry in pack.entries})
    return phrases


def load_sentences(folder: str) -> dict[int, tuple[str, str]]:
    """Return rule number -> (Chinese sentence, English sentence) of all `*.rules` files below `folder`.

    An empty setting means the rules shipped beside the program; what is broken is logged and left out.
    """
    sentences: dict[int, tuple[str, str]] = {}
    for pack in _packs(Path(folder).expanduser() if folder else RULES, "rules", read_rules):
        sentences.update(pack.sentences)
    return sentences


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
