"""Identifiers that cross module borders, each a type of its own with a bound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

HandsetId = NewType("HandsetId", str)
"""16 lower-case hex digits, random, made at enrolment; the only name of a handset on topics."""

BindingId = NewType("BindingId", str)
"""16 lower-case hex digits; one handset and one collector until wiped."""

Seq = NewType("Seq", int)
"""1-based position of a verdict in its binding, below 2**53."""

MAX_SEQ = 2**53 - 1
_HEX16 = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, order=True)
class VerdictId:
    """The one name of a verdict everywhere: (handset, binding, seq)."""

    handset: HandsetId
    binding: BindingId
    seq: Seq


def handset_id(text: str) -> HandsetId:
    """Return ``text`` as a handset id, or raise ValueError without echoing it."""
    return HandsetId(_hex16(text))


def binding_id(text: str) -> BindingId:
    """Return ``text`` as a binding id, or raise ValueError without echoing it."""
    return BindingId(_hex16(text))


def _hex16(text: str) -> str:
    if not _HEX16.fullmatch(text):
        raise ValueError("an id is 16 lower-case hex digits")
    return text
