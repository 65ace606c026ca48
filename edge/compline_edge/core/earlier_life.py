"""Takes records of a binding over that were written before policy named categories."""

from __future__ import annotations

from compline_shared.codec import decode, encode


def with_strictness(data: bytes, *, limit: int) -> bytes:
    """Return a record whose terms end before strictness as it is written now; raises MalformedFrame."""
    record = decode(data, limit=limit)
    match record:
        case [*before, [int(version), times, operators], refused, told, present, former] if len(before) == 6:
            return encode([*before, [version, times, operators, []], refused, told, present, former])
        case _:
            return data
