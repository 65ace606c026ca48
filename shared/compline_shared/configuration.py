"""Turns the text of compline.toml and the environment into one side's settings."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from compline_shared.errors import ComplineError

DEFAULT_SOURCE = "compline.toml"
"""The settings file that is looked for in the current folder."""
Settings = TypeVar("Settings", bound=msgspec.Struct)


class InvalidSettings(ComplineError):
    """A setting is unknown, of the wrong type or out of range; the message names it and where it stands."""


def settings_from(
    kind: type[Settings], *, toml: str, source: str, table: str, environment: Mapping[str, str], prefix: str
) -> Settings:
    """Read ``[table]`` of a TOML text into ``kind``; variables ``<prefix><FIELD>`` win over the file ``source``.

    A variable's value is read as TOML where that fits the field (``true``, ``8460``, ``["a", "b"]``), else as text.

    Raises:
        InvalidSettings: the text is not TOML, or a setting is unknown, of the wrong type or out of range.
    """
    settings = _in_file(kind, toml, source=source, table=table)
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    values = {}
    for name, text in environment.items():
        if name.startswith(prefix):
            field = name[len(prefix) :].lower()
            if field not in types:
                raise InvalidSettings(_unknown_variable(name, field, known=types, prefix=prefix))
            values[field] = _converted(text, types[field], name=name)
    return msgspec.structs.replace(settings, **values)


def _in_file(kind: type[Settings], toml: str, *, source: str, table: str) -> Settings:
    try:
        section = tomllib.loads(toml).get(table, {})
    except tomllib.TOMLDecodeError as cause:
        raise InvalidSettings(f"{source} is not valid TOML: {cause}") from cause
    if not isinstance(section, dict):
        raise InvalidSettings(f"{source}: [{table}] must be a table of settings")
    try:
        return msgspec.convert(section, kind)
    except msgspec.ValidationError as cause:
        known = ", ".join(sorted(kind.__struct_fields__))
        raise InvalidSettings(f"{source}, [{table}]: {cause}; known settings are {known}") from cause


def _unknown_variable(name: str, field: str, *, known: Mapping[str, object], prefix: str) -> str:
    near = difflib.get_close_matches(field, known, n=1)
    if near:
        return f"The variable {name} is no setting; did you mean {prefix}{near[0].upper()}?"
    names = ", ".join(prefix + one.upper() for one in sorted(known))
    return f"The variable {name} is no setting; there are {names}."


def _converted(text: str, hint: object, *, name: str) -> object:
    """Return a variable's value in the field's type; where no reading fits, say what the last one lacks."""
    *others, last = _readings(text)
    for reading in others:
        try:
            return msgspec.convert(reading, hint)
        except msgspec.ValidationError:
            continue
    try:
        return msgspec.convert(last, hint)
    except msgspec.ValidationError as cause:
        raise InvalidSettings(f'The variable {name} is "{text}": {cause}') from cause


def _readings(text: str) -> list[object]:
    try:
        return [text, tomllib.loads(f"value = {text}")["value"]]
    except tomllib.TOMLDecodeError:
        return [text]
