"""What the audit says when the branch becomes more or less strict."""

from __future__ import annotations

from collections.abc import Iterator

from compline_hub.core.audit import Act
from compline_shared.strictness import Strictness


def changes(before: Strictness, after: Strictness) -> Iterator[tuple[Act, str]]:
    """Yield, for each category that is judged otherwise from now on, the act and its detail."""
    was = {each.category: each for each in before}
    now = {each.category: each for each in after}
    for category in sorted(was.keys() | now.keys()):
        chosen = now.get(category)
        if chosen == was.get(category):
            continue
        if chosen is None:
            yield Act.STRICTNESS_RESET, category.code
        elif chosen.silenced:
            yield Act.SILENCED, category.code
        else:
            yield Act.STRICTNESS_SET, str(chosen)
