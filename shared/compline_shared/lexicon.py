"""Reads lexicon packs from their line-oriented text; every mistake is named with file and line."""

from __future__ import annotations

from compline_shared.errors import PackError
from compline_shared.pack import IDENTITY_NOTICES, OWN_ENTRIES, RECORDING_NOTICES, Entry, Pack
from compline_shared.pack_draft import MAX_ENTRIES, MAX_LINE, Draft

__all__ = [
    "IDENTITY_NOTICES",
    "MAX_BYTES",
    "MAX_ENTRIES",
    "MAX_LINE",
    "OWN_ENTRIES",
    "RECORDING_NOTICES",
    "Entry",
    "LexiconError",
    "Pack",
    "parse_pack",
    "read_pack",
]

MAX_BYTES = 8 * 2**20
"""Bytes of one pack file."""


class LexiconError(PackError):
    """A lexicon file cannot be used; `problems` has one sentence for each broken line."""


def parse_pack(text: str, *, name: str) -> Pack:
    """Parse a pack of which every line must be sound; `name` is the file's name for messages.

    Raises:
        LexiconError: with one sentence for each broken line.
    """
    pack, problems = read_pack(text, name=name)
    if problems or pack is None:
        raise LexiconError(problems)
    return pack


def read_pack(text: str, *, name: str) -> tuple[Pack | None, tuple[str, ...]]:
    """Parse what can be parsed.

    Returns:
        the pack of the sound lines, None where its header is broken; one sentence for each broken line.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None, (f"{name}:1: the file is larger than {MAX_BYTES} bytes; divide it in several packs",)
    draft = Draft(name)
    lines = [
        (number, line.strip()) for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1)
    ]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    for number, line in lines:
        if line.startswith("@slot"):
            draft.attempt(number, line)
    for number, line in lines:
        if not line.startswith("@slot"):
            draft.attempt(number, line)
    return draft.finish()
