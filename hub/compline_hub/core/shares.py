"""Which of several processes that take verdicts in handles which handset."""

from __future__ import annotations

from compline_hub.core.authority import HUB_USER
from compline_shared.errors import MalformedFrame
from compline_shared.topics import handset_of

FIRST = 1
"""The number of the hub itself; workers have those after it."""
MOST = 16
"""The highest number that a worker may have, as the setting `workers` has it."""


def user_of(number: int) -> str:
    """What the broker calls a process: the common name of its certificate."""
    return HUB_USER if number == FIRST else f"{HUB_USER}-{number}"


def share_of(topic: str, workers: int) -> int:
    """Return the number, 1 to ``workers``, of the process that handles what came on a topic.

    Handset ids are random, so shares are about equal. What is no topic of a handset is the hub's own, to be refused.
    """
    try:
        handset = handset_of(topic)
    except MalformedFrame:
        return FIRST
    return FIRST + int(handset, 16) % workers
