"""Bytes that nobody sent: sound frames flipped, cut, spliced and rebuilt, the same for the same seed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from compline_shared.codec import Value, decode, encode
from compline_shared.errors import MalformedFrame

HEADS: Final = [
    bytes.fromhex(head)
    for head in (
        *(
            "00",
            "17",
            "1800",
            "1818",
            "1900ff",
            "1affffffff",
            "1bffffffffffffffff",
            "20",
            "3bffffffffffffffff",
        ),
        *(
            "40",
            "5b7fffffffffffffff",
            "5f",
            "60",
            "61ff",
            "7f",
            "80",
            "81" * 40,
            "9a00ffffff",
            "9bffffffffffffffff",
        ),
        *(
            "9f",
            "a0",
            "ba00ffffff",
            "bf",
            "c0",
            "c249010000000000000000",
            "d2",
            "d81c",
            "d81d00",
            "d823",
            "f4",
            "f5",
        ),
        *("f6", "f7", "f820", "f90000", "fa7fc00000", "fb7ff8000000000000", "ff"),
    )
]
"""CBOR heads that are traps: huge promises, indefinite lengths, tags, floats, bignums, deep nests."""
NUMBERS: Final = (0, 1, -1, 23, 24, 255, 256, 2**31, 2**32 - 1, 2**32, 2**53, 2**63, 2**64 - 1, -(2**64))


def mutated(seed: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Return other bytes than ``seed``, made from it and at times from a part of another frame."""
    made = seed
    while made == seed:
        change = random.choice(_CHANGES)
        made = change(seed, random, others)
        if random.random() < 0.2:
            made = random.choice(_CHANGES)(made, random, others)
    return made


def rebuilt(payload: bytes, random: Random) -> bytes:
    """Return a payload of the strict profile with one member changed, moved, doubled or dropped."""
    try:
        tree = decode(payload, limit=len(payload))
    except MalformedFrame:
        return payload
    return encode(_changed(tree, random, 4))


def _changed(value: Value, random: Random, depth: int) -> Value:
    if isinstance(value, list) and value and depth and random.random() < 0.9:
        members: list[Value] = [*value]
        at = random.randrange(len(members))
        match random.randrange(8):
            case 0:
                del members[at]
            case 1:
                members.insert(at, members[at])
            case 2:
                other = random.randrange(len(members))
                members[at], members[other] = members[other], members[at]
            case 3:
                members.pop()
            case _:
                members[at] = _changed(members[at], random, depth - 1)
        return members
    return _other(value, random)


def _other(value: Value, random: Random) -> Value:
    if isinstance(value, bytes) and random.random() < 0.7:
        return random.choice(
            (value[:-1], value + b"\x00", value[::-1], base64.b64encode(value).decode(), b"")
        )
    if type(value) is int and random.random() < 0.7:
        return random.choice((value + 1, max(-(2**64), value - 1), bool(value & 1), str(value), *NUMBERS))
    leaves: tuple[Value, ...] = (None, True, False, "", "DONE", b"", [], {}, {0: 1}, *NUMBERS)
    return random.choice(leaves)


def _flip(seed: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    made = bytearray(seed or b"\x00")
    for _ in range(random.choice((1, 1, 1, 2, 8))):
        made[random.randrange(len(made))] ^= 1 << random.randrange(8)
    return bytes(made)


def _cut(seed: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    return seed[: random.randrange(len(seed) + 1)]


def _drop(seed: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    at = random.randrange(len(seed) + 1)
    return seed[:at] + seed[at + random.choice((1, 1, 2, 8, 32)) :]


def _append(seed: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    return seed + random.choice((b"\x00", b"\xf6", random.randbytes(8), seed))


def _insert(seed: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    at = random.randrange(len(seed) + 1)
    return seed[:at] + random.choice(HEADS) + seed[at + random.choice((0, 1)) :]


def _widen(seed: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Write one number in a longer form than its shortest."""
    at = random.randrange(len(seed)) if seed else 0
    head, size = (seed[at] if seed else 0), random.choice((1, 2, 4, 8))
    if head & 0x1F > 23:
        return seed
    longer = bytes([head & 0xE0 | 24 + size.bit_length() - 1]) + (head & 0x1F).to_bytes(size, "big")
    return seed[:at] + longer + seed[at + 1 :]


def _splice(seed: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    other = random.choice(others)
    return seed[: random.randrange(len(seed) + 1)] + other[random.randrange(len(other) + 1) :]


def _foreign(seed: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    return random.choice(others)


def _noise(seed: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    return random.choice(HEADS) + random.randbytes(random.choice((0, 1, 16, 256)))


_CHANGES: Final[tuple[Callable[[bytes, Random, Sequence[bytes]], bytes], ...]] = (
    *(_flip, _flip, _flip, _cut, _drop, _append, _insert, _widen, _splice, _foreign, _noise),
)
