"""Loads what pages may say of lexicon entries from the packs' files."""

from __future__ import annotations

from pathlib import Path

import structlog

from compline_shared.lexicon import read_pack

SHIPPED = Path(__file__).parents[2] / "models" / "lexicons"
_log = structlog.get_logger("compline_hub.phrases")


def load_phrases(folder: str) -> dict[int, tuple[str, str]]:
    """Return entry number -> (Chinese phrase, English gloss) of all `*.lex` files below `folder`.

    An empty setting means the lexicons shipped beside the program. A broken line or file is logged by its place and
    left out: the page then shows the entry's number.
    """
    phrases: dict[int, tuple[str, str]] = {}
    files = sorted((Path(folder).expanduser() if folder else SHIPPED).rglob("*.lex"))
    if not files:
        _log.warning("lexicons_missing")
    for path in files:
        try:
            pack, problems = read_pack(path.read_text(encoding="utf-8"), name=path.name)
        except (OSError, UnicodeDecodeError) as error:
            _log.warning("lexicon_unreadable", file=path.name, error=type(error).__name__)
            continue
        for problem in problems:
            _log.warning("lexicon_broken", problem=problem)
        if pack is not None:
            phrases.update({entry.id: (entry.canonical, entry.gloss) for entry in pack.entries})
    return phrases
