"""Loads lexicon packs from a models folder: `lexicons/<language>/*.lex`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from compline_edge.senses.pack_files import Form, Loaded, load
from compline_shared.lexicon import MAX_BYTES, LexiconError, Pack, read_pack


def load_packs(models: Path, language: str) -> Loaded[Pack]:
    """Read all lexicons of `language` under `models` (see `pack_files.load`); to have none is a problem."""
    loaded = load(LEXICONS, models, language)
    if loaded.packs or loaded.problems:
        return loaded
    missing = f"{language}: its folder has no lexicon (*.lex); put one there or choose another folder"
    return replace(loaded, problems=(missing,))


def _without(pack: Pack, taken: Collection[int]) -> Pack:
    return replace(pack, entries=tuple(entry for entry in pack.entries if entry.id not in taken))


LEXICONS = Form(
    folder="lexicons",
    suffix="lex",
    part="entry",
    most_bytes=MAX_BYTES,
    read=lambda text, name: read_pack(text, name=name),
    parts=lambda pack: pack.entries,
    without=_without,
    refusal=LexiconError,
)
