"""Which runs of characters may be phrases of a lexicon."""

from __future__ import annotations

from compline_shared.template import TemplateError, check_literal


def acceptable(phrase: str) -> bool:
    """Whether a lexicon may hold it: what is cut or spliced at random may look like somebody's name or number."""
    try:
        check_literal(phrase)
    except TemplateError:
        return False
    return True
