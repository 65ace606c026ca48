"""Proves of a message type that it is closed, and of a message that it is exactly of that type.

Closed means: enums, booleans, integers with both bounds, structs and bounded tuples of these, and the three types
that only `compline_shared.masking` makes. No text, bytes, floats or unbounded integers; a struct that has one is
refused when it is compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log2
from typing import TypeAlias

import msgspec
from msgspec import inspect

from compline_shared.errors import OutOfBounds
from compline_shared.masking import CiphertextDigest, Pseudonym

Check: TypeAlias = Callable[[object], None]

_MASKED: dict[object, int] = {Pseudonym: 64, CiphertextDigest: 256}


def compile_check(message: type[msgspec.Struct]) -> Check:
    """Return a check of one instance: exact types (no subclass, no int for an enum) and bounds; it raises OutOfBounds.

    Raises:
        TypeError: the type is not closed.
    """
    return _check(inspect.type_info(message), message.__name__)


def content_bits(message: type[msgspec.Struct]) -> float:
    """Return the most bits that one message can carry, its masked fields left out; TypeError if it is not closed."""
    return _bits(inspect.type_info(message), message.__name__)


def _check(kind: inspect.Type, name: str) -> Check:
    match kind:
        case inspect.IntType(ge=int(low), le=int(high)):
            return _integer(low, high, name)
        case inspect.BoolType():
            return _exactly(bool, name)
        case inspect.NoneType():
            return _exactly(type(None), name)
        case inspect.EnumType(cls=cls):
            return _exactly(cls, name)
        case inspect.CustomType(cls=cls) if cls in _MASKED:
            return _exactly(cls, name)
        case inspect.UnionType(types=members):
            return _either({_class(member, name): _check(member, name) for member in members}, name)
        case inspect.VarTupleType(item_type=item, max_length=int(most)):
            return _row(_check(item, name), most, name)
        case inspect.StructType(cls=cls, fields=fields):
            return _struct(cls, [(f.name, _check(f.type, f.name)) for f in fields], name)
        case _:
            raise _open(name)


def _integer(low: int, high: int, name: str) -> Check:
    def check(value: object) -> None:
        if type(value) is not int or not low <= value <= high:
            raise _refused(name)

    return check


def _exactly(cls: type, name: str) -> Check:
    def check(value: object) -> None:
        if type(value) is not cls:
            raise _refused(name)

    return check


def _either(members: dict[type, Check], name: str) -> Check:
    def check(value: object) -> None:
        member = members.get(type(value))
        if member is None:
            raise _refused(name)
        member(value)

    return check


def _row(item: Check, most: int, name: str) -> Check:
    def check(value: object) -> None:
        if type(value) is not tuple or len(value) > most:
            raise _refused(name)
        for member in value:
            item(member)

    return check


def _struct(cls: type, fields: list[tuple[str, Check]], name: str) -> Check:
    def check(value: object) -> None:
        if type(value) is not cls:
            raise _refused(name)
        for field, field_check in fields:
            field_check(getattr(value, field))

    return check


def _class(kind: inspect.Type, name: str) -> type:
    match kind:
        case inspect.IntType():
            return int
        case inspect.NoneType():
            return type(None)
        case inspect.EnumType(cls=cls) | inspect.CustomType(cls=cls) | inspect.StructType(cls=cls):
            return cls
        case _:
            raise _open(name)


def _bits(kind: inspect.Type, name: str) -> float:
    match kind:
        case inspect.IntType(ge=int(low), le=int(high)):
            return log2(high - low + 1)
        case inspect.BoolType():
            return 1.0
        case inspect.NoneType():
            return 0.0
        case inspect.EnumType(cls=cls):
            return log2(len(cls))
        case inspect.CustomType(cls=cls) if cls in _MASKED:
            return 0.0
        case inspect.UnionType(types=members):
            return log2(sum(2 ** _bits(member, name) for member in members))
        case inspect.VarTupleType(item_type=item, max_length=int(most)):
            return most * _bits(item, name) + log2(most + 1)
        case inspect.StructType(fields=fields):
            return sum(_bits(f.type, f.name) for f in fields)
        case _:
            raise _open(name)


def _refused(name: str) -> OutOfBounds:
    return OutOfBounds(
        f"The verdict's field '{name}' holds something that it may not carry; nothing was sent."
    )


def _open(name: str) -> TypeError:
    return TypeError(
        f"'{name}' could carry content: a message holds enums, booleans, bounded integers and masked types only"
    )
