"""What of the branch's policy judging goes by: taken once for a call or conversation, so that one policy judges it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from compline_edge.core.binding_life import Terms
from compline_edge.core.judgement import Observed
from compline_edge.core.noticed import Noticed
from compline_shared.strictness import Points, points_by_category, silenced_in
from compline_shared.taxonomy import Category

MAX_VERSION: Final = 65_535
"""The highest that a verdict tells; of those above it says that."""


@dataclass(frozen=True, slots=True)
class BranchPolicy:
    """Its version (0: as paired), the points of categories that have some, and those of which nothing is told."""

    version: int = 0
    points: Mapping[Category, Points] = field(default_factory=dict)
    silenced: frozenset[Category] = frozenset()

    def heeded(self, noticed: Iterable[Noticed]) -> tuple[Noticed, ...]:
        """Leave out what is of a silenced category, whatever found it."""
        return tuple(each for each in noticed if each.category not in self.silenced)

    def told(self, observed: Observed) -> Observed:
        """Return what may be told of a call or conversation: nothing of what is silenced, nor a voice's anger."""
        voice = observed.voice
        if voice is not None and Category.ANGER in self.silenced:
            voice = msgspec.structs.replace(voice, angry=None)
        return replace(observed, noticed=self.heeded(observed.noticed), voice=voice)


AS_CALIBRATED: Final = BranchPolicy()
"""Without a branch."""


def branch_policy(terms: Terms) -> BranchPolicy:
    """Return what of a binding's terms judging goes by."""
    return BranchPolicy(
        version=min(terms.version, MAX_VERSION),
        points=points_by_category(terms.strictness),
        silenced=silenced_in(terms.strictness),
    )
