"""CBOR in the page's strict profile: a value has exactly one encoding, anything else is malformed."""

from typing import Any

LEVELS = 8
FRAME = 65_536


class Malformed(ValueError):
    """What cannot be read; whoever reads it drops it."""


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for more, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | more]) + number.to_bytes(size, "big")
    raise Malformed("an integer above 64 bits")


def encode(value: Any, level: int = 0) -> bytes:
    """The one encoding of a value."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if level == LEVELS:
        raise Malformed("too deep")
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join(encode(each, level + 1) for each in value)
    if isinstance(value, dict):
        pairs = (encode(key) + encode(value[key], level + 1) for key in sorted(value))
        return _head(5, len(value)) + b"".join(pairs)
    raise Malformed(f"no encoding of {type(value).__name__}")


def decode(data: bytes, most: int = FRAME) -> Any:
    """The value of one encoding without anything behind it."""
    if len(data) > most:
        raise Malformed("too large")
    value, place = _value(data, 0, 0)
    if place != len(data) or encode(value) != data:
        raise Malformed("not the one encoding")
    return value


def _value(data: bytes, place: int, level: int) -> tuple[Any, int]:
    if place >= len(data):
        raise Malformed("cut off")
    major, number = data[place] >> 5, data[place] & 31
    place += 1
    if major == 7:
        if number not in (20, 21, 22):
            raise Malformed("a float or another simple value")
        return {20: False, 21: True, 22: None}[number], place
    if number > 27 or major == 6:
        raise Malformed("a tag or an indefinite length")
    if number >= 24:
        size = 1 << number - 24
        if place + size > len(data):
            raise Malformed("cut off")
        number, place = int.from_bytes(data[place : place + size], "big"), place + size
    if major < 2:
        return (number if major == 0 else -1 - number), place
    if number > len(data) - place:
        raise Malformed("cut off")
    if major < 4:
        piece = data[place : place + number]
        return (piece if major == 2 else _text(piece)), place + number
    return _container(data, place, level, major, number)


def _container(data: bytes, place: int, level: int, major: int, number: int) -> tuple[Any, int]:
    if level == LEVELS:
        raise Malformed("too deep")
    members = []
    for _ in range(number * (major - 3)):
        member, place = _value(data, place, level + 1)
        members.append(member)
    if major == 4:
        return members, place
    keys = members[::2]
    if any(type(key) is not int or key < 0 for key in keys) or len(set(keys)) < len(keys):
        raise Malformed("a map's keys")
    return dict(zip(keys, members[1::2], strict=True)), place


def _text(piece: bytes) -> str:
    try:
        return piece.decode()
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error
