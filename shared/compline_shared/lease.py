"""How long a handset works without its hub: three times that policy sets, each with its bounds."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

HOUR: Final = 3_600
DAY: Final = 24 * HOUR


class LeaseTimes(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Seconds without a renewal after which the handset warns, freezes, and destroys the vault's keys.

    The first two count the longer of running time and wall-clock time, the third running time alone. Source: DESIGN,
    keys and states.
    """

    warn: Annotated[int, Meta(ge=HOUR, le=30 * DAY)] = 24 * HOUR
    freeze: Annotated[int, Meta(ge=2 * HOUR, le=30 * DAY)] = 72 * HOUR
    destroy: Annotated[int, Meta(ge=3 * DAY, le=365 * DAY)] = 30 * DAY

    def __post_init__(self) -> None:
        """Hold the order of the three; ValueError otherwise, which msgspec turns into a validation error."""
        if not self.warn < self.freeze < self.destroy:
            raise ValueError(
                "a lease warns, then freezes, then destroys: each time is longer than the one before"
            )
