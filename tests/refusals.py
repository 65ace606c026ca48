"""The whole sentence of each refusal, as a pattern to match: no other refusal passes for it."""

from __future__ import annotations

import re
from typing import Final

from compline_hub.core.orders import Reason
from compline_hub.core.sentences import english


def exactly(sentence: str) -> str:
    """The sentence, all of it and nothing else."""
    return rf"\A{re.escape(sentence)}\Z"


def not_taken(reason: Reason) -> str:
    """What whoever orders or approves is told."""
    return exactly(english(reason))


def no_cbor(why: str) -> str:
    """The bytes are no value in the one encoding."""
    return exactly(f"A frame is outside the strict CBOR profile: {why}; it was dropped.")


def above(size: int, limit: int) -> str:
    """It has more bytes than are read."""
    return exactly(f"A frame of {size} bytes is above the limit of {limit}; it was dropped.")


SIGNATURE: Final = exactly("A frame's signature does not fit its sender; it was dropped.")
SHAPE: Final = exactly("A frame is not one that this protocol signs; it was dropped.")
MEMBERS: Final = exactly("A signed message does not hold what its use allows; it was dropped.")
ELSEWHERE: Final = exactly("A signed message names another handset than its context; it was dropped.")
OTHER_PIECE: Final = exactly("A receipt is for another piece of evidence; it was dropped.")
CHUNK: Final = exactly("A chunk of evidence is not within what was offered; it was dropped.")
UNOPENED: Final = exactly("A sealed message does not open with this key at its place; it was dropped.")
ENTRY: Final = exactly("A sealed entry does not open with this hub's key at its place; it was dropped.")
BATCH: Final = exactly("A signed frame does not hold what its topic carries; it was dropped.")
"""Of a batch or a receipt."""
VERDICT: Final = exactly("A verdict in a batch breaks the closed schema; the batch was dropped.")
