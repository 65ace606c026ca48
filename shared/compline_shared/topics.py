"""The MQTT topics of one handset, each way."""

from __future__ import annotations

import re

from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId

UP_FILTER = "compline/1/+/up"
"""What the hub subscribes to."""

_TOPIC = re.compile(r"compline/1/([0-9a-f]{16})/(?:up|down)")


def up(handset: HandsetId) -> str:
    """Topic on which the handset sends batches and the hub listens."""
    return f"compline/1/{handset}/up"


def down(handset: HandsetId) -> str:
    """Topic on which the hub sends receipts and the handset listens."""
    return f"compline/1/{handset}/down"


def handset_of(topic: str) -> HandsetId:
    """Return the handset that a topic belongs to.

    Raises:
        MalformedFrame: no topic of this protocol; the message does not echo it.
    """
    match = _TOPIC.fullmatch(topic)
    if match is None:
        raise MalformedFrame("A message came on a topic that is none of this protocol's; it was dropped.")
    return HandsetId(match.group(1))
