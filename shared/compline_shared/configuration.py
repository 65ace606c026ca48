"""Turns the text of compline.toml and the environment into one side's settings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from compline_shared.errors import ComplineError

Settings = TypeVar("Settings", bound=msgspec.Struct)


class InvalidSettings(ComplineError):
    """A setting is unknown, of the wrong type or out of range; the message names it."""


def settings_from(
    kind: type[Settings], *, toml: str, table: str, environment: Mapping[str, str], prefix: str
) -> Settings:
    """Read ``[table]`` of a TOML text into ``kind``; variables ``<prefix><FIELD>`` win over the file.

    A variable's value is read as TOML where that fits the field (``true``, ``8460``, ``["a", "b"]``), else as text.

    Raises:
        InvalidSettings: the text is not TOML, or a setting is unknown, of the wrong type or out of range.
    """
    try:
        section = tomllib.loads(toml).get(table, {})
    except tomllib.TOMLDecodeError as cause:
        raise InvalidSettings(f"compline.toml is not valid TOML: {cause}") from cause
    if not isinstance(section, dict):
        raise InvalidSettings(f"compline.toml: [{table}] must be a table of settings")
    values = dict(section)
    fields = set(kind.__struct_fields__)
    for name, value in environment.items():
        field = name[len(prefix) :].lower()
        if name.startswith(prefix) and field in fields:
            values[field] = _convertible(kind, field, value)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as cause:
        known = ", ".join(sorted(fields))
        raise InvalidSettings(f"settings [{table}]: {cause}; known settings are {known}") from cause


def _convertible(kind: type[Settings], field: str, text: str) -> object:
    hint = {f.name: f.type for f in msgspec.structs.fields(kind)}[field]
    for candidate in _readings(text):
        try:
            msgspec.convert(candidate, hint)
        except msgspec.ValidationError:
            continue
        return candidate
    return text


def _readings(text: str) -> list[object]:
    try:
        return [text, tomllib.loads(f"value = {text}")["value"]]
    except tomllib.TOMLDecodeError:
        return [text]
