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
    SET_BACK = 2  # an older state of the handset spoke: files put back from a copy, or a report played again
    SECRETS_LOST = (
        3  # it is in an epoch that this hub has no secrets of: the hub came back from an old backup
    )
    UNKNOWN_ORDER = 4  # it was frozen or wiped by an order that this hub has no record of
    KEY_LOST = 6  # it knows its hub by keys that this one does not have: the hub came back from an old backup
    LAPSED = 5  # it heard no hub for so long that it destroyed its vault's keys


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
