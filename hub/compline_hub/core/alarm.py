"""Things that must not happen and that a person must look at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import unique

from compline_shared.ids import BindingId, HandsetId
from compline_shared.taxonomy import Coded


@unique
class AlarmKind(Coded):
    """Why the hub raised it."""

    FORK = (
        1  # the same seq came again with another content: two copies of a handset, or its store was set back
    )


@dataclass(frozen=True, slots=True)
class Alarm:
    """One cause, counted; the same cause raised again changes `last` and `times` only."""

    kind: AlarmKind
    handset: HandsetId
    binding: BindingId
    seq: int
    first: int  # Unix s
    last: int  # Unix s
    times: int
