"""What finished recordings are heard with: another recogniser while the phone is on the charger, where one is set.

A running call is heard with the small one; the full pass may take a larger model that a battery should not pay for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from compline_edge.pipeline import CallListener
from compline_shared.messages import Versions


@dataclass(frozen=True, slots=True)
class Hearing:
    """What listens, and the versions that its verdicts tell."""

    listener: CallListener
    versions: Versions


@dataclass(frozen=True, slots=True)
class Hearings:
    """The one for all calls, and the one for finished recordings while `charging`."""

    usual: Hearing
    while_charging: Hearing | None = None
    charging: Callable[[], bool] = lambda: False

    def now(self) -> Hearing:
        """The one that a recording which begins to be heard now is heard with to its end."""
        return self.while_charging if self.while_charging and self.charging() else self.usual
