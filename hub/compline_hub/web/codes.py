"""Turns codes of the taxonomy in a query into its members."""

from __future__ import annotations

from typing import TypeVar

from litestar.exceptions import ValidationException

from compline_shared.taxonomy import Coded

Member = TypeVar("Member", bound=Coded)


def member(kind: type[Member], code: str | None) -> Member | None:
    """Return the member called `code`, None for None.

    Raises:
        ValidationException: no member has that code (HTTP 400, naming the codes that exist).
    """
    if code is None:
        return None
    for known in kind:
        if known.code == code:
            return known
    raise ValidationException(
        f"{kind.__name__.lower()} must be one of {', '.join(known.code for known in kind)}."
    )
