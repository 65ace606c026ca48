"""A strict CBOR profile: one encoding for each value, nothing else is read.

Profile: integers of up to 64 bits, byte strings, UTF-8 text, arrays, maps with ascending unsigned integer keys, true,
false, null. Shortest heads, definite lengths. No floats, tags, simple values, bignums or indefinite lengths. Source:
RFC 8949 section 4.2.1.

The decoder is our own single pass: a length is compared with the bytes that are left before anything is allocated, so
that memory stays within a small multiple of the input and time is linear in it. `cbor2.loads` takes trailing bytes,
duplicate keys, reference cycles and patterns to compile; it never sees foreign bytes here.
"""

from __future__ import annotations

from typing import TypeAlias

import cbor2

from compline_shared.errors import MalformedFrame

MAX_DEPTH = 8
"""Arrays and maps within one another."""

Value: TypeAlias = "int | bytes | str | bool | list[Value] | tuple[Value, ...] | dict[int, Value] | None"

_MAX_ARGUMENT = 2**64 - 1


def encode(value: Value) -> bytes:
    """Return the one encoding of ``value``; raises TypeError for anything outside the profile, subclasses included."""
    _require(value, MAX_DEPTH)
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, *, limit: int) -> Value:
    """Return the value that ``data`` encodes, arrays as lists; at most ``limit`` bytes are looked at.

    Raises:
        MalformedFrame: too large, outside the profile, not the shortest encoding, or bytes left over.
    """
    if len(data) > limit:
        raise MalformedFrame(f"A frame of {len(data)} bytes is above the limit of {limit}; it was dropped.")
    value, end = _item(data, 0, MAX_DEPTH)
    if end != len(data):
        raise _malformed("bytes follow its end")
    return value


def _require(value: object, depth: int) -> None:
    kind = type(value)
    if kind is int:
        assert isinstance(value, int)
        if not -_MAX_ARGUMENT - 1 <= value <= _MAX_ARGUMENT:
            raise TypeError("an integer is beyond 64 bits")
    elif kind is list or kind is tuple:
        assert isinstance(value, (list, tuple))
        if not depth:
            raise TypeError("nested too deep")
        for member in value:
            _require(member, depth - 1)
    elif kind is dict:
        assert isinstance(value, dict)
        if not depth:
            raise TypeError("nested too deep")
        for key, member in value.items():
            if type(key) is not int or not 0 <= key <= _MAX_ARGUMENT:
                raise TypeError("map keys are unsigned integers")
            _require(member, depth - 1)
    elif kind is not bytes and kind is not str and kind is not bool and value is not None:
        raise TypeError(f"{kind.__name__} is outside the CBOR profile")


def _item(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    if at >= len(data):
        raise _malformed("it ends early")
    initial = data[at]
    major = initial >> 5
    if major == 7:
        return _simple(initial), at + 1
    argument, at = _argument(data, initial, at + 1)
    if major == 0:
        return argument, at
    if major == 1:
        return -1 - argument, at
    if major == 6:
        raise _malformed("it carries a tag")
    if argument > len(data) - at:
        raise _malformed("it promises more than it holds")
    if major == 2:
        return data[at : at + argument], at + argument
    if major == 3:
        return _text(data[at : at + argument]), at + argument
    if not depth:
        raise _malformed("it is nested too deep")
    return _array(data, at, argument, depth - 1) if major == 4 else _map(data, at, argument, depth - 1)


def _simple(initial: int) -> bool | None:
    match initial:
        case 0xF4:
            return False
        case 0xF5:
            return True
        case 0xF6:
            return None
        case _:
            raise _malformed("it carries a float or a simple value")


def _argument(data: bytes, initial: int, at: int) -> tuple[int, int]:
    info = initial & 0x1F
    if info < 24:
        return info, at
    if info > 27:
        raise _malformed("it has a length that is indefinite or reserved")
    size = 1 << (info - 24)
    if len(data) - at < size:
        raise _malformed("it ends early")
    argument = int.from_bytes(data[at : at + size], "big")
    if argument < (24 if size == 1 else 1 << (4 * size)):
        raise _malformed("a number is not in its shortest form")
    return argument, at + size


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _malformed("its text is not UTF-8") from None


def _array(data: bytes, at: int, count: int, depth: int) -> tuple[Value, int]:
    members: list[Value] = []
    for _ in range(count):
        member, at = _item(data, at, depth)
        members.append(member)
    return members, at


def _map(data: bytes, at: int, count: int, depth: int) -> tuple[Value, int]:
    members: dict[int, Value] = {}
    last = -1
    for _ in range(count):
        key, at = _item(data, at, 0)
        if type(key) is not int or key <= last:
            raise _malformed("a map's keys are not ascending unsigned integers")
        members[key], at = _item(data, at, depth)
        last = key
    return members, at


def _malformed(why: str) -> MalformedFrame:
    return MalformedFrame(f"A frame is outside the strict CBOR profile: {why}; it was dropped.")
