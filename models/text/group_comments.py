"""Comments on groups of people written by hand: some insult them, some defend them or just speak of them.

Public sets hold few of the latter, so that whatever names a group and a prejudice looks like an insult to what learns
from them. Nothing here is anybody's; the wordings are in `comments/groups.tsv`.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from pathlib import Path

from models.text.templates import read_slots

COMMENTS = Path(__file__).with_name("comments")
KEPT_BACK = 0.25
"""Share of the wordings that nothing is fitted on."""
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


def group_comments(chance: random.Random, *, kept_back: bool, each: int = 12) -> Iterator[tuple[str, int]]:
    """Yield so many sentences of each wording with 1 where it insults, 0 where it does not."""
    slots = read_slots(COMMENTS)
    for line in (COMMENTS / "groups.tsv").read_text(encoding="utf-8").splitlines():
        label, wording = line.split("\t")
        drawn = int.from_bytes(hashlib.sha256(wording.encode()).digest()[:4]) / 2**32
        if (drawn < KEPT_BACK) is not kept_back:
            continue
        for _ in range(each):
            text = _CHOICE.sub(lambda found: chance.choice(found[1].split("|")), wording)
            yield _SLOT.sub(lambda found: chance.choice(slots[found[1]]), text), int(label)
