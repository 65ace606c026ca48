"""Reads records of a binding that were written before policy named categories."""

from __future__ import annotations

from compline_edge.core.binding_life import MAX_RECORD, Life, read_life
from compline_shared.codec import decode, encode
from compline_shared.errors import MalformedFrame


def read_earlier_life(data: bytes) -> Life:
    """Return a record whose terms end before strictness; raises MalformedFrame."""
    record = decode(data, limit=MAX_RECORD)
    match record:
        case [*before, [int(version), times, operators], refused, told, present, former] if len(before) == 6:
            terms = [version, times, operators, []]
            return read_life(encode([*before, terms, refused, told, present, former]))
        case _:
            raise MalformedFrame(
                "A record of an earlier version does not hold what it should; it was not used."
            )
