"""Comments on groups of people written by hand: some insult them, some defend them or just speak of them.

Public sets hold few of the latter, so that whatever names a group and a prejudice looks like an insult to what learns
from them. Nothing here is anybody's; the wordings are in `comments/groups.tsv`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from models.text.templates import Template, drawn, expand, read_slots

from compline_shared.taxonomy import Role

COMMENTS = Path(__file__).with_name("comments")
KEPT_BACK = 0.25
"""Share of the wordings that nothing is fitted on."""


def group_comments(chance: random.Random, *, kept_back: bool, each: int = 12) -> Iterator[tuple[str, int]]:
    """Yield so many sentences of each wording with 1 where it insults, 0 where it does not."""
    slots = read_slots(COMMENTS)
    for line in (COMMENTS / "groups.tsv").read_text(encoding="utf-8").splitlines():
        label, wording = line.split("\t")
        if (drawn(wording) < KEPT_BACK) is not kept_back:
            continue
        template = Template(frozenset(), Role.UNKNOWN, wording)
        for _ in range(each):
            yield expand(template, slots, chance), int(label)
